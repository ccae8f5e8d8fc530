"""--explain=sh: valid shell, with every step in it, whatever words a user chooses."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.container.claim import ClaimName
from mydocker.engine.view.compact import looped, named, usable
from mydocker.engine.view.describe import plans
from mydocker.engine.view.script import Plans, abridged, script
from mydocker.engine.volume.mounting import MakeHostDirectory
from mydocker.paths import Paths
from mydocker.steps.base import Step
from mydocker.steps.files import CreateFile, MakeDir, WriteFile
from mydocker.steps.namespaces import JoinNamespace, Unshare
from mydocker.steps.nodes import MakeDirInRoot, MakeSymlink
from mydocker.storage.vfs import CopyTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.engine.conftest import Start

HOSTILE = [
    "two words",
    "new\nline",
    "$(touch hacked)",
    "`touch hacked`",
    "a'b\"c\\d",
    "'; touch hacked; '",
    "# not a comment\ntouch hacked",
    "END\ntouch hacked\nEND_INIT\ntouch hacked\nEND_MONITOR\ntouch hacked",
    "ü✓ \x7f\t",
    "* ? [a-z] ~ ! &&",
    "-n",
]
FLAGS = [
    "",
    "--privileged -t --init -v named:/data --tmpfs /t",
    "--userns auto -u www",
    "--read-only -v /tmp:/b:rshared -m 64m --ulimit nofile=100 --oom-score-adj 5 -w '/a b'",
    "--security-opt no-new-privileges --cap-drop ALL -e 'A=$(id) `id`' box sh -c 'echo \"$1\"\necho two' sh \"it's\"",
]


@pytest.fixture
def init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an init program on PATH."""
    (tmp_path / "tini-static").touch(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def written(text: str, directory: Path) -> dict[str, str]:
    """Let a shell execute the part of a script that writes the other scripts; return those by name."""
    part = text[text.index('cat > "$T/init.sh"') : text.index("\nstatus=0\n")]
    subprocess.run(["sh", "-ec", part], env={"PATH": os.environ["PATH"], "T": str(directory)}, cwd=directory, check=True)
    return {path.name: path.read_text() for path in directory.glob("*.sh")}


@pytest.mark.parametrize("kind", ["v1", "v2", "hybrid"])
@pytest.mark.parametrize("flags", FLAGS)
def test_every_part_is_valid_shell(start: Callable[[str], Start], init: None, tmp_path: Path, kind: str, flags: str) -> None:
    text = script(plans(start(kind).unpacked("overlay", *shlex.split(flags))))
    for part in (text, *written(text, tmp_path).values()):
        subprocess.run(["bash", "-n"], input=part, text=True, check=True)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(start: Callable[[str], Start], init: None, tmp_path: Path) -> None:
    text = script(plans(start("v2").unpacked("overlay", *shlex.split(FLAGS[3]))))
    (tmp_path / "cli.sh").write_text(text)
    names = [str(tmp_path / name) for name in written(text, tmp_path)]
    # mkdir -p -m: the parents exist. cd: the shell runs with -e. $T, $1 and words of the user's in single quotes are as they are meant.
    # $each and the names of paths: they hold nothing that a shell would split or expand. ${each}: its words are in the script.
    # -ef: dash, bash and busybox have it.
    known = "SC2174,SC2016,SC2154,SC1003,SC2164,SC2086,SC3013"
    result = subprocess.run(["shellcheck", "-s", "sh", "-e", known, *names], capture_output=True, text=True)
    assert result.stdout == ""


def written_out(text: str) -> str:
    """Return a script without its loops and names: each command as its step has it."""
    lines: list[str] = []
    rest = iter(text.split("\n"))
    names = []
    for line in rest:
        if line.startswith("export "):
            names.append(line.removeprefix("export ").split("=", 1))
        elif line.startswith("for each in "):
            body = [line[4:] for line in iter(lambda: next(rest), "done")]
            for word in shlex.split(line.removeprefix("for each in ").removesuffix("; do")):
                lines += [unrolled(each, word) for each in body]
        else:
            lines.append(line)
    text = "\n".join(lines)
    for name, value in reversed(names):
        text = re.sub(rf"\${name}\b", lambda _, value=value: value, text)  # type: ignore[misc]
    return text


def unrolled(line: str, word: str) -> str:
    """Return a line of a loop with a word in the variable's place. Where it stands in double quotes, the step had single ones."""
    line = re.sub(r'"([^"]*\$\{?each\b[^"]*)"', r"'\1'", line)
    return line.replace("${each}", word).replace("$each", word)


def test_paths_and_ids_have_names_where_a_shell_replaces_them() -> None:
    names = usable({"/var/c/3f3f": "C", "/var": "ROOT", "3f3f": "ID", "/with space": "S"})
    assert list(names.values()) == ["C", "ROOT", "ID"]
    assert (
        named("mount -o upperdir=/var/c/3f3f/upper,a=/variant /cgroup/3f3f", names) == "mount -o upperdir=$C/upper,a=/variant /cgroup/$ID"
    )
    assert named("ip link add x3f3f alias 'mydocker /var' # it's", names) == "ip link add x3f3f alias 'mydocker /var' # it's"
    assert named("nft -f - <<'END'\n/var\nEND", names) == "nft -f - <<'END'\n/var\nEND"
    assert named("printf %s 'it'\"'\"'s' > /var/x", names) == "printf %s 'it'\"'\"'s' > $ROOT/x"


REPEATED = [
    ["mkdir /a/x", "mkdir /a/y", "mkdir /a/z"],
    ["mkdir /c/cpu/m\nmount cpu /c/cpu", "mkdir /c/pids/m\nmount pids /c/pids", "mkdir /c/io/m\nmount io /c/io", "mount other"],
    ["mkdir /c/a", "mkdir /c/a/1", "mkdir /c/b", "mkdir /c/b/1", "mkdir /c/d", "mkdir /c/d/1"],
    ["mask /r/proc/a", "mask /r/proc/b", "mask /r/proc/c", "mask /r/sys/d/e"],
    ["printf %s 'c 1:3 r' > x", "printf %s 'c 1:5 r' > x", "printf %s 'c 136:* r' > x"],
]


@pytest.mark.parametrize("commands", REPEATED)
def test_what_repeats_is_a_loop_that_does_the_same(commands: list[str]) -> None:
    lines = looped(commands)
    assert any(line.startswith("for each in ") for line in lines)
    assert written_out("\n".join(lines)) == "\n".join(commands)


@pytest.mark.parametrize(
    "commands",
    [
        ["mkdir /a/x", "mkdir /a/y"],
        ["# one", "# two", "# three"],
        ["echo '$x'", "echo '$y'", "echo '$z'"],
        ["echo 'a\nx'", "echo 'a\ny'", "echo 'a\nz'"],
        ["mv a b", "mv b c", "mv c d"],
        ["mkdir 'a b'", "mkdir 'a c'", "mkdir 'a d'"],
        ["nft -f - <<'END'\na\nEND", "nft -f - <<'END'\nb\nEND", "nft -f - <<'END'\nc\nEND"],
    ],
)
def test_what_a_loop_would_change_is_none(commands: list[str]) -> None:
    lines = looped(commands)
    assert written_out("\n".join(lines)) == "\n".join(commands)


def test_a_script_has_its_reasons_once_and_config_json_by_lines(start: Callable[[str], Start], init: None, tmp_path: Path) -> None:
    prepared = start("v1").unpacked("overlay")
    text = script(plans(prepared))
    assert text.count("## A cgroup is a directory of control files") == 1 and "# --- namespaces" in text
    assert text.partition("$C/bundle/config.json <<END\n")[2].partition("\nEND\n")[0].count("\n") == len(prepared.spec) - 1
    plain = sum(len(step.shell()) for _, step in plans(prepared).every())
    assert len(re.sub("(?m)^#.*\n", "", text)) < plain * 0.4


@pytest.mark.parametrize("word", [*HOSTILE, "$CAPS $ID ${HOME}", "\\$(touch hacked) \\` \\\\ \\n"])
def test_a_shell_writes_the_config_json_that_a_start_writes(start: Callable[[str], Start], tmp_path: Path, word: str) -> None:
    prepared = start("v1").unpacked("overlay", "-e", f"A={word}", "--label", f"b={word}", "box", word)
    text = script(plans(prepared))
    Path(prepared.paths.container(prepared.record["id"]), "bundle").mkdir(parents=True)
    exports = "".join(f"{line}\n" for line in text.split("\n") if line.startswith("export "))
    lines = exports + text[text.index("\nCAPS=") : text.index("\nEND\n")] + "\nEND\n"
    subprocess.run(["sh", "-euc", lines], env={"PATH": os.environ["PATH"]}, cwd=tmp_path, check=True)
    found = json.loads(Path(prepared.paths.container(prepared.record["id"]), "bundle/config.json").read_text())
    spec = {**prepared.spec, "linux": {name: value for name, value in prepared.spec["linux"].items() if name != "seccomp"}}
    assert found == json.loads(json.dumps(spec))
    assert not list(tmp_path.rglob("hacked"))


# What a script may have, in bytes without and with its comments. Until names, loops and here-documents came, the first one had 46.8 KB,
# all of it commands: the commands are a quarter of that, and with their reasons they are less than half.
SIZES = {
    "": (11_750, 22_250),
    "-it --rm -m 64m": (11_950, 22_950),
    "-d -p 8080:80 -v data:/data -e K=V": (12_450, 24_350),
    "--network none": (8_700, 17_500),
    "--userns auto": (10_150, 20_550),
}


@pytest.mark.parametrize("flags", SIZES)
def test_a_script_stays_as_short_as_it_is(start: Callable[[str], Start], flags: str) -> None:
    """The recorded machine has cgroup version 1, controller by controller, which takes the most lines."""
    prepared = start("v1").unpacked("overlay", *shlex.split(flags))
    text = start("v1").neutral(prepared, script(plans(prepared)))
    commands = re.sub("(?m)^#.*\n", "", text)
    sizes = len(commands.encode()), len(text.encode())
    assert sizes[0] <= SIZES[flags][0] and sizes[1] <= SIZES[flags][1], sizes


def steps_of(whole: Plans) -> dict[str, list[Step]]:
    """Return which steps are to be found in which of the scripts."""
    return {
        "cli.sh": whole.cli,
        "monitor.sh": [*whole.monitor, *(step for _, step in whole.enter)],
        "init.sh": [*whole.early, *whole.isolate, *whole.init],
    }


@pytest.mark.parametrize(
    ("driver", "flags"), [*(("overlay", flags) for flags in FLAGS), ("aufs", FLAGS[1]), ("vfs", FLAGS[1]), ("vfs", FLAGS[2])]
)
def test_every_step_is_there_in_order(start: Callable[[str], Start], init: None, tmp_path: Path, driver: str, flags: str) -> None:
    whole = plans(start("hybrid").unpacked(driver, *shlex.split(flags)))
    text = script(whole)
    exports = "".join(f"{line}\n" for line in text.split("\n") if line.startswith("export "))
    parts = {name: written_out(exports + part) for name, part in {"cli.sh": text, **written(text, tmp_path)}.items()}
    for name, steps in steps_of(whole).items():
        position = 0
        for step in steps:
            if isinstance(step, CreateFile) and step.path.endswith("/config.json"):
                position = parts[name].index(f"cat > {step.path} <<", position)
            elif not isinstance(step, (Unshare, JoinNamespace)):
                position = parts[name].index(step.shell(), position)
    for step in whole.confine:
        assert "# " + abridged(step.describe()).replace("\n", "\n# ") in parts["init.sh"]


def test_a_comment_leaves_out_the_capabilities_that_the_last_command_has() -> None:
    assert (
        abridged("capset effective chown,dac_override,fowner,kill permitted kill,mknod") == "capset effective chown,… permitted kill,mknod"
    )


@pytest.mark.parametrize(
    ("flags", "entered"),
    [
        ("--network none", "unshare --mount --uts --ipc --net --pid --cgroup --propagation unchanged --fork"),
        ("", "within unshare --mount --uts --ipc --pid --cgroup --propagation unchanged --fork"),
        ("--pid host --network host -h x --cgroupns host", "unshare --mount --uts --ipc --propagation unchanged"),
        (
            "--userns 0:5000:99",
            "unshare --mount --uts --ipc --net --pid --cgroup --user --propagation unchanged --fork "
            "--map-users=0:5000:99 --map-groups=0:5000:99 --setuid=0 --setgid=0",
        ),
    ],
)
def test_the_namespaces_that_the_last_shell_enters(start: Callable[[str], Start], tmp_path: Path, flags: str, entered: str) -> None:
    text = script(plans(start("v2").unpacked("overlay", *shlex.split(flags))))
    lines = written(text, tmp_path)["monitor.sh"].splitlines()
    assert set(lines[-1].split()) == set(f'{entered} sh -e "$1/init.sh"'.split())
    assert ('within() { nsenter --net=/proc/$NETNS/ns/net "$@"; }' in lines) == entered.startswith("within ")


@pytest.mark.parametrize("word", HOSTILE)
def test_the_program_gets_its_words_unchanged(start: Callable[[str], Start], tmp_path: Path, word: str) -> None:
    """`env` is one that writes down what it is called with: the variables, setpriv, chroot and the program."""
    flags = [
        "-u",
        "33:50",
        "-w",
        f"/{word}",
        "-e",
        f"A={word}",
        "--label",
        f"b={word}",
        "-v",
        f"/tmp/no/{word}:/c{word}",
        "box",
        word,
        word,
    ]
    text = script(plans(start("v1").unpacked("overlay", *(flag.replace(":", " ") if flag[:4] == "/tmp" else flag for flag in flags))))
    init = written(text, tmp_path)["init.sh"]
    (tmp_path / "env").write_text("#!/bin/sh\nprintf '%s\\0' \"$@\" > called\n")
    (tmp_path / "env").chmod(0o755)
    subprocess.run(["sh", "-ec", init[init.index("\nexec env") :]], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path, check=True)
    called = (tmp_path / "called").read_text().split("\0")[:-1]
    assert called[:2] == ["-i", "--"]
    assert f"A={word}" in called
    enter = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', os.path.normpath(f"/{word}")]
    expected = ["chroot", "--userspec=+33:+50", "--groups=+50", ".", *enter, word, word]
    assert called[called.index("chroot") :] == expected
    assert not list(tmp_path.rglob("hacked"))


def tree(directory: Path) -> dict[str, tuple[int, str]]:
    """Return {path: (mode, content or target)} of all below a directory."""
    found = {}
    for path in directory.rglob("*"):
        text = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(directory))] = (path.lstat().st_mode, text)
    return found


