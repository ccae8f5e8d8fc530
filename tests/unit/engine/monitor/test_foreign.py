"""--runtime: the command line that another runtime gets, the config.json that it reads, and what its failure means."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mydocker.engine.monitor.foreign import ForeignLaunch, plain
from mydocker.errors import CommandNotExecutable, CommandNotFound, Error, StepFailed
from mydocker.kernel import terminal
from mydocker.runtime.init import Setting
from mydocker.runtime.spec import SPEC
from mydocker.shape import fit

ID = "a" * 64
PASSWD = "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/srv:/bin/sh\n"

# Writes down how it was called, then does what the test wants; $STATE and $LOG are where its options say.
RECORDER = """#!/bin/sh
printf '%s\\n' "$@" > DIRECTORY/called
env > DIRECTORY/environment
STATE=$2 LOG=$4
"""

Start = Callable[..., ForeignLaunch]


def spec_of(**process: Any) -> Any:
    spec: Any = {"ociVersion": "1.2.0", "process": {"args": ["sh"], "env": ["A=1"], **process}}
    fit(spec, SPEC)
    return spec


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a runtime that is a shell script: (what it does, size of the terminal or None)."""
    started = []
    for name in ("bundle/rootfs/etc", "state"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bundle/rootfs/etc/passwd").write_text(PASSWD)

    def one(script: str, size: tuple[int, int] | None = None) -> ForeignLaunch:
        program = tmp_path / "runtime"
        program.write_text((RECORDER + script).replace("DIRECTORY", str(tmp_path)))
        program.chmod(0o755)
        null = os.open("/dev/null", os.O_RDWR)
        setting = Setting(
            spec=spec_of(terminal=bool(size)), root=f"{tmp_path}/bundle/rootfs", streams=(null,) * 3, size=size, cgroups=[], seccomp=None
        )
        launch = ForeignLaunch(setting, str(program), f"{tmp_path}/bundle", ID, f"{tmp_path}/state")
        started.append((launch, null))
        launch.fork()
        return launch

    signal.alarm(20)
    yield one
    signal.alarm(0)
    for launch, null in started:
        launch.kill()
        for descriptor in {null, launch.master} - {-1}:
            os.close(descriptor)


def test_the_whole_command_line(start: Start, tmp_path: Path) -> None:
    launch = start("echo $$ > DIRECTORY/state/pid; exec sleep 60")
    launch.go()
    assert launch.init == launch.pid
    expected = f"--root DIRECTORY/state/oci --log DIRECTORY/state/log.json --log-format json run --bundle DIRECTORY/bundle \
--pid-file DIRECTORY/state/pid {ID}"
    assert (tmp_path / "called").read_text().replace(str(tmp_path), "DIRECTORY").split() == expected.split()
    names = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}
    assert names <= {"PATH", "PWD", "_", "SHLVL", "OLDPWD"}


def test_the_bundle_is_as_every_runtime_reads_it(start: Start, tmp_path: Path) -> None:
    launch = start("echo $$ > DIRECTORY/state/pid; exec sleep 60")
    launch.go()
    written = json.loads((tmp_path / "bundle/config.json").read_text())
    assert written == plain(launch.setting.spec, f"{tmp_path}/bundle/rootfs")


def test_a_terminal(start: Start, tmp_path: Path) -> None:
    launch = start("stty size > DIRECTORY/size; tty > DIRECTORY/tty; echo $$ > DIRECTORY/state/pid; exec sleep 60", (12, 34))
    launch.go()
    assert (tmp_path / "size").read_text() == "12 34\n"
    assert (tmp_path / "tty").read_text().startswith("/dev/pts/")
    assert terminal.window_size(launch.master) == (12, 34)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("exit 1", StepFailed, "RUNTIME: it failed without a word"),
        (
            """echo '{"level":"error","msg":"exec: \\\\"x\\\\": executable file not found in $PATH"}' > $LOG; exit 1""",
            CommandNotFound,
            None,
        ),
        ("""echo '{"level":"error","msg":"/x: No such file or directory"}' > $LOG; exit 1""", CommandNotFound, None),
        ("""echo '{"level":"error","msg":"exec /x: Permission denied"}' > $LOG; exit 1""", CommandNotExecutable, None),
        (
            """(echo '{"level":"warning","msg":"first"}'; echo; echo '{"level":"error","msg":"last"}') > $LOG; exit 1""",
            StepFailed,
            "RUNTIME: last",
        ),
    ],
)
def test_what_its_failure_means(start: Start, tmp_path: Path, script: str, error: type[Error], message: str | None) -> None:
    launch = start(script)
    with pytest.raises(error) as caught:
        launch.go()
    assert message in (None, caught.value.message.replace(f"{tmp_path}/runtime", "RUNTIME"))


def test_a_runtime_that_is_gone(start: Start, tmp_path: Path) -> None:
    launch = start("exit 0")
    launch.kill()
    launch.program = f"{tmp_path}/nosuch"
    launch.fork()
    with pytest.raises(StepFailed, match="it failed without a word"):
        launch.go()


def test_killing_one_whose_container_ended_first(start: Start) -> None:
    launch = start("sleep 0 & echo $! > DIRECTORY/state/new; wait; mv DIRECTORY/state/new DIRECTORY/state/pid; exec sleep 60")
    launch.go()
    assert launch.init != launch.pid
    launch.kill()
    assert launch.pid == 0
    launch.kill()


@pytest.mark.parametrize(
    ("user", "expected", "home"),
    [("", {"uid": 0, "gid": 0, "additionalGids": [0]}, "/root"), ("www", {"uid": 33, "gid": 34, "additionalGids": [34]}, "/srv")],
)
def test_names_become_numbers(tmp_path: Path, user: str, expected: dict[str, Any], home: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    spec: Any = {**spec_of(), "annotations": {"mydocker.user": user, "mydocker.groups": "", "mine": "kept"}, "linux": {"x": 1}}
    assert plain(spec, str(tmp_path)) == {
        **spec_of(),
        "ociVersion": "1.0.2",
        "process": {**spec_of()["process"], "args": ["sh"], "env": ["A=1", f"HOME={home}"], "user": expected},
        "annotations": {"mine": "kept"},
        "linux": {"x": 1},
    }


def test_a_home_of_the_users_own_stays(tmp_path: Path) -> None:
    assert plain(spec_of(env=["HOME=/here"]), str(tmp_path))["process"]["env"] == ["HOME=/here"]


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "loop", "outside", "device"])
def test_a_passwd_that_is_no_file(tmp_path: Path, kind: str) -> None:
    """The image chooses what it is; nothing of the host's is read, and nobody waits for a writer."""
    passwd = tmp_path / "etc/passwd"
    passwd.parent.mkdir()
    if kind == "directory":
        passwd.mkdir()
    elif kind == "fifo":
        os.mkfifo(passwd)
    elif kind != "missing":
        passwd.symlink_to({"loop": "passwd", "outside": "../../../../../../../etc/passwd", "device": "/dev/zero"}[kind])
    process = plain(spec_of(), str(tmp_path))["process"]
    assert process["env"] == ["A=1", "HOME=/"]
