"""The verb exec: it starts one more process in a running container."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Conflict
from mydocker.oci import console, containers
from mydocker.oci.arguments import Arguments, Flags
from mydocker.oci.bundle import check_process
from mydocker.oci.cgroup import enter_running
from mydocker.oci.create import preserved_descriptors
from mydocker.oci.privileges import grantable
from mydocker.oci.sealing import restart_sealed_if_exposed
from mydocker.oci.settings import filter_cache
from mydocker.oci.shape import check_shape
from mydocker.runtime.init import Setting, join
from mydocker.runtime.joining import hold_namespaces, joined
from mydocker.runtime.launch import Launch
from mydocker.runtime.plan import How, namespaces
from mydocker.runtime.seccomp import filter_for
from mydocker.runtime.spec import PROCESS
from mydocker.steps.base import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Process, Spec, User

EXEC = Flags(
    "detach tty no-new-privs no-subreaper ignore-paused",
    "process console-socket pid-file preserve-fds cwd user apparmor process-label",
    "env cap additional-gids cgroup",
    {"d": "detach", "t": "tty", "p": "process", "e": "env", "u": "user", "c": "cap", "g": "additional-gids"},
)


# If --process leaves out one of these, it is taken from the container's own process.
_COMMON = ("capabilities", "rlimits", "apparmorProfile", "selinuxLabel", "ioPriority", "scheduler", "execCPUAffinity")


def execute(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci exec`, and return the exit status of the process, or 0 with --detach."""
    container = containers.running(settings, arguments.words[0])
    if container.status() == "paused" and not arguments.on("ignore-paused"):
        raise Conflict(f"cannot exec in a paused container: {container.id!r}", "resume it first, or use --ignore-paused")
    spec = container.spec
    process = wanted_process(spec["process"], arguments)
    check_process(process)
    process = grantable(process, "user" in namespaces(spec), settings)
    console.check(process, arguments, arguments.on("detach"))
    restart_sealed_if_exposed(settings, spec, joins=True)
    joining = joined({**spec, "process": process}, hold_namespaces(container.pid))
    launch = _started(settings, arguments, container, joining)
    return 0 if arguments.on("detach") else console.stay(launch.pid, launch.master)


def _started(settings: Settings, arguments: Arguments, container: Container, spec: Spec) -> Launch:
    """Start the process and return its launch when it executes the program.

    Its terminal's master and its pid then go to the caller, if the caller has asked for them.

    spec: the container's spec, changed for the new process.
    """
    launch = _launch(settings, arguments, container, spec)
    try:
        console.hand_over(launch.master, arguments)
        if arguments.value("pid-file"):
            store.write_atomic(os.path.abspath(arguments.value("pid-file")), str(launch.pid).encode(), sync=False)
    except BaseException:
        launch.kill()
        raise
    return launch


def _launch(settings: Settings, arguments: Arguments, container: Container, spec: Spec) -> Launch:
    seccomp = spec["linux"].get("seccomp")
    how = How(preserved=preserved_descriptors(arguments, spec["process"]))
    bpf = filter_for(seccomp, filter_cache(settings.root)) if seccomp else None
    size = console.size(spec["process"])
    setting = Setting(spec=spec, root="/", streams=(0, 1, 2), size=size, cgroups=[], seccomp=bpf, explain=settings.debug, how=how)
    affinity, wanted = spec["process"].get("execCPUAffinity", {}), arguments.lists.get("cgroup", [])
    is_moved = affinity or wanted  # The first affinity counts before the process is in the cgroups.
    cgroup = container.cgroup().beside(container.pid) if container.record["cgroup"] and not is_moved else None
    launch = Launch(setting, Run("runtime", settings.observer()), settings.tell, join, cgroup)
    try:
        pid = launch.fork()
        _set_affinity(pid, affinity.get("initial"))
        if container.record["cgroup"] and is_moved:
            enter_running(container, pid, wanted)
        _set_affinity(pid, affinity.get("final"))
        launch.go(container.state())
    except BaseException:
        launch.kill()
        raise
    return launch


def _set_affinity(pid: int, cpus: str | None) -> None:
    if cpus:
        from mydocker.steps.scheduling import SetAffinity

        Run("runtime").apply(SetAffinity(pid, cpus))


def wanted_process(own: Process, arguments: Arguments) -> Process:
    """Return the object `process` of the new process.

    It comes from the file --process or, without that, from the container's own process, changed by the flags and words.

    own: the container's own process.
    """
    process = _by_file(own, arguments.value("process")) if arguments.value("process") else _by_words(own, arguments)
    process["terminal"] = process["terminal"] or arguments.on("tty")
    return process


def _by_file(own: Process, path: str) -> Process:
    given: Any = store.read_json(path)
    if isinstance(given, dict):
        # A process that says nothing of these gets them from the container. runc does so too, and callers rely on it.
        common = {key: value for key, value in own.items() if key in _COMMON and value}
        given = {**common, **{key: value for key, value in given.items() if value is not None}}
    check_shape(given, PROCESS, "process")
    process: Process = given
    return process


def _by_words(own: Process, arguments: Arguments) -> Process:
    process: Process = {**own, "args": arguments.words[1:], "terminal": False}
    process["env"] = [*own["env"], *arguments.lists.get("env", [])]
    process["noNewPrivileges"] = own["noNewPrivileges"] or arguments.on("no-new-privs")
    process["cwd"] = arguments.value("cwd") or own["cwd"]
    if arguments.value("apparmor"):
        process["apparmorProfile"] = arguments.value("apparmor")
    if arguments.value("process-label"):
        process["selinuxLabel"] = arguments.value("process-label")
    if arguments.value("user") or arguments.lists.get("additional-gids"):
        process["user"] = _user(own["user"], arguments)
    if arguments.lists.get("cap"):
        process["capabilities"] = _more(own["capabilities"], arguments.lists["cap"])
    return process


def _user(own: User, arguments: Arguments) -> User:
    words = (arguments.value("user") or f"{own['uid']}:{own['gid']}").split(":")
    numbers = [*words, *arguments.lists.get("additional-gids", [])]
    if len(words) > 2 or not all(word.isascii() and word.isdigit() for word in numbers):
        raise BadInput(f"user {':'.join(words)!r}: expected UID[:GID], in numbers")
    gid = int(words[1]) if len(words) == 2 else own["gid"]
    return {**own, "uid": int(words[0]), "gid": gid, "additionalGids": [int(word) for word in numbers[len(words) :]]}


def _more(own: dict[str, list[str]], names: list[str]) -> dict[str, list[str]]:
    kinds = ("bounding", "effective", "permitted", *(["ambient", "inheritable"] if own.get("ambient") else []))
    return {**own, **{kind: list(dict.fromkeys([*own.get(kind, []), *names])) for kind in kinds}}
