"""Devices by CDI specifications: which files count, what a device adds to a container, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.engine.container import described
from mydocker.engine.request import cdi
from mydocker.errors import BadInput, Damaged
from mydocker.runtime.users import GROUPS_ANNOTATION

if TYPE_CHECKING:
    from mydocker.runtime.spec import Spec

DEVICE = {
    "name": "one",
    "containerEdits": {
        "deviceNodes": [{"path": "/dev/mine", "hostPath": "/dev/null", "permissions": "r", "uid": 7}],
        "env": ["A=device"],
        "mounts": [{"hostPath": "/srv/lib", "containerPath": "/lib/mine"}],
        "hooks": [{"hookName": "createContainer", "path": "/bin/true", "args": ["true", "x"], "timeout": 3}],
        "additionalGids": [44],
    },
}
SPECIFICATION = {
    "cdiVersion": "0.6.0",
    "kind": "acme.com/thing",
    "devices": [DEVICE, {"name": "two"}],
    "containerEdits": {"env": ["B=class"]},
}


def write(directory: Path, name: str, document: Any) -> str:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return str(directory)


def spec() -> Spec:
    made: Any = {
        "process": {"env": ["PATH=/bin", "A=image"]},
        "mounts": [],
        "linux": {"devices": [], "resources": {"devices": []}},
        "annotations": {GROUPS_ANNOTATION: "web"},
    }
    found: Spec = made
    return found


def test_what_a_device_adds(tmp_path: Path, null_device: None) -> None:
    found = spec()
    described.add(found, cdi.edits(["acme.com/thing=one"], [write(tmp_path / "a", "acme.json", SPECIFICATION)]))
    assert found["process"]["env"] == ["PATH=/bin", "B=class", "A=device"]
    (node,) = found["linux"]["devices"]
    assert (node["path"], node["major"], node["minor"], node["uid"], node["fileMode"]) == ("/dev/mine", 1, 3, 7, 0o666)
    assert found["linux"]["resources"]["devices"] == [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "r"}]
    lib = {"destination": "/lib/mine", "type": "bind", "source": "/srv/lib", "options": ["ro", "nosuid", "nodev", "bind"]}
    assert found["mounts"] == [lib]
    assert found["hooks"] == {"createContainer": [{"path": "/bin/true", "args": ["true", "x"], "timeout": 3}]}
    assert found["annotations"][GROUPS_ANNOTATION] == "web,44"


def test_what_a_class_adds_comes_once_and_the_later_directory_counts(tmp_path: Path) -> None:
    first = write(tmp_path / "a", "acme.json", SPECIFICATION)
    later = {**SPECIFICATION, "devices": [{"name": "two", "containerEdits": {"env": ["C=later"]}}], "containerEdits": {}}
    second = write(tmp_path / "b", "other.json", later)
    write(tmp_path / "b", "notes.txt", "no specification")
    found = cdi.edits(["acme.com/thing=one", "acme.com/thing=two", "acme.com/thing=one"], [first, second, "/nosuch"])
    assert [each["env"] for each in found] == [["B=class"], ["A=device"], [], ["C=later"]]


def test_yaml_is_read_where_there_is_a_reader(tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    directory = write(tmp_path / "a", "acme.yaml", "kind: acme.com/thing\ndevices:\n- name: one\n  containerEdits:\n    env: [A=b]\n")
    assert [each["env"] for each in cdi.edits(["acme.com/thing=one"], [directory])] == [[], ["A=b"]]
    write(tmp_path / "a", "acme.yaml", "kind: [")
    with pytest.raises(Damaged, match="not valid YAML"):
        cdi.edits(["acme.com/thing=one"], [directory])


def test_yaml_without_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(Damaged, match="PyYAML is not installed"):
        cdi.edits(["a/b=c"], [write(tmp_path / "a", "acme.yaml", "kind: acme.com/thing\n")])


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"hooks": [{"hookName": "prestart", "path": "/bin/true"}]}, "a hook prestart is not run here"),
        ({"intelRdt": {"closID": "x"}}, "intelRdt is not supported"),
        ({"netDevices": [{"hostInterfaceName": "eth9"}]}, "netDevices is not supported"),
    ],
)
def test_what_cannot_be_added_is_refused(tmp_path: Path, edits: dict[str, Any], words: str) -> None:
    document = {"kind": "acme.com/thing", "devices": [{"name": "one", "containerEdits": edits}]}
    with pytest.raises(BadInput) as caught:
        cdi.edits(["acme.com/thing=one"], [write(tmp_path / "a", "acme.json", document)])
    assert words in caught.value.message


def test_an_unknown_device_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    directory = write(tmp_path / "a", "acme.json", SPECIFICATION)
    with pytest.raises(BadInput) as unknown:
        cdi.edits(["acme.com/thing=nosuch"], [directory])
    assert "describes the device 'acme.com/thing=nosuch': there are acme.com/thing=one, acme.com/thing=two" in unknown.value.message
    write(tmp_path / "a", "bad.json", {"devices": []})
    with pytest.raises(Damaged, match=r"bad\.json: kind is missing"):
        cdi.edits(["acme.com/thing=one"], [directory])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("acme.com/thing=one", True), ("/dev/null", False), ("/dev/a=b", False), ("./a/b=c", False), ("a=b", False), ("dev", False)],
)
def test_a_name_is_no_path(text: str, expected: bool) -> None:
    assert cdi.is_name(text) is expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", ["nvidia.com/gpu=all"]),
        ("2", ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]),
        ("count=1", ["nvidia.com/gpu=0"]),
        ('"device=0,GPU-x"', ["nvidia.com/gpu=0", "nvidia.com/gpu=GPU-x"]),
        ('"device=1","capabilities=compute,utility"', ["nvidia.com/gpu=1"]),
        ("driver=nvidia", ["nvidia.com/gpu=0"]),
    ],
)
def test_gpus(text: str, names: list[str]) -> None:
    assert cdi.names_of(cdi.gpus(text)) == names


@pytest.mark.parametrize("text", ["", "-1", "some", "count=x", "device=", "options=", "driver=amd"])
def test_no_gpus(text: str) -> None:
    with pytest.raises(BadInput):
        cdi.names_of(cdi.gpus(text)) if text else cdi.gpus("count=")
