"""--explain and --dry-run: what is told is what is done."""

import json
import re

import pytest
from conftest import REPOSITORY, Machine

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

# How each storage driver mounts a root file system.
MOUNTS = {"overlay": "mount overlay", "aufs": "mount aufs", "vfs": "/tree on "}


def test_explain_tells_each_process_and_step(mydocker: Machine, storage: str) -> None:
    result = mydocker("--explain", "run", "--rm", "busybox", "echo", "done")
    assert result.stdout == "done\n"
    text = result.stderr
    for words in ("claim the name", MOUNTS[storage], "unshare CLONE_NEWPID", "pivot_root", "capset", "seccomp"):
        assert words in text
    assert text.index("claim the name") < text.index("unshare CLONE_NEWPID") < text.index("pivot_root")


def test_explain_may_stand_after_the_verb_and_never_eats_the_image(mydocker: Machine) -> None:
    result = mydocker("run", "--explain", "--rm", "busybox", "echo", "--explain")
    assert result.stdout == "--explain\n"
    assert "pivot_root" in result.stderr


def test_explain_json_is_one_object_a_step(mydocker: Machine) -> None:
    result = mydocker("--explain=json", "run", "--rm", "busybox", "true")
    steps = [json.loads(line) for line in result.stderr.splitlines()]
    assert {step["who"] for step in steps} == {"cli", "monitor", "init"}
    assert all(step["seconds"] >= 0 for step in steps)
    # Each process has one pid of the host's, and one clock is everybody's.
    assert len({(step["who"], step["pid"]) for step in steps}) == 3 and all(step["pid"] > 1 for step in steps)
    names = {name: next(step for step in steps if re.search(words, step["step"])) for name, words in MOMENTS.items()}
    assert names["claim"]["at"] < names["fork"]["at"] < names["pivot"]["at"] <= steps[-1]["at"]
    kinds = [names[name]["kind"] for name in MOMENTS]
    assert kinds == ["store", "namespaces", "limits", "root", "confinement", "program"]
    assert all(step["why"].endswith(".") and step["where"].startswith("mydocker/") for step in steps)


# A word of a step → what is looked at in test_explain_json.
MOMENTS = {
    "claim": "claim the name",
    "fork": "unshare CLONE_NEWPID",
    "enter": "/tasks$|CLONE_INTO_CGROUP",
    "pivot": "pivot_root",
    "seccomp": "SECCOMP_SET_MODE_FILTER",
    "program": "execve",
}


def test_reasons_are_in_the_language_of_the_locale(mydocker: Machine) -> None:
    words = "--explain=json --dry-run run --rm --network none busybox true"
    chinese = mydocker.sh(f"LC_ALL=zh_CN.UTF-8 {{mydocker}} {words}")
    steps = [json.loads(line) for line in chinese.stdout.splitlines()]
    assert steps[-1]["kind"] == "program" and all(step["why"].endswith("。") for step in steps)


def test_init_has_its_pid_of_the_host_whatever_forked_it(mydocker: Machine, userns: list[str]) -> None:
    steps = map(json.loads, mydocker("--explain=json", "run", "--rm", *userns, "busybox", "true").stderr.splitlines())
    pids = {step["who"]: step["pid"] for step in steps}
    assert len({*pids.values()}) == len(pids) == 4 and 1 not in pids.values()


def test_a_dry_run_tells_the_same_steps_and_does_nothing(mydocker: Machine, needs_controllers: None) -> None:
    before = mydocker.snapshot()
    dry = mydocker("run", "--dry-run", "--rm", "-m", "64m", "-v", "data:/data", "busybox", "true")
    assert dry.rc == 0
    assert not mydocker.left_since(before)
    done = mydocker("--explain", "run", "--rm", "-m", "64m", "-v", "data:/data", "busybox", "true").stderr
    told = [line.split(maxsplit=1)[1] for line in dry.stdout.splitlines() if line.startswith("init")]
    really = [line.split(maxsplit=3)[3] for line in done.splitlines() if line.startswith("init")]
    # Ids differ from one container to the next, and execve ends the telling.
    assert [line.split()[0] for line in told[: len(really)]] == [line.split()[0] for line in really]
    assert mydocker("volume", "rm", "data").rc == 0


# What differs from one container to the next, or is not known before: a time, an id and what is made of it, a pid, where an idle range of
# users begins.
DIFFERS = (
    (r" *[0-9]+\.[0-9]{2} ms ", " "),
    (r"\bmd[0-9a-f]{9}\.", "mdID."),
    (r"\b[0-9a-f]{12}([0-9a-f]{52})?\b", "ID"),
    (r"/proc/(PID|[0-9]+)/", "/proc/PID/"),
    (r"netns (PID|[0-9]+)", "netns PID"),
    (r"write [0-9]+ to (\S+)/cgroup.procs", r"write PID to \1/cgroup.procs"),
    (r"\b[0-9]{6,}([: ])", r"USER\1"),
    (r"/proc/self/fd/[0-9]+", "/proc/self/fd/N"),
)