STEPS: dict[str, Callable[[str, str], Step]] = {
    "MakeDir": lambda root, word: MakeDir(f"{root}/{word}", 0o711),
    "MakeDir again": lambda root, word: MakeDir(f"{root}/there", exist_ok=True),
    "MakeHostDirectory": lambda root, word: MakeHostDirectory(f"{root}/{word}/{word}"),
    "MakeDirInRoot": lambda root, word: MakeDirInRoot(root, f"/{word}/{word}"),
    "WriteFile": lambda root, word: WriteFile(f"{root}/file", word),
    "CreateFile": lambda root, word: CreateFile(f"{root}/{word}", word),
    "MakeSymlink": lambda root, word: MakeSymlink(root, f"/{word}", word),
    "CopyTree": lambda root, word: CopyTree(f"{root}/there", f"{root}/{word}"),
    "ClaimName": lambda root, word: ClaimName(Paths(root), "box", word),
}


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("name", STEPS)
def test_a_shell_does_what_the_step_does(tmp_path: Path, name: str, word: str) -> None:
    trees = []
    for kind in ("applied", "by hand"):
        root = tmp_path / kind
        for directory in ("there", "names"):
            (root / directory).mkdir(parents=True)
        (root / "there/x").write_text("x")
        (root / "file").write_text("")
        step = STEPS[name](str(root), word)
        if kind == "applied":
            step.apply()
        else:
            subprocess.run(["sh", "-ec", step.shell()], cwd=root, check=True)
        trees.append(tree(root))
    assert trees[0] == trees[1]
