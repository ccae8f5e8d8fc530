"""run and create take docker's flags, under docker's names, and nothing that this version cannot do."""

from __future__ import annotations

from mydocker.cli.flags import CREATE, RUN
from mydocker.cli.verb import Argument, Flag

LOGS = "--restart --log-driver --log-opt"
LIFE = (
    "-i --interactive -t --tty --name --cidfile --init --stop-signal --stop-timeout --pull -q --quiet --platform --runtime --storage-driver"
)
RUN_ONLY = "-d --detach -a --attach --rm --detach-keys --sig-proxy"
HEALTH = "--health-cmd --health-interval --health-timeout --health-retries --health-start-period --health-start-interval --no-healthcheck"
COMMAND = (
    "-e --env --env-file -w --workdir -u --user --group-add -h --hostname --domainname --entrypoint -l --label --label-file --annotation"
)
LIMITS = (
    "-m --memory --memory-swap --memory-reservation --memory-swappiness --oom-kill-disable --oom-score-adj --cpus -c --cpu-shares "
    "--cpu-quota --cpu-period --cpuset-cpus --cpuset-mems --pids-limit --blkio-weight --blkio-weight-device "
    "--device-read-bps --device-write-bps --device-read-iops --device-write-iops --ulimit --shm-size --cgroup-parent --cgroupns"
)
FILES = "-v --volume --mount --tmpfs --volumes-from --read-only --device --device-cgroup-rule"
NETWORK = (
    "--network --net --ip --ip6 --mac-address --network-alias --net-alias -p --publish -P --publish-all --expose "
    "--dns --dns-search --dns-option --dns-opt --add-host"
)
CONFINEMENT = "--cap-add --cap-drop --security-opt --privileged --userns --pid --ipc --uts --sysctl"
MEANINGLESS = "--disable-content-trust --isolation"
SHARED = " ".join([LIFE, LOGS, HEALTH, COMMAND, LIMITS, FILES, NETWORK, CONFINEMENT, MEANINGLESS]).split()


def names(takes: tuple[Flag | Argument, ...]) -> list[str]:
    flags = [row for row in takes if isinstance(row, Flag)]
    return sorted(name for flag in flags for name in flag.names)


def test_run_takes_exactly_these() -> None:
    assert names(RUN) == sorted(SHARED + RUN_ONLY.split())


def test_create_takes_exactly_these() -> None:
    assert names(CREATE) == sorted(SHARED)


def test_each_says_what_it_is_for_and_takes() -> None:
    for flag in [row for row in RUN if isinstance(row, Flag)]:
        assert flag.help.endswith((".", "].")), flag.names
        assert not flag.takes_value or flag.metavar or flag.choices, flag.names
