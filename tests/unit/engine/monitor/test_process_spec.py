"""What an exec's spec takes from the container's."""

from typing import Any

from mydocker.engine.monitor.execute import process_spec

SPEC: Any = {
    "process": {"args": ["httpd"], "cwd": "/srv", "env": ["A=1"], "terminal": False, "capabilities": {"bounding": ["CAP_KILL"]}},
    "annotations": {"mydocker.user": "web", "mydocker.groups": "7"},
    "linux": {
        "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
        "seccomp": {"defaultAction": "SCMP_ACT_LOG"},
    },
}


def test_namespaces_are_the_containers_the_mount_namespace_last() -> None:
    spec = process_spec(SPEC, {"args": ["sh"], "env": [], "terminal": False, "user": None}, "/ns")
    assert [(n["type"], n["path"]) for n in spec["linux"]["namespaces"]] == [
        ("pid", "/ns/pid"),
        ("network", "/ns/net"),
        ("mount", "/ns/mnt"),
    ]
    assert spec["linux"]["seccomp"] == SPEC["linux"]["seccomp"]


def test_only_what_is_wanted_differs() -> None:
    spec = process_spec(SPEC, {"args": ["sh"], "env": ["B=2"], "terminal": True, "user": None}, "/ns")
    assert spec["process"] == {**SPEC["process"], "args": ["sh"], "env": ["B=2"], "terminal": True}
    assert spec["annotations"] == SPEC["annotations"]
    other = process_spec(SPEC, {"args": ["sh"], "env": [], "terminal": False, "user": "root", "cwd": "/"}, "/ns")
    assert (other["annotations"]["mydocker.user"], other["process"]["cwd"]) == ("root", "/")
    assert SPEC["annotations"]["mydocker.user"] == "web"