def by_process(text: str) -> dict[str, list[str]]:
    """Return {who: its steps}: processes that go on side by side tell theirs in any order."""
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        for pattern, name in DIFFERS:
            line = re.sub(pattern, name, line)
        who, step = line.split(maxsplit=1)
        told.setdefault(who, []).append(step)
    return told


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--network none",
        "-p 127.0.0.1:18080:80",
        "--userns auto",
        "--userns auto --network none -it -u 7:8",
        "-v named:/data -v /anonymous --tmpfs /t",
        "-m 64m --pids-limit 50",
        "-u 65534:3 --read-only --cap-drop ALL --security-opt no-new-privileges",
        "-it",
    ],
)
def test_every_line_of_a_dry_run_is_one_of_the_start(
    mydocker: Machine, needs_controllers: None, request: pytest.FixtureRequest, flags: str
) -> None:
    if "--userns" in flags:
        request.getfixturevalue("userns")
    # The first container makes what all share: directories, the bridge.
    mydocker("run", "--rm", *flags.replace("-it", "").split(), "busybox", "true")
    words = ["run", "--rm", "--name", "one", *flags.split(), "busybox", "true"]
    seen = []
    for how in ("--dry-run", "--explain=all"):
        with mydocker.terminal("--explain=all", how, *words) as terminal:
            assert terminal.wait() == 0
            seen.append(by_process(terminal.seen))
    assert seen[0].keys() == seen[1].keys()
    for who in seen[0]:
        assert seen[0][who] == seen[1][who]
    mydocker("volume", "rm", "-f", "named")


def told(mydocker: Machine, *words: str) -> str:
    """Return the steps of a verb, one a line without times, told with --dry-run. Then it is done, and may tell no other step."""
    dry, done = mydocker("--dry-run", *words), mydocker("--explain=all", *words)
    assert (dry.rc, done.rc) == (0, 0), dry.stderr + done.stderr
    first, second = (re.sub(" +", " ", re.sub(r"(?m)^(\w+) +[0-9.]+ ms ", r"\1 ", text)) for text in (dry.stdout, done.stderr))
    assert [line for line in second.splitlines() if line.partition(", if it has")[0] not in first] == []
    return first


def test_every_verb_of_a_life_tells_its_steps(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    pid = mydocker("inspect", "-f", "{{.State.Pid}}", "web").stdout.strip()
    assert "until the kernel says that all processes are frozen" in told(mydocker, "pause", "web")
    assert "until the kernel says that all processes go on" in told(mydocker, "unpause", "web")
    assert told(mydocker, "kill", "-s", "CONT", "web") == f"cli send signal 18 to process {pid} by its pidfd\n"
    packed = told(mydocker, "cp", "web:/bin/busybox", "copied")
    assert f"/proc/{pid}/root: pack /bin/busybox into a pipe" in packed and "unpack it to" in packed
    assert f"chroot /proc/{pid}/root" in told(mydocker, "export", "-o", f"{mydocker.directory}/exported.tar", "web")
    stopping = told(mydocker, "stop", "-t", "0", "web")
    assert stopping.index("restart policy") < stopping.index("signal 15") < stopping.index("signal 9") < stopping.index("recorded the end")
    removing = told(mydocker, "rm", "web")
    assert removing.index("'removing'") < removing.index("writable layer") < removing.index("/names/web") < removing.index("'destroy'")
    mydocker.sh("rm -f exported.tar copied")


def test_a_dry_run_needs_no_terminal(mydocker: Machine) -> None:
    """What a terminal is refused for without --dry-run is told with it."""
    mydocker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    mydocker("create", "-it", "--name", "stopped", "--network", "none", "busybox", "sh")
    for words in (["run", "-it", "--rm", "busybox", "sh"], ["exec", "-it", "web", "sh"], ["start", "-ai", "stopped"]):
        refused, told = mydocker(*words), mydocker("--dry-run", *words)
        assert refused.rc and refused.stderr.startswith("mydocker: -t with -i needs a terminal, and standard input is none\n")
        assert told.rc == 0 and "execve" in told.stdout, (words, told.stderr)
        assert "controlling terminal" in told.stdout or words[0] == "exec"
    mydocker("rm", "-f", "web", "stopped")


def test_a_volume_is_made_step_by_step(mydocker: Machine) -> None:
    told_lines = told(mydocker, "volume", "create", "data")
    prepared, renamed = "mkdir _data for volume data", "rename volume data to"
    assert 0 <= told_lines.index(prepared) < told_lines.index(renamed)
    mydocker("volume", "rm", "data")


STORED = ["write the config", "write the manifest", "store image sha256:"]


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        ("commit box made", ["store layer of changes in container"], []),
        ("import files.tar made", ["store layer from files.tar"], []),
        ("load -i image.tar", ["store the files of image.tar", "take layer"], ["name image"]),
        ("build -q -t made context", ["store layer of what the instruction changed"], ["name image"]),
    ],
)
def test_an_image_is_stored_step_by_step(mydocker: Machine, words: str, before: list[str], after: list[str]) -> None:
    mydocker("run", "--name", "box", "--network", "none", "busybox", "touch", "/made")
    mydocker.sh("mkdir -p context; echo x > context/x; printf 'FROM busybox\nCOPY x /\n' > context/Dockerfile; tar -cf files.tar context")
    mydocker("tag", "busybox", "other")
    mydocker("save", "-o", "image.tar", "other")
    index = mydocker.sh("cat root/images/index.json").stdout
    dry = mydocker("--dry-run", *words.split())
    assert dry.rc == 0 and mydocker.sh("cat root/images/index.json").stdout == index, dry.stderr
    done = mydocker("--explain=json", *words.split())
    steps = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert done.rc == 0 and all(step["why"] and step["where"].startswith("mydocker/") for step in steps)
    at = -1
    for expected in [*before, *STORED, *after]:
        at = next((n for n in range(at + 1, len(steps)) if steps[n]["step"].startswith(expected)), -1)
        assert at >= 0, (expected, done.stderr)
    mydocker("rm", "box")
    mydocker("rmi", "-f", "made", "other")
    mydocker("builder", "prune", "-af")
    mydocker.sh("rm -rf context files.tar image.tar")


