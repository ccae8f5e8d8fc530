"""An exception that nobody foresaw, wherever one is turned into one line: its traceback is in STATE/errors, and the line says where."""

from __future__ import annotations

import errno
import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mydocker import messages, tracebacks
from mydocker.cli import base
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.cli.verb import Group, Verb
from mydocker.engine.container.children import Child
from mydocker.engine.monitor.audience import Audience, LastWord
from mydocker.engine.monitor.execute import Execution
from mydocker.engine.monitor.monitor import Monitor
from mydocker.engine.system.repair import leftovers
from mydocker.engine.transfer.workers import Workers
from mydocker.errors import Error, StepFailed, Unexpected
from mydocker.kernel.channel import Channel, packed
from mydocker.oci import entry as oci
from mydocker.oci.settings import Settings
from mydocker.paths import Paths
from mydocker.runtime import init, launch, report
from mydocker.runtime.spec import SPEC
from mydocker.shape import fit
from mydocker.steps.base import Run

REPOSITORY = Path(__file__).parents[2]


def go_wrong(*_: object) -> NoReturn:
    raise KeyError("x")


def story_of(line: str, directory: str) -> str:
    """Return the text of the file that a line names, which must be private and in that directory."""
    message, _, place = line.strip().partition(" (the full story: ")
    path = Path(place.removesuffix(")"))
    assert path.parent == Path(directory)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    text = path.read_text()
    assert text.startswith(message.removeprefix("mydocker: ").removeprefix("mydocker-oci: ") + "\n")
    return text


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    signal.alarm(20)  # what hangs ends the test run
    yield
    signal.alarm(0)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("MYDOCKER_STATE", f"{tmp_path}/state")
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state")


def test_the_story_tells_where_and_what_led_to_it() -> None:
    try:
        try:
            go_wrong()
        except KeyError as error:
            raise RuntimeError("then") from error
    except RuntimeError as error:
        text = tracebacks.story(error)
    assert text.index("KeyError: 'x'") < text.index("in go_wrong") < text.index("RuntimeError: then")
    assert f'File "{__file__}", line ' in text


def test_an_error_of_ours_has_no_story(paths: Paths) -> None:
    error = StepFailed("refused", 13)
    assert tracebacks.as_error(error, "monitor") is error
    assert tracebacks.kept(error, paths.errors) is error
    assert not os.path.exists(paths.errors)


def test_only_the_latest_are_kept(paths: Paths) -> None:
    lines = [tracebacks.kept(Unexpected(f"number {n}", "story"), paths.errors).message for n in range(40)]
    assert len(os.listdir(paths.errors)) == 30
    assert "number 39" in story_of(lines[-1], paths.errors)
    assert not any(os.path.exists(line.split()[-1][:-1]) for line in lines[:10])


def test_where_nothing_can_be_written_the_line_comes_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert tracebacks.kept(Unexpected("KeyError: 'x'", "story"), f"{tmp_path}/file/errors").message == "KeyError: 'x'"


def test_it_survives_as_data() -> None:
    error = messages.error_from(marshal.loads(packed(messages.failure(Unexpected("line", "story")))))
    assert isinstance(error, Unexpected)
    assert (error.message, error.story) == ("line", "story")


class TestMonitor:
    """What a monitor's client is told."""

    @pytest.fixture
    def client(self) -> Iterator[tuple[Channel, Channel]]:
        ends = Channel.pair()
        yield ends
        for end in ends:
            end.close()

    @staticmethod
    def told(client: Channel) -> str:
        kind, payload, _ = client.receive()
        assert kind == messages.FAILURE
        return str(messages.error_from(marshal.loads(payload)).message)

    def test_a_start(self, client: tuple[Channel, Channel], paths: Paths) -> None:
        class Broken(Monitor):
            def __init__(self) -> None:  # of a container that is not there
                self.paths = paths
                self.audience = Audience(paths.root, client[1], "")

            _start = go_wrong

            def _give_up(self, error: Error) -> None:
                self.audience.tell_all(messages.FAILURE, messages.failure(error))

        Broken().serve()
        line = self.told(client[0])
        assert line.startswith("monitor: KeyError: 'x' (the full story: ")
        assert "in go_wrong" in story_of(line, paths.errors)

    def test_an_exec(self, client: tuple[Channel, Channel], paths: Paths) -> None:
        class Broken(Execution):
            _start = go_wrong

        request: Any = {"root": paths.root, "state": paths.state, "id": "c", "wanted": "", "explain": False, "faults": (), "exec": ""}
        Broken(request, client[1]).serve()
        line = self.told(client[0])
        assert line.startswith("exec: KeyError: 'x' (the full story: ")
        assert "in go_wrong" in story_of(line, paths.errors)

    def test_anything_else(self, client: tuple[Channel, Channel], paths: Paths) -> None:
        with LastWord(client[1], "monitor", paths):
            go_wrong()
        line = self.told(client[0])
        assert line.startswith("monitor: KeyError: 'x' (the full story: ")
        assert "in go_wrong" in story_of(line, paths.errors)

    def test_nobody_is_there(self, client: tuple[Channel, Channel], paths: Paths) -> None:
        client[0].close()
        with LastWord(client[1], "monitor", paths):
            go_wrong()
        assert len(os.listdir(paths.errors)) == 1


def test_init_sends_its_story_to_its_parent() -> None:
    spec: Any = {}
    fit(spec, SPEC)
    spec["process"]["rlimits"] = [{"type": "RLIMIT_CORE"}]
    here = launch.Launch(
        init.Setting(spec=spec, root="/nowhere", streams=(0, 1, 2), size=None, cgroups=[], seccomp=None), Run("monitor"), print
    )
    here.fork()
    with pytest.raises(Unexpected, match="init: KeyError: 'soft'") as caught:
        here.go()
    assert "in _become" in caught.value.story
    here.kill()
    here._channel.close()


