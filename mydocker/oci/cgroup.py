"""The cgroups of a container: where they are (runtime-spec config-linux.md, cgroupsPath), how they are made, and who enters them."""

from __future__ import annotations

import os
from errno import ENOENT, ESRCH

from mydocker.errors import BadInput, Error, NotFound
from mydocker.kernel.files import content
from mydocker.oci.containers import says_frozen
from mydocker.oci.settings import is_hosts_root
from mydocker.steps.files import WriteFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.layout import Layout
    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Run


def cgroup_path(spec: Spec, container: Container, settings: Settings) -> str:
    """Return the path of a container's cgroups below the mount point of each hierarchy.

    It is '' if the container gets no cgroups, with `--cgroup-manager disabled` or because its user may not make any. Without a cgroupsPath
    the path is the container's id. A path that is not absolute counts from one of _bases(). Raises BadInput for a path with '..'.
    """
    wanted = spec["linux"]["cgroupsPath"]
    if not settings.cgroups:
        return ""
    if settings.systemd:
        from mydocker.oci.systemd import scope_path

        return scope_path(wanted, container.id, settings.paths.run)
    if "/.." in os.path.join("/", wanted):
        raise BadInput(f"cgroupsPath {wanted!r}: expected a path without ..")
    bases = [""] if wanted.startswith("/") else _bases(container.layout)
    name = wanted.lstrip("/") if wanted else container.id
    paths = [os.path.normpath(f"{base}/{name}") for base in bases]
    return next((path for path in paths if is_hosts_root() or _may_make(container, path)), "")


def _bases(layout: Layout) -> list[str]:
    """Return the paths of the cgroups that a path may count from, the best first.

    It is this process's cgroup in the hierarchy of memory, of pids or of version 2, '' if none of them exists. Of version 2 the one above
    is better: that of a process can pass no controllers on, "no internal processes" in cgroups(7). runc takes it, too.
    """
    hierarchy = layout.find("memory") or layout.find("pids") or layout.unified
    own = hierarchy.own.rstrip("/") if hierarchy else ""
    return [os.path.dirname(own).rstrip("/"), own] if hierarchy and hierarchy.version == 2 else [own]


def freezer_file(layout: Layout, cgroup: str) -> str:
    """Return the path of the file that says whether a cgroup is frozen, or '' if no file does. It is the file that cgroups/life.py uses."""
    freezer = layout.find("freezer")
    if cgroup and freezer:
        return f"{freezer.mount}{cgroup}/freezer.state"
    return f"{layout.unified.mount}{cgroup}/cgroup.freeze" if cgroup and layout.unified else ""


def _may_make(container: Container, path: str) -> bool:
    """Return whether this user may make a cgroup in every hierarchy: whether its nearest existing parent is writable."""
    for hierarchy in container.layout.hierarchies:
        directory = hierarchy.mount + os.path.dirname(path)
        while not os.path.isdir(directory):
            directory = os.path.dirname(directory)
        if not os.access(directory, os.W_OK):
            return False
    return True


def place(container: Container, spec: Spec, run: Run) -> None:
    """Make the container's cgroups with their limits.

    Raises Error if there are limits but the container gets no cgroups. Rules for devices alone are not an error then.
    """
    resources = spec["linux"]["resources"]
    if container.record["cgroup"]:
        if container.record["systemd"]:
            return  # systemd makes a scope around a process. See enter_scope().
        run.execute(container.cgroup().create_steps(resources))
        return
    limits = {key: value for key, value in resources.items() if key != "devices" and value}
    if limits:
        why = "this user may not make cgroups" if container.settings.cgroups else "expected none with --cgroup-manager disabled"
        raise Error(f"resources {' '.join(limits)}: {why}", "a user's own cgroups come from systemd's delegation")