def test_each_layer_is_told_by_the_process_that_brings_it_and_gets_its_place_in_a_step_of_its_own(mydocker: Machine) -> None:
    mydocker("run", "--name", "box", "--network", "none", "busybox", "touch", "/made")
    mydocker("commit", "box", "made")
    layer = json.loads(mydocker("inspect", "made").stdout)[0]["RootFS"]["Layers"][-1]
    mydocker("save", "-o", "image.tar", "made")
    mydocker("rm", "box")
    mydocker("rmi", "made")
    steps = [json.loads(line) for line in mydocker("--explain=json", "load", "-i", "image.tar").stderr.splitlines()]
    renames = [step for step in steps if step["step"].startswith("rename the unpacked layer")]
    assert len(renames) == 1 and layer in renames[0]["step"], "the other layer, busybox's, was there"
    brought = [step for step in steps if step["step"].startswith(("take layer", "fetch layer"))]
    assert [step["who"] for step in brought] == ["worker", "worker"]
    assert len({step["pid"] for step in (*brought, *renames)}) == 3, "each layer has a child of its own, and the parent renames"
    assert all(step["at"] + step["seconds"] < renames[0]["at"] for step in brought)
    assert mydocker("run", "--rm", "--network", "none", "made", "ls", "/made").rc == 0
    mydocker("rmi", "made")
    mydocker.sh("rm image.tar")


def test_a_dry_run_of_rm_leaves_a_running_container_alone(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000")
    assert "is running" in mydocker("--dry-run", "rm", "web").stderr
    lines = mydocker("--dry-run", "rm", "-f", "web").stdout
    assert "signal 9" in lines and "rmdir cgroup /mydocker/" in lines and "writable layer" in lines
    assert "web" in mydocker("ps").stdout
    assert mydocker("--explain=sh", "rm", "-f", "web").stderr.startswith("# see to it")
    assert "web" not in mydocker("ps", "-a").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ps -a", "*/config.json"),
        ("inspect -f {{.Id}} busybox", "/index.json"),
        ("inspect -f {{.Name}} bridge", "/network.json"),
        ("inspect -f {{.Name}} kept", "/kept/volume.json"),
    ],
)
def test_what_only_reads_says_where(mydocker: Machine, words: str, expected: str) -> None:
    mydocker("volume", "create", "kept")
    plain, explained = mydocker(*words.split()), mydocker("--explain=json", *words.split())
    assert explained.stdout == plain.stdout and plain.rc == 0
    steps = [json.loads(line) for line in explained.stderr.splitlines()]
    assert any(expected in step["step"] for step in steps) and all(step["why"].startswith("There is no daemon") for step in steps)
    mydocker("volume", "rm", "kept")


