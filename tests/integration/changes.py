"""Changes to a bundle's config.json, and what the tests of the specification do with it again and again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bundles import Change, Runtime
from conftest import wait_until

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

SHELL = ("sh", "-c")


def created(runtime: Runtime, *args: str, change: Change = lambda spec: None) -> dict[str, Any]:
    """Create a container 'one', return its state."""
    result = runtime("create", "--bundle", runtime.bundle(*(args or ("sleep", "1000")), change=change), "one")
    assert result.rc == 0, result.stderr
    return runtime.state("one")


def refused(runtime: Runtime, change: Change, program: str = "true") -> str:
    """Expect that a config.json is an error that leaves nothing; return the message."""
    result = runtime("create", "--bundle", runtime.bundle(program, change=change), "one")
    assert result.rc != 0
    assert runtime("list", "-q").stdout == ""
    return str(result.stderr)


def stopped(runtime: Runtime) -> None:
    """Kill 'one' and wait until it is said."""
    assert runtime("kill", "one", "KILL").rc == 0
    wait_until(lambda: runtime.state("one")["status"] == "stopped")


def unavailable(runtime: Runtime) -> list[str]:
    """Return what `features` says that this host lacks."""
    annotations = json.loads(runtime("features").stdout)["annotations"]
    return str(annotations["mydocker.unavailable"]).split(",")


def namespace(kind: str, **more: str) -> Change:
    """Return a change that replaces or adds a namespace."""

    def change(spec: dict[str, Any]) -> None:
        others = [each for each in spec["linux"]["namespaces"] if each["type"] != kind]
        spec["linux"]["namespaces"] = [*others, {"type": kind, **more}]

    return change


def mount(destination: str, *options: str, kind: str = "tmpfs", source: str = "tmpfs", **more: Any) -> Change:
    """Return a change that adds a mount."""
    return lambda spec: spec["mounts"].append(
        {"destination": destination, "type": kind, "source": source, "options": list(options), **more}
    )


def process(**values: Any) -> Change:
    """Return a change of `process`."""
    return lambda spec: spec["process"].update(values)


def linux(**values: Any) -> Change:
    """Return a change of `linux`."""
    return lambda spec: spec["linux"].update(values)


def both(*changes: Change) -> Change:
    """Return several changes as one."""

    def change(spec: dict[str, Any]) -> None:
        for each in changes:
            each(spec)

    return change


MAPPING = [{"containerID": 0, "hostID": 100000, "size": 1000}]


def mapped(spec: dict[str, Any]) -> None:
    namespace("user")(spec)
    linux(uidMappings=MAPPING, gidMappings=MAPPING)(spec)


def version_of(controller: str) -> int:
    """Return the version of the hierarchy that has a controller here, 0 for none."""
    hierarchy = Layout.detect(Paths()).find(controller)
    return hierarchy.version if hierarchy else 0


def file_in_container(controller: str, v1: str, v2: str) -> str:
    """Return the path of a limit's file as a container sees it. v1, v2: its name in either version."""
    if version_of(controller) == 1:
        return f"/sys/fs/cgroup/{controller}/{v1}"
    return f"/sys/fs/cgroup/{'' if Layout.detect(Paths()).mode == 'v2' else 'unified/'}{v2}"


def cgroup_of(runtime: Runtime, controller: str) -> Path:
    """Return where 'one' is in the hierarchy of a controller."""
    hierarchy = Layout.detect(Paths()).find(controller)
    assert hierarchy
    lines = [line.split(":", 2) for line in Path(f"/proc/{runtime.state('one')['pid']}/cgroup").read_text().splitlines()]
    wanted = "" if hierarchy.version == 2 else controller
    return Path(hierarchy.mount + next(path for _, names, path in lines if wanted in names.split(",")))


def seccomp(**values: Any) -> Change:
    """Return a change that sets a filter which allows all but what `values` say."""
    return linux(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], **values})