def refuse_strangers(layout: Layout, path: str) -> None:
    """Raise Error if the cgroups of a new container have processes already. They would get its limits, and be killed with it.

    path: the cgroups' path, or ''. It may go into the container's record only afterwards.
    """
    from mydocker.cgroups.manager import manager

    if path and manager(layout, path).pids():
        raise Error(f"container's cgroup is not empty: {path}")


def refuse_frozen(layout: Layout, path: str) -> None:
    """Raise Error if a new container's cgroup, or one above it, is frozen: the first process would stop there, and create with it.

    path: the cgroups' path, or ''.
    """
    while path.strip("/"):
        if says_frozen(freezer_file(layout, path)):
            raise Error(f"container's cgroup unexpectedly frozen: {path}", "thaw it first")
        path = os.path.dirname(path)


def enter_scope(container: Container, pid: int, run: Run) -> None:
    """Have systemd make the scope of a container around its first process, if it is to make it. The process enters all its cgroups."""
    if not container.record["cgroup"] or not container.record["systemd"]:
        return
    from mydocker.oci.systemd import start_scope

    start_scope(container.record["cgroup"], pid, container.id)
    run.execute(container.cgroup().create_steps(container.spec["linux"]["resources"]))
    run.execute(container.cgroup().enter_steps(pid))


def enter_running(container: Container, pid: int, wanted: list[str]) -> None:
    """Move one more process into the container's cgroups.

    wanted: the values of --cgroup. Each is 'PATH', which is below the container's cgroup, or 'CONTROLLER[,CONTROLLER]:PATH' for some
        hierarchies.

    Raises BadInput for a controller that this host does not have, and NotFound if a wanted cgroup does not exist.
    """
    cgroup = container.cgroup()
    paths, subsystems = sub_cgroups(wanted), (cgroup if wanted else cgroup.beside(container.pid)).subsystems
    known = {name for subsystem in subsystems for name in subsystem.group.hierarchy.controllers}
    for name in (name for names in paths for name in names.split(",") if names):
        if name not in known:
            raise BadInput(f"--cgroup: unknown controller {name!r}: expected one of {', '.join(sorted(known))}")
    for subsystem in subsystems:
        named = [path for names, path in paths.items() if names and set(names.split(",")) & set(subsystem.group.hierarchy.controllers)]
        below = (named or [paths.get("", "")])[0]
        directory = subsystem.group.directory + below
        if below and not os.path.isdir(directory):
            raise NotFound(f"--cgroup: adding pid {pid} to {directory}/cgroup.procs: no such file or directory")
        WriteFile(f"{directory}/cgroup.procs", str(pid)).apply()


def take_back(container: Container, pid: int) -> None:
    """Move a process that was put into another cgroup of version 1's freezer back into the container's.

    If that one is frozen, the process does not die of SIGKILL. It may have others in it, so it is not thawed.
    """
    directory, _, name = container.record["freezer"].rpartition("/")
    if name != "freezer.state" or _freezer_of(pid) in ("", container.record["cgroup"]):
        return
    try:
        WriteFile(f"{directory}/cgroup.procs", str(pid)).apply()
    except (ProcessLookupError, FileNotFoundError):
        return  # It has ended, or its create was killed before it made that cgroup.


def sub_cgroups(wanted: list[str]) -> dict[str, str]:
    """Return {controllers: path below the container's cgroup}, in which '' stands for all controllers. Raises BadInput for a wrong path."""
    found = {}
    for text in wanted:
        names, colon, path = text.partition(":")
        if not colon:
            names, path = "", text
        if ".." in path.split("/") or "\n" in path:
            raise BadInput(f"--cgroup {text!r}: {path} is not a sub cgroup path: expected one without ..")
        found[names] = "/" + path.strip("/") if path.strip("/") else ""
    return found


def _freezer_of(pid: int) -> str:
    """Return the path of a process's cgroup in version 1's freezer, or '' if it has none or has ended."""
    lines = [line.split(":", 2) for line in content(f"/proc/{pid}/cgroup", ENOENT, ESRCH).splitlines()]
    return next((path for _, controllers, path in lines if controllers == "freezer"), "")
