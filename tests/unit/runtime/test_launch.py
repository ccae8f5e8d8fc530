"""What a start fails with: init's last words, its silence, and the exit status that comes of each."""

from __future__ import annotations

import errno
import marshal
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any, NoReturn

import pytest

from mydocker import errors
from mydocker.kernel import terminal
from mydocker.kernel.channel import Channel, packed
from mydocker.messages import BORN, BUILT, EXPLAIN, FAILURE, GO, ISOLATED, READY, TERMINAL, error_from, failure
from mydocker.runtime.init import Setting, _wait_for_go
from mydocker.runtime.launch import Launch
from mydocker.runtime.report import failed, raise_if_failed
from mydocker.runtime.spec import SPEC
from mydocker.shape import fit
from mydocker.steps.base import Run
from mydocker.steps.confinement import LoadSeccomp, SetCapabilities
from mydocker.steps.process import Exec, find_program

STEP = {"who": "init", "step": "step", "seconds": 0.5}
EVERY = [
    errors.Error("plain"),
    errors.BadInput("bad", "do this"),
    errors.NotFound("none"),
    errors.Conflict("two"),
    errors.Unsupported("old"),
    errors.Damaged("broken"),
    errors.StepFailed("refused", 13, "be root"),
    errors.CommandNotExecutable("exec: 'x': permission denied"),
    errors.CommandNotFound("exec: 'x': no such file or directory"),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_an_error_survives_as_data(error: errors.Error) -> None:
    copy = error_from(marshal.loads(packed(failure(error))))
    assert type(copy) is type(error)
    assert (copy.message, copy.hint, copy.exit_status) == (error.message, error.hint, error.exit_status)
    assert getattr(copy, "errno", 0) == getattr(error, "errno", 0)


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    signal.alarm(10)  # what hangs ends the test run
    yield
    signal.alarm(0)


class Played:
    """A Launch whose init is played by the test."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.launch = launch(whole({}), self.told)
        ours, self.init = Channel.pair()
        self.launch.listen(ours)

    def go(self) -> None:
        try:
            self.launch.go()
        finally:
            self.launch._channel.close()


def whole(process: dict[str, Any], linux: dict[str, Any] | None = None) -> Any:
    """Return a config.json; what is given goes into it unchecked."""
    spec: Any = {}
    fit(spec, SPEC)
    spec["process"] |= {"args": ["sh"]} | process
    spec["linux"] |= linux or {}
    return spec


def launch(spec: Any, told: list[object]) -> Launch:
    return Launch(Setting(spec=spec, root="/nowhere", streams=(0, 1, 2), size=None, cgroups=[], seccomp=None), Run("monitor"), told.append)


@pytest.fixture
def played() -> Iterator[Played]:
    one = Played()
    yield one
    one.init.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.CommandNotFound("exec: 'x': executable file not found in $PATH"), 127),
        (errors.CommandNotExecutable("exec: 'x': permission denied"), 126),
        (errors.StepFailed("mount proc on /proc: Operation not permitted", 1), None),
        (errors.BadInput("unable to find user x"), None),
    ],
)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("has_ended", [False, True])
def test_what_init_failed_with(played: Played, error: errors.Error, status: int | None, late: bool, has_ended: bool) -> None:
    if late:
        played.init.send(READY)  # the last step, execve, is what fails
    played.init.put(FAILURE, failure(error))
    if has_ended:
        played.init.close()
    with pytest.raises(type(error)) as caught:
        played.go()
    assert (caught.value.message, caught.value.exit_status) == (error.message, status)


def test_init_dies_without_a_word(played: Played) -> None:
    played.init.close()
    with pytest.raises(errors.StepFailed, match="init ended before it was ready"):
        played.go()


def test_the_end_of_init_may_come_a_moment_after_what_it_broke(played: Played) -> None:
    played.launch.raise_if_failed()  # it is alive
    Timer(0.05, played.init.close).start()
    with pytest.raises(errors.StepFailed, match="init ended before it was ready"):
        played.launch.raise_if_failed()
    played.launch._channel.close()


def test_a_start_that_succeeds(played: Played) -> None:
    master, _ = terminal.open_master("/dev/ptmx")
    terminal.set_window_size(master, 11, 22)
    played.init.put(EXPLAIN, STEP)
    played.init.put(TERMINAL, 3, (master,))
    os.close(master)
    played.init.send(READY)
    played.init.close()
    played.go()
    assert played.told == [STEP]
    assert terminal.window_size(played.launch.master) == (11, 22)
    os.close(played.launch.master)


@pytest.mark.parametrize(
    ("process", "error", "message"),
    [
        ({"rlimits": [{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}]}, errors.BadInput, "unknown resource limit 'RLIMIT_NONE'"),
        (
            {"rlimits": [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]},
            errors.StepFailed,
            "setrlimit RLIMIT_CORE 2:1: current limit exceeds maximum limit",
        ),
        ({"rlimits": [{"type": "RLIMIT_CORE"}]}, errors.Unexpected, "init: KeyError: 'soft'"),
    ],
)
def test_a_real_init_that_fails_early(process: dict[str, Any], error: type[errors.Error], message: str) -> None:
    here = launch(whole(process), [])
    assert here.fork() == here.pid
    with pytest.raises(error) as caught:
        here.go()
    assert type(caught.value) is error
    assert caught.value.message == message
    here.kill()
    assert here.pid == 0
    here.kill()
    here._channel.close()


def test_user_maps_that_the_kernel_refuses() -> None:
    """The process between the monitor and init waits for its maps: it must not wait for ever, nor its parent for it."""
    mapping = [{"containerID": 0, "hostID": 5000, "size": 0}]
    spec = whole({}, {"namespaces": [{"type": "user"}], "uidMappings": mapping, "gidMappings": mapping})
    child = os.fork()
    if child == 0:  # it becomes a subreaper, which pytest shall not
        signal.alarm(5)  # a fork inherits none
        status = 1
        try:
            launch(spec, []).fork()
        except errors.StepFailed:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


PROGRAMS = [
    (["missing"], errors.CommandNotFound, "exec: 'missing': executable file not found in $PATH", 127),
    (["/no/such"], errors.CommandNotFound, "exec: '/no/such': no such file or directory", 127),
    (["DIRECTORY/text/below"], errors.CommandNotFound, "exec: 'DIRECTORY/text/below': not a directory", 127),
    (["DIRECTORY/bad interpreter"], errors.CommandNotFound, "exec: 'DIRECTORY/bad interpreter': no such file or directory", 127),
    (["text"], errors.CommandNotExecutable, "exec: 'text': permission denied", 126),
    (["DIRECTORY/text"], errors.CommandNotExecutable, "exec: 'DIRECTORY/text': permission denied", 126),
    (["DIRECTORY"], errors.CommandNotExecutable, "exec: 'DIRECTORY': permission denied", 126),
    (["DIRECTORY/junk"], errors.CommandNotExecutable, "exec: 'DIRECTORY/junk': exec format error", 126),
]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a directory of files that cannot be executed, each for a reason of its own, and one that can."""
    for name, content, mode in (
        ("text", "text", 0o644),
        ("junk", "junk", 0o755),
        ("bad interpreter", "#!/no/such\n", 0o755),
        ("sh", "#!/bin/sh\n", 0o755),
    ):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(mode)
    return tmp_path


def execute(program: Exec) -> None:
    """Execute a program as init does, in a fork, and wait for its end. Raises the error that init or its trampoline finds."""
    program.found()
    reader, program.report = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            program.apply()
        except errors.Error as error:
            os.write(program.report, failed(error))
        finally:
            os._exit(1)
    os.close(program.report)
    try:
        raise_if_failed(reader, program.args[0])
    finally:
        os.close(reader)
        os.waitpid(child, 0)


def test_too_many_arguments() -> None:
    """The trampoline cannot be executed with them either."""
    with pytest.raises(errors.StepFailed, match=r"^exec: '/bin/true': argument list too long$"):
        execute(Exec(["/bin/true", "x" * (1 << 18)], []))


@pytest.mark.parametrize(
    ("filtering", "text"),
    [
        (bytes(8), r"^seccomp SECCOMP_SET_MODE_FILTER flags 0, 1 instructions: Invalid argument$"),  # it loads a word and returns nothing
        (bytes(8 * 5000), r"^seccomp SECCOMP_SET_MODE_FILTER flags 0, 5000 instructions: Invalid argument$"),
    ],
)
def test_a_filter_that_the_kernel_refuses(filtering: bytes, text: str) -> None:
    """It is the trampoline that loads it, when nobody is left to send a message."""
    load = LoadSeccomp(filtering, sets=SetCapabilities.from_oci({}))
    with pytest.raises(errors.StepFailed, match=text) as caught:
        execute(Exec(["/bin/true"], [], load=load))
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(("words", "error", "message", "status"), PROGRAMS)
def test_a_program_that_cannot_be_executed(programs: Path, words: list[str], error: type[errors.Error], message: str, status: int) -> None:
    args = [word.replace("DIRECTORY", str(programs)) for word in words]
    with pytest.raises(error) as caught:
        execute(Exec(args, [f"PATH={programs}:/nowhere"]))
    assert (caught.value.message.replace(str(programs), "DIRECTORY"), caught.value.exit_status) == (message, status)


def test_an_executable_one_further_on_is_found(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first/sh").touch(stat.S_IRUSR)
    assert find_program("sh", f"{tmp_path}/first:{programs}") == f"{programs}/sh"


class Slow(Launch):
    """A Launch whose init sends the stage's message among its own, as if the stage were that slow."""

    order = ""

    def _be_stage(self, channel: Channel, wanted: dict[str, str]) -> NoReturn:
        if os.fork():
            os._exit(0)
        for kind in self.order:
            channel.send(kind, str(os.getpid()).encode() if kind == BORN else marshal.dumps(STEP))
        assert channel.receive()[0] == GO
        for kind in (EXPLAIN, READY, EXPLAIN):
            channel.send(kind, marshal.dumps(STEP))
        os._exit(0)


FROM_INIT = EXPLAIN + ISOLATED + EXPLAIN + BUILT
ORDERS = [FROM_INIT[:place] + BORN + FROM_INIT[place:] for place in range(len(FROM_INIT) + 1)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("waits", [(), ("wait_for_namespaces",), ("wait_until_built",), ("wait_for_namespaces", "wait_until_built")])
def test_stage_and_init_may_be_as_slow_as_they_like(order: str, waits: tuple[str, ...]) -> None:
    told: list[object] = []
    spec = whole({}, {"namespaces": [{"type": "user", "path": "/proc/self/ns/user"}]})
    here = Slow(Setting(spec=spec, root="/nowhere", streams=(0, 1, 2), size=None, cgroups=[], seccomp=None), Run("monitor"), told.append)
    here.order = order
    child = os.fork()
    if child == 0:  # it becomes a subreaper, which pytest shall not
        signal.alarm(5)
        status = 1
        try:
            here.fork()
            for wait in waits:
                getattr(here, wait)()
            here.go()
            status = int(told != [STEP] * 4 or here.pid <= 0)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(("kind", "awaited"), [(BORN, "ISOLATED"), (READY, "ISOLATED"), (TERMINAL, "ISOLATED")])
def test_a_message_before_its_time_is_an_error(played: Played, kind: str, awaited: str) -> None:
    played.init.send(kind)
    with pytest.raises(errors.Error, match=f"^init sent [A-Z]+ where {awaited} was awaited$"):
        played.launch.wait_for_namespaces()
    played.launch._channel.close()


def test_init_takes_nothing_but_go() -> None:
    ours, theirs = Channel.pair()
    ours.send(BUILT)
    with pytest.raises(errors.Error, match=r"^the parent sent BUILT where GO was awaited$"):
        _wait_for_go(theirs)
    ours.close()
    theirs.close()
