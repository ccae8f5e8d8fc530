"""The whole config.json of the plainest container as text, and line by line what each flag changes in it."""

from __future__ import annotations

import difflib
import json
import os
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.engine.container.spec import Facts, command, make_spec
from mydocker.errors import BadInput

if TYPE_CHECKING:
    from tests.unit.engine.conftest import Parse

DATA = Path(__file__).parents[3] / "data" / "specs"
PLAINEST = (DATA / "plainest.txt").read_text()
ID = "0123456789ab" + "c" * 52
IMAGE = {"Env": ["PATH=/bin", "LANG=C"], "Entrypoint": ["/init"], "Cmd": ["serve"], "WorkingDir": "/srv", "User": "www:web"}
SECCOMP = {"defaultAction": "SCMP_ACT_ERRNO"}


def spec_of(parsed: Parse, words: list[str], image: Any, **facts: Any) -> Any:
    options = parsed(*words) if "busybox" in words else parsed(*words, "busybox", "true")
    settings: dict[str, Any] = {"capabilities": ["CAP_CHOWN"], "seccomp": SECCOMP, "host_devices": [], "mounts": options.mounts}
    return make_spec(options, image, Facts(id=ID, directory="/c", **{**settings, **facts}))


def text(spec: dict[str, Any]) -> str:
    """Return a spec with an innermost object a line, so that a difference is one."""
    return "\n".join(_lines("", spec)) + "\n"


def _lines(path: str, value: Any) -> list[str]:
    if isinstance(value, dict) and any(_is_deep(v) for v in value.values()):
        return [line for key, v in value.items() for line in _lines(f"{path}.{key}", v)]
    if isinstance(value, list) and _is_deep(value):
        return [line for v in value for line in _lines(f"{path}[]", v)]
    return [f"{path} {json.dumps(value)}"]


def _is_deep(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))


def changes(parsed: Parse, words: list[str]) -> list[str]:
    """Return the lines that differ from the plainest container's: '- ' and its beginning, '+ ' and all of it."""
    spec = spec_of(parsed, words, {}, subuid=1000, init="/sbin/tini")
    lines = difflib.ndiff(PLAINEST.splitlines(), text(spec).splitlines())
    return [line[:60].rstrip() if line[0] == "-" else line for line in lines if line[0] in "+-"]


def recorded() -> list[tuple[str, list[str]]]:
    """Return (flags, the changes that they make) of every block of changes.txt."""
    blocks = (DATA / "changes.txt").read_text().removeprefix("$ ").split("\n$ ")
    return [(lines[0], lines[1:]) for lines in map(str.splitlines, blocks)]


def test_the_plainest(parsed: Parse) -> None:
    assert text(spec_of(parsed, [], {})) == PLAINEST


def test_an_images_configuration(parsed: Parse) -> None:
    spec = spec_of(parsed, ["-e", "LANG=de", "-e", "X=", "-t", "busybox"], IMAGE)
    process = spec["process"]
    assert spec["annotations"]["mydocker.user"] == "www:web"
    assert process["args"] == ["/init", "serve"]
    assert process["env"] == ["PATH=/bin", "HOSTNAME=0123456789ab", "TERM=xterm", "LANG=de", "X="]
    assert (process["cwd"], process["terminal"]) == ("/srv", True)


def test_a_bare_name_takes_the_images_variable_away(parsed: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANG", raising=False)
    assert spec_of(parsed, ["-e", "LANG"], IMAGE)["process"]["env"] == ["PATH=/bin", "HOSTNAME=0123456789ab"]


@pytest.mark.parametrize(
    ("words", "image", "expected"),
    [
        (["busybox"], IMAGE, ["/init", "serve"]),
        (["busybox", "a b", ""], IMAGE, ["/init", "a b", ""]),
        (["--entrypoint", "sh", "busybox"], IMAGE, ["sh"]),
        (["--entrypoint", "sh", "busybox", "-c"], IMAGE, ["sh", "-c"]),
        (["--entrypoint", "", "busybox", "ls"], IMAGE, ["ls"]),
        (["busybox"], {"Cmd": ["sh"], "Entrypoint": None}, ["sh"]),
        (["busybox"], {"Entrypoint": ["/init"]}, ["/init"]),
    ],
)
def test_command(parsed: Parse, words: list[str], image: Any, expected: list[str]) -> None:
    assert command(parsed(*words), image) == expected


@pytest.mark.parametrize(("words", "image"), [([], {}), (["--entrypoint", ""], IMAGE)])
def test_no_command(parsed: Parse, words: list[str], image: Any) -> None:
    with pytest.raises(BadInput, match="no command specified: image 'busybox' has none"):
        command(parsed(*words, "busybox"), image)


@pytest.mark.parametrize(("flags", "expected"), recorded())
def test_changes(parsed: Parse, monkeypatch: pytest.MonkeyPatch, null_device: None, flags: str, expected: list[str]) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="x86_64", nodename="thehost"))
    assert changes(parsed, shlex.split(flags)) == expected


def test_swap_is_not_limited_where_it_cannot_be(parsed: Parse) -> None:
    spec = spec_of(parsed, ["-m", "64m"], {}, has_swap=False)
    assert spec["linux"]["resources"]["memory"] == {"limit": 64 << 20}


def test_no_seccomp_and_devices_of_the_host(parsed: Parse) -> None:
    node = {"path": "/dev/kvm", "type": "c", "major": 10, "minor": 232}
    linux = spec_of(parsed, ["--privileged"], {}, seccomp=None, host_devices=[node])["linux"]
    assert "seccomp" not in linux
    assert linux["devices"] == [node]


def test_the_processors_thermal_events_are_masked(parsed: Parse) -> None:
    thermal = ("/sys/devices/system/cpu/cpu0/thermal_throttle",)
    assert spec_of(parsed, [], {}, thermal=thermal)["linux"]["maskedPaths"][-1] == thermal[0]
    assert spec_of(parsed, ["--privileged"], {}, thermal=thermal)["linux"]["maskedPaths"] == []
