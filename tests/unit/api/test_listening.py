"""Where the service listens."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from mydocker.api import listening
from mydocker.api.listening import Place, passed_on, path_of
from mydocker.errors import BadInput, Conflict, Error


@pytest.fixture(autouse=True)
def no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may not be root, and gives nothing to a group."""
    monkeypatch.setattr(listening, "_GROUP", "no-such-group")


def test_a_place_is_for_its_owner_and_group_and_goes_with_its_service(tmp_path: Path) -> None:
    place = Place(f"{tmp_path}/made/docker.sock", "/state")
    assert stat.S_IMODE(os.stat(place.path).st_mode) == 0o660
    place.leave()
    place.leave()
    assert os.listdir(f"{tmp_path}/made") == []
    place.socket.close()


def test_two_at_one_place(tmp_path: Path) -> None:
    first = Place(f"{tmp_path}/docker.sock", "/state")
    with pytest.raises(Conflict, match="another service listens at"):
        Place(first.path, "/state")
    first.socket.close()  # it has died
    second = Place(first.path, "/state")
    first.leave()  # what is there is not its own any more
    assert os.path.exists(second.path)
    second.leave()
    second.socket.close()


def test_a_file_in_its_place_stays(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").write_text("precious")
    with pytest.raises((Conflict, Error)):
        Place(f"{tmp_path}/docker.sock", "/state")
    assert (tmp_path / "docker.sock").read_text() == "precious"


def test_a_place_that_nobody_may_make(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Error, match="file"):
        Place(f"{tmp_path}/file/docker.sock", "/state")


def test_paths() -> None:
    assert path_of("unix:///run/x.sock") == "/run/x.sock"
    for address in ("unix://x", "/run/x", "tcp://1.2.3.4:5", "unix:///", "unix:///" + "x" * 107, "fd://"):
        with pytest.raises(BadInput, match="invalid address"):
            path_of(address)


@pytest.mark.parametrize("variables", [{}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}])
def test_nothing_was_passed_on(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name in ("LISTEN_FDS", "LISTEN_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert passed_on() is None
    assert "LISTEN_FDS" not in os.environ  # no child takes it for its own


def test_more_than_one_was_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    with pytest.raises(BadInput, match="LISTEN_FDS is '2'"):
        passed_on()


def test_only_a_stream_socket_of_the_file_system_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    with socket.socket(socket.AF_INET) as wrong:
        monkeypatch.setattr(listening, "_FIRST_PASSED", os.dup(wrong.fileno()))
        with pytest.raises(BadInput, match="no stream socket of the family unix"):
            passed_on()