def test_a_start_is_told_without_root_rights(mydocker: Machine, storage: str) -> None:
    """The user has a copy of ROOT, and mydocker where it may read it. What it cannot know, the rules of others, it says."""
    place = f"{mydocker.directory}/user"  # every user may pass to there; above tmp_path, pytest takes that back with each new session
    mydocker.sh(f"mkdir {place}; cp -a root {place}/root; mkdir {place}/state; echo {storage} > {place}/state/storage-driver")
    mydocker.sh(f"cp -r {REPOSITORY}/mydocker {place}; chmod -R a+rX {place}/mydocker; chown -R 65534:65534 {place}/*")
    user = f"cd {place}; setpriv --reuid 65534 --regid 65534 --clear-groups env PYTHONPATH={place} PYTHONDONTWRITEBYTECODE=1"
    command = f"{user} MYDOCKER_ROOT={place}/root MYDOCKER_STATE={place}/state /usr/bin/python3 -m mydocker"
    text = mydocker.sh(f"{command} --dry-run run --rm busybox true")
    assert text.rc == 0 and "pivot_root" in text.stdout and "veth peer name eth0" in text.stdout, text.stderr
    script = mydocker.sh(f"{command} --dry-run --explain=sh run --rm --network none busybox true")
    assert script.rc == 0 and "chroot ." in script.stdout, script.stderr
    mydocker.sh(f"rm -rf {place}")


def test_on_a_terminal_it_is_grouped_and_no_wider(mydocker: Machine, needs_controllers: None) -> None:
    with mydocker.terminal("--explain", "run", "--rm", "-m", "64m", "busybox", "sh", "-c", "echo; echo it runs", size=(24, 80)) as terminal:
        assert terminal.wait() == 0
        lines = terminal.seen.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80 and lines[-1] == "it runs", "what is kept is told before the program's output"
    headings = [line.split("  ")[0] for line in lines if line and line[0] not in " $" and " ms" in line]
    assert {"store", "namespaces", "limits", "root file system", "confinement", "program"} <= {*headings}
    assert len(headings) == len({*headings})
    versions = {hierarchy.version for hierarchy in Layout.detect(Paths()).hierarchies}
    entered = [sum(words in line for line in lines) for words in ("/tasks", "CLONE_INTO_CGROUP")]
    assert entered == [int(version in versions) for version in (1, 2)] and not re.search("[0-9a-f]{64}", terminal.seen)


def test_reasons_are_told_into_a_pipe_too(mydocker: Machine) -> None:
    script = "LANG=zh_CN.UTF-8 {mydocker} --explain=why run --rm --network none busybox echo done 2>told; cat told | tail -4"
    told = mydocker.sh(script).stdout
    assert told.startswith("done\n") and "CVE-2019-5736" in told and "mydocker/steps/process.py:" in told


def test_a_failed_start_tells_its_steps_before_its_error(mydocker: Machine) -> None:
    lines = mydocker("--explain=why", "run", "--rm", "busybox", "/nosuch").stderr.splitlines()
    assert lines[0].startswith("$ROOT = ") and lines[-1].startswith("mydocker: exec: '/nosuch'")


@pytest.mark.parametrize(
    ("flags", "command", "expected"),
    [
        ([], "id -u; hostname | wc -c; cat /proc/self/cgroup | cut -d: -f3 | sort -u; echo $$", "0\n13\n/\n1\n"),
        (["-m", "64m", "-e", "A=two words", "-w", "/tmp"], 'echo "$A"; pwd; grep -c . /proc/self/mounts | wc -l', "two words\n/tmp\n1\n"),
        (["--cap-drop", "ALL", "--cap-add", "SYS_CHROOT", "--read-only"], "touch /x 2>/dev/null || echo refused", "refused\n"),
        (
            ["-u", "65534:3", "--group-add", "7", "--cap-drop", "ALL"],
            "id -u; id -G; grep -c CapEff:.*0000$ /proc/self/status",
            "65534\n3 7\n1\n",
        ),
        ([], "id -G; echo 'one\n'; echo two # three\ntrue", "0 10\none\n\ntwo\n"),
        (["-u", "65534:65534", "--tmpfs", "/t"], "id -u; grep -c ' /t tmpfs' /proc/mounts", "65534\n1\n"),
    ],
)
def test_the_script_makes_an_equivalent_container_by_hand(
    mydocker: Machine, needs_root_mount: None, flags: list[str], command: str, expected: str
) -> None:
    arguments = ["--explain=sh", "--dry-run", "run", "--rm", *flags, "busybox", "sh", "-c", command]
    script = mydocker(*arguments)
    assert script.rc == 0, script.stderr
    mydocker.sh(f"cat > by-hand.sh <<'END_OF_TEST'\n{script.stdout}\nEND_OF_TEST")
    result = mydocker.sh("bash by-hand.sh")
    assert (result.rc, result.stdout) == (0, expected), result.stderr
    assert mydocker("run", "--rm", *flags, "busybox", "sh", "-c", command).stdout == expected