def test_so_does_the_stage() -> None:
    class Broken(launch.Launch):
        @property
        def setting(self) -> NoReturn:  # asked for by the stage, once it is in the user namespace
            raise KeyError("x")

        @setting.setter
        def setting(self, value: object) -> None: ...

        def be_stage(self, channel: Channel, path: str) -> None:
            self._channel = Channel.pair()[0]
            self._be_stage(channel, {"user": path})

    ours, theirs = Channel.pair()
    holder = subprocess.Popen(["unshare", "--user", "--map-root-user", "sh", "-c", "echo; cat"], stdin=-1, stdout=-1)
    assert holder.stdin and holder.stdout and holder.stdout.readline() == b"\n"
    child = os.fork()
    if child == 0:
        Broken(None, Run("monitor"), print).be_stage(theirs, f"/proc/{holder.pid}/ns/user")  # type: ignore[arg-type]
    theirs.close()
    kind, payload, _ = ours.receive()
    os.waitpid(child, 0)
    holder.communicate()
    error = messages.error_from(marshal.loads(payload))
    assert isinstance(error, Unexpected)
    assert (kind, error.message) == (messages.FAILURE, "stage: KeyError: 'x'")
    assert "in _be_stage" in error.story
    ours.close()


def test_a_container_that_waited_for_its_start_sends_it_by_a_report() -> None:
    reader, writer = os.pipe()
    for error, expected in ((Unexpected("init: KeyError: 'x'", "story"), "story"), (StepFailed("refused"), "")):
        os.write(writer, report.failed(error))
        with pytest.raises(type(error), match=error.message) as caught:
            report.raise_if_failed(reader, "sh")
        assert getattr(caught.value, "story", "") == expected
    os.close(reader)
    os.close(writer)


def test_a_child() -> None:
    with pytest.raises(Unexpected, match="KeyError: 'x'") as caught:
        Child(go_wrong).wait()
    assert "in go_wrong" in caught.value.story


def test_a_worker() -> None:
    with Workers([go_wrong], 1, lambda *_: None) as workers, pytest.raises(Unexpected, match="KeyError: 'x'") as caught:
        workers.wait(0)
    assert "in go_wrong" in caught.value.story


@pytest.mark.parametrize(("verb", "status"), [("run", 125), ("ps", 1)])
def test_a_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, status: int) -> None:
    """A verb that fails with something that nobody foresaw."""
    monkeypatch.setattr(Group, "member", lambda group, name: Verb(lambda session: go_wrong(), name, [], True))
    state = f"{tmp_path}/another"
    assert run(mydocker, ["--root", f"{tmp_path}/root", "--state", state, verb]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mydocker: KeyError: 'x' (the full story: ")
    assert "in go_wrong" in story_of(line, f"{state}/errors")


def test_one_object_of_several(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    def action(name: str) -> None:
        raise Unexpected("KeyError: 'x'", "story")

    assert base.each(("a", "b"), action) == 1
    assert [story_of(line, paths.errors) for line in capsys.readouterr().err.splitlines()] == ["KeyError: 'x'\n\nstory"] * 2


@pytest.mark.parametrize(("words", "status"), [("run busybox", 125), ("ps", 1)])
def test_before_and_after_the_verb(paths: Paths, words: str, status: int) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from mydocker.cli import entry
entry.launcher.start_early = lambda: None
sys.modules["mydocker.cli.main"] = None  # an installation that is damaged
entry.main()
"""
    environment = {**os.environ, "MYDOCKER_STATE": paths.state}
    done = subprocess.run([sys.executable, "-c", code, *words.split()], env=environment, capture_output=True, text=True)
    assert done.returncode == status
    (line,) = done.stderr.splitlines()
    assert line.startswith("mydocker: ModuleNotFoundError: ")
    assert "in main" in story_of(line, paths.errors)


@pytest.mark.parametrize(
    ("error", "line"),
    [(KeyError("x"), "property 'x' is missing"), (TypeError("y"), "invalid value: y"), (IndexError("z"), "IndexError: z")],
)
def test_oci(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, line: str
) -> None:
    def fail(settings: Settings, name: str, words: list[str]) -> NoReturn:
        raise error

    monkeypatch.setattr(oci, "_run", fail)
    assert oci.command_line(["--root", f"{tmp_path}/containers", "--log", f"{tmp_path}/log", "list"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"mydocker-oci: {line} (the full story: ")
    assert "in fail" in story_of(told, paths.errors)
    assert line in (tmp_path / "log").read_text()
    assert not os.path.exists(f"{tmp_path}/containers")


def test_what_is_kept_is_no_leftover(paths: Paths) -> None:
    tracebacks.kept(Unexpected("line", "story"), paths.errors)
    for directory in (paths.containers, paths.names, paths.images):
        os.makedirs(directory)
    assert [each.what for each in leftovers(paths) if "errors" in each.what] == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_what_can_go_wrong_at_every_file_is_foreseen(number: int) -> None:
    error = tracebacks.as_error(OSError(number, os.strerror(number), "/f"), "monitor")
    assert (type(error), error.message) == (StepFailed, f"monitor: /f: {os.strerror(number)}")
    assert tracebacks.as_error(OSError(number, os.strerror(number))).message == f"mydocker: {os.strerror(number)}"
    assert isinstance(tracebacks.as_error(OSError(errno.EBADF, "x", "/f")), Unexpected)
