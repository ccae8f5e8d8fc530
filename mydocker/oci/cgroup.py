"""Where a container's cgroups are (runtime-spec config-linux.md, cgroupsPath), and making them."""

from __future__ import annotations

import os
from errno import EBUSY

from mydocker.errors import BadInput, Error, NotFound
from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Run


def cgroup_path(spec: Spec, container: Container, settings: Settings) -> str:
    """Return the cgroup's path below each hierarchy's mount point; '' for none, where an ordinary user may make none.

    A relative path, and the id where there is none, counts from the caller's own cgroup.
    """
    wanted = spec["linux"]["cgroupsPath"]
    if settings.systemd:
        from mydocker.oci.systemd import scope_path

        return scope_path(wanted, container.id, settings.paths.run)
    below = "" if wanted.startswith("/") else f"{_own(container.layout)}/"
    path = os.path.normpath(below + (wanted or container.id))
    if "/.." in os.path.join("/", wanted):
        raise BadInput(f"cgroupsPath {wanted!r}: expected a path without ..")
    if os.geteuid() != 0 and not _may_make(container, path):
        return ""
    return path


def _own(layout: Layout) -> str:
    """Return this process's cgroup, in the hierarchy that has most to say."""
    hierarchy = layout.find("memory") or layout.find("pids") or layout.unified
    return hierarchy.own.rstrip("/") if hierarchy else ""


def freezer_file(layout: Layout, cgroup: str) -> str:
    """Return the file that says whether a cgroup is frozen, as cgroups.life has it; '' where none does."""
    freezer = layout.find("freezer")
    if cgroup and freezer:
        return f"{freezer.mount}{cgroup}/freezer.state"
    return f"{layout.unified.mount}{cgroup}/cgroup.freeze" if cgroup and layout.unified else ""


def _may_make(container: Container, path: str) -> bool:
    """Say whether the nearest existing parent is this user's in every hierarchy that can limit something."""
    for hierarchy in container.layout.hierarchies:
        directory = hierarchy.mount + os.path.dirname(path)
        while not os.path.isdir(directory):
            directory = os.path.dirname(directory)
        if not os.access(directory, os.W_OK):
            return False
    return True


def place(container: Container, spec: Spec, run: Run) -> None:
    """Make the container's cgroups with their limits. Without any, a limit is an error, but not what only devices are told."""
    resources = spec["linux"]["resources"]
    if container.record["cgroup"]:
        if container.record["systemd"]:
            return  # systemd makes a scope around a process: see enter()
        manager = container.cgroup()
        _refuse_strangers(container)
        run.execute(manager.create_steps(resources))
        return
    limits = {key: value for key, value in resources.items() if key != "devices" and value}
    if limits:
        raise Error(f"resources {' '.join(limits)}: this user may not make cgroups", "a user's own cgroups come from systemd's delegation")


def _refuse_strangers(container: Container) -> None:
    """Refuse a cgroup that has processes already: their limits would be ours, and killing all would kill them."""
    if container.cgroup().pids():
        raise Error(f"container's cgroup is not empty: {container.record['cgroup']}")


def enter(container: Container, pid: int, run: Run) -> None:
    """Move the container's first process into its cgroups, memory last."""
    if not container.record["cgroup"]:
        return
    if container.record["systemd"]:
        from mydocker.oci.systemd import start_scope

        start_scope(container.record["cgroup"], pid, container.id)
        resources = container.spec["linux"]["resources"]
        run.execute(container.cgroup().create_steps(resources))
    early, late = container.cgroup().enter_steps(pid)
    run.execute([*early, *late])


def enter_running(container: Container, pid: int, wanted: list[str]) -> None:
    """Move one more process in. wanted: 'PATH' below the container's cgroup, or 'CONTROLLER[,CONTROLLER]:PATH' for some hierarchies.

    Where version 2 refuses, as the container has made cgroups of its own below (EBUSY), it goes to where the first process is.
    """
    paths = sub_cgroups(wanted)
    for subsystem in container.cgroup().subsystems:
        named = [path for names, path in paths.items() if names and set(names.split(",")) & set(subsystem.group.hierarchy.controllers)]
        below = (named or [paths.get("", "")])[0]
        directory = subsystem.group.directory + below
        if below and not os.path.isdir(directory):
            raise NotFound(f"exec --cgroup: {directory} does not exist")
        try:
            WriteFile(f"{directory}/cgroup.procs", str(pid)).apply()
        except OSError as error:
            if error.errno != EBUSY or subsystem.group.hierarchy.version != 2 or wanted:
                raise
            WriteFile(f"{subsystem.group.hierarchy.mount}{_unified_of(container.pid)}/cgroup.procs", str(pid)).apply()


def sub_cgroups(wanted: list[str]) -> dict[str, str]:
    """Return {controllers: path below the container's cgroup}; '' for all of them. Raises BadInput."""
    found = {}
    for text in wanted:
        names, colon, path = text.partition(":")
        if not colon:
            names, path = "", text
        if ".." in path.split("/") or "\n" in path:
            raise BadInput(f"--cgroup {text!r}: expected a path without ..")
        found[names] = "/" + path.strip("/") if path.strip("/") else ""
    return found


def _unified_of(pid: int) -> str:
    """Return a process's version 2 cgroup below its hierarchy's root."""
    with open(f"/proc/{pid}/cgroup") as file:
        return next((line.rstrip("\n")[3:] for line in file if line.startswith("0::")), "")
