"""run and create take docker's flags, under docker's names, and nothing that this version cannot do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mydocker.cli.flags import CREATE, RUN
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.cli.verb import Argument, Flag, Group, Verb

REPOSITORY = Path(__file__).resolve().parents[3]
# {verb: its flags}, as docker 28's own --help lists them.
DOCKERS: dict[str, list[str]] = json.loads((REPOSITORY / "tests/data/reference/flags.json").read_text())

LOGS = "--restart --log-driver --log-opt"
LIFE = (
    "-a --attach --rm -i --interactive -t --tty --name --cidfile --init --stop-signal --stop-timeout --pull -q --quiet --platform "
    "--runtime --storage-driver"
)
RUN_ONLY = "-d --detach --detach-keys --sig-proxy"
HEALTH = "--health-cmd --health-interval --health-timeout --health-retries --health-start-period --health-start-interval --no-healthcheck"
COMMAND = (
    "-e --env --env-file -w --workdir -u --user --group-add -h --hostname --domainname --entrypoint -l --label --label-file --annotation"
)
LIMITS = (
    "-m --memory --memory-swap --memory-reservation --memory-swappiness --oom-kill-disable --oom-score-adj --cpus -c --cpu-shares "
    "--cpu-quota --cpu-period --cpuset-cpus --cpuset-mems --pids-limit --blkio-weight --blkio-weight-device "
    "--device-read-bps --device-write-bps --device-read-iops --device-write-iops --ulimit --shm-size --cgroup-parent --cgroupns"
)
FILES = "-v --volume --mount --tmpfs --volumes-from --read-only --device --gpus --device-cgroup-rule"
NETWORK = (
    "--network --net --ip --ip6 --link-local-ip --mac-address --network-alias --net-alias -p --publish -P --publish-all --expose "
    "--dns --dns-search --dns-option --dns-opt --add-host --link"
)
CONFINEMENT = "--cap-add --cap-drop --security-opt --privileged --userns --pid --ipc --uts --sysctl"
MEANINGLESS = "--disable-content-trust --isolation --kernel-memory --volume-driver"
SHARED = " ".join([LIFE, LOGS, HEALTH, COMMAND, LIMITS, FILES, NETWORK, CONFINEMENT, MEANINGLESS]).split()


def names(takes: tuple[Flag | Argument, ...]) -> list[str]:
    flags = [row for row in takes if isinstance(row, Flag) and not row.refusal]
    return sorted(name for flag in flags for name in flag.names)


def test_run_takes_exactly_these() -> None:
    assert names(RUN) == sorted(SHARED + RUN_ONLY.split())


def test_create_takes_exactly_these() -> None:
    assert names(CREATE) == sorted(SHARED)


def test_each_says_what_it_is_for_and_takes() -> None:
    for flag in [row for row in RUN if isinstance(row, Flag) and not row.refusal]:
        assert flag.help.endswith((".", "].")), flag.names
        assert not flag.takes_value or flag.metavar or flag.choices, flag.names


def member(line: str) -> Verb | Group:
    found: Verb | Group | None = mydocker
    for word in line.split():
        assert isinstance(found, Group)
        found = found.member(word)
    assert found, line
    return found


@pytest.mark.parametrize("line", DOCKERS)
def test_each_flag_of_dockers_works_or_means_nothing_or_is_refused_by_name(line: str) -> None:
    known = {name for flag in member(line).flags for name in (*flag.names, *flag.opposites)} | {"--help"}
    assert not set(DOCKERS[line]) - known


@pytest.mark.parametrize("line", ["", *DOCKERS])
def test_differences_names_what_is_refused(line: str) -> None:
    text = (REPOSITORY / "docs/differences.md").read_text()
    assert not [flag.names[-1] for flag in member(line).flags if flag.refusal and f"`{flag.names[-1]}`" not in text]


@pytest.mark.parametrize("line", ["", "context", "buildx", "volume"])
def test_a_verb_of_dockers_that_is_not_there_is_refused_with_the_reason(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    group, text = member(line), (REPOSITORY / "docs/differences.md").read_text()
    assert isinstance(group, Group) and group.absent
    for verb, why in group.absent.items():
        assert run(mydocker, [*line.split(), verb, "--any", "word"]) == 1
        told = capsys.readouterr().err
        assert told.startswith(f"mydocker: {verb} is not supported: {why}\n") and f"`{verb}`" in text, told


# The verbs that have no steps to tell: they change nothing, or only pass on what somebody types, asks or learns.
UNTOLD = (
    "attach, completion, context inspect, context ls, context show, context use, diff, events, generate systemd, history, images, info, "
    "learn, logs, manifest inspect, network ls, port, search, stats, system df, system service, top, version, volume ls"
)


def verbs(group: Group) -> Iterator[Verb]:
    for name in group.verbs:
        found = group.member(name)
        assert found
        yield from verbs(found) if isinstance(found, Group) else [found]


def test_every_verb_tells_its_steps_but_for_those_that_have_none() -> None:
    untold = {each.function.__doc__ for each in verbs(mydocker) if not any(flag.into == "explain" for flag in each.flags)}
    assert untold == {each.function.__doc__ for name in UNTOLD.split(", ") if isinstance(each := member(name), Verb)}


@pytest.mark.parametrize("asked", ["--explain", "--explain=json", "--dry-run"])
@pytest.mark.parametrize("words", ["learn reset", "images", "logs web"])
def test_a_verb_without_steps_refuses_to_tell_them(capsys: pytest.CaptureFixture[str], asked: str, words: str) -> None:
    assert run(mydocker, [asked, *words.split()]) == 1
    option, verb = asked.partition("=")[0], words.split()[0]
    assert capsys.readouterr().err.startswith(f"mydocker: {option} has nothing to tell of '{verb}'\n")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["run", "--cpu-count", "2", "busybox"], 125, "--cpu-count is not supported: it is for Windows"),
        (["-H", "tcp://far", "ps"], 1, "--host is not supported: there is no daemon"),
        (["--tlsverify", "ps"], 1, "--tlsverify is not supported: there is no daemon"),
        (["volume", "ls", "--cluster"], 1, "--cluster is not supported: there are no volumes of Swarm"),
        (["rmi", "--platform", "nosuch/x", "busybox"], 1, "invalid platform 'nosuch/x'"),
    ],
)
def test_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], status: int, message: str) -> None:
    assert run(mydocker, ["--root", f"{tmp_path}/root", "--state", f"{tmp_path}/state", *words]) == status
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
