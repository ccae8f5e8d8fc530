"""config.json is checked as a whole before anything happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mydocker.errors import BadInput, Error, NotFound, Unsupported
from mydocker.oci.bundle import check, read_bundle
from mydocker.steps.confinement import selinux_enabled

UTS = {"namespaces": [{"type": "mount"}, {"type": "uts"}]}


def spec(**changes: Any) -> Any:
    """Return a config.json that is fine, but for the changes."""
    process = {"args": ["sh"], "cwd": "/", **changes.pop("process", {})}
    linux = {"namespaces": [{"type": kind} for kind in ("mount", "pid", "network")], **changes.pop("linux", {})}
    return {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": process, "linux": linux, **changes}


def test_the_root_becomes_absolute_and_usual_devices_are_allowed_after_what_denies(tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(spec(linux={"resources": {"devices": [{"allow": False, "access": "rwm"}]}})))
    read = read_bundle(str(tmp_path))
    rules = read["linux"]["resources"]["devices"]
    assert read["root"]["path"] == str(tmp_path / "rootfs")
    assert rules[0] == {"allow": False, "access": "rwm"}
    assert {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"} in rules


def test_a_bundle_without_config_or_root(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"JSON specification file .*/config\.json not found"):
        read_bundle(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(spec()))
    with pytest.raises(NotFound, match="rootfs': expected a directory"):
        read_bundle(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"ociVersion": "one"}, BadInput, "ociVersion 'one': expected a version"),
        ({"linux": {**UTS, "sysctl": {"kernel.hostname": "b"}}}, BadInput, "sysctl kernel.hostname: expected the property hostname alone"),
        ({"domainname": "a", "linux": {**UTS, "sysctl": {"kernel.domainname": "b"}}}, BadInput, "expected the property domainname alone"),
        ({"ociVersion": None}, BadInput, "ociVersion None"),
        ({"ociVersion": "2.0.0"}, Unsupported, "expected 1.x"),
        ({"root": {}}, BadInput, "root.path ''"),
        ({"root": {"path": 5}}, BadInput, "root.path 5: expected a text"),
        ({"process": {"args": []}}, BadInput, "process.args []"),
        ({"process": {"args": ["a\0b"]}}, BadInput, "process.args"),
        ({"process": {"cwd": "tmp"}}, BadInput, "process.cwd 'tmp'"),
        ({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]}}, BadInput, "RLIMIT_CORE 2:1"),
        ({"process": {"rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2}}, BadInput, "each type once"),
        (
            {"process": {"execCPUAffinity": {"final": "all"}}},
            BadInput,
            "process.execCPUAffinity.final 'all': expected a list such as 0-2,7",
        ),
        ({"process": {"selinuxLabel": "a:b:c:d"}}, Unsupported, "selinux is not enabled"),
        ({"mounts": [{"destination": ""}]}, BadInput, "mount destination ''"),
        ({"hooks": {"prestart": [{"path": "x"}]}}, BadInput, "prestart hook 'x': expected an absolute path"),
        ({"hooks": {"poststop": [{"path": "/x", "timeout": 0}]}}, BadInput, "timeout 0"),
        ({"linux": {"namespaces": [{"type": "mount"}, {"type": "moon"}]}}, BadInput, "'moon'"),
        ({"linux": {"namespaces": [{"type": "mount"}, {"type": "mount"}]}}, BadInput, "each type once"),
        ({"linux": {"namespaces": [{"type": "pid"}]}}, Unsupported, "expected one of type mount"),
        ({"linux": {"namespaces": [{"type": "mount"}, {"type": "pid", "path": "relative"}]}}, BadInput, "pid namespace path 'relative'"),
        ({"linux": {"namespaces": [{"type": "mount"}, {"type": "user"}]}}, BadInput, "expected uidMappings and gidMappings"),
        ({"linux": {"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}}, BadInput, "expected a user namespace"),
        ({"linux": {"sysctl": {"kernel.panic": "1"}}}, BadInput, "kernel.panic' is not in a separate kernel namespace"),
        ({"linux": {"sysctl": {"kernel.shmmax": "1"}}}, BadInput, "expected a ipc namespace"),
        ({"linux": {"maskedPaths": ["proc"]}}, BadInput, "'proc': expected an absolute path"),
        ({"linux": {"intelRdt": {"closID": "x"}}}, Unsupported, "intelRdt"),
        ({"linux": {"namespaces": [{"type": "mount"}], "netDevices": {"eth0": {}}}}, BadInput, "expected a new network namespace"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], kind: type[Error], words: str) -> None:
    check(spec())
    with pytest.raises(kind) as caught:
        check(spec(**changes))
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_a_config_without_a_process_cannot_be_started() -> None:
    document = spec()
    del document["process"]
    with pytest.raises(BadInput, match="process: expected an object, as start needs one"):
        check(document)


def test_null_is_what_is_not_there() -> None:
    document: Any = {**spec(linux={"seccomp": None, "resources": {"memory": {"limit": None}}}), "hooks": None, "mounts": None}
    check(document)
    assert (document["mounts"], document["linux"]["resources"]) == ([], {"memory": {}})
    assert "hooks" not in document and "seccomp" not in document["linux"]


def test_labels_of_mounts_are_left_out_where_selinux_is_not(tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(spec(linux={"mountLabel": "system_u:object_r:container_file_t:s0"})))
    assert ("mountLabel" in read_bundle(str(tmp_path))["linux"]) == selinux_enabled()
