"""The verbs start, kill, delete, pause and resume, each for one container that exists already."""

from __future__ import annotations

import os
from time import monotonic, sleep

from mydocker import store
from mydocker.errors import BadInput, Conflict, Error, NotFound, StepFailed, attempt
from mydocker.oci import containers, destroy, gate
from mydocker.oci.arguments import Arguments, Flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings

NONE = Flags()
KILL = Flags("all", short={"a": "all"})
DELETE = Flags("force regex", short={"f": "force"})
LOCK_SECONDS = 1.0


def start(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci start`: open the gate, return when the program has been executed, and run the poststart hooks."""
    container = containers.load(settings, arguments.words[0])
    with store.Lock(f"{container.directory}/lock"):
        status = container.status()
        if status in ("stopped", "creating"):
            raise Conflict("cannot start a container that has stopped")
        if status != "created":
            raise Conflict(f"cannot start an already {status} container")
        spec = container.spec
        started = container.state("running")  # While the process waits, as it may end before the hooks are told its pid.
        relay = _notify_relay(container) if os.environ.get("NOTIFY_SOCKET") else None
        gate.open_gate(container.directory, spec["process"]["args"][0])
        try:
            for hook in destroy.late_hooks(spec, "poststart", started):
                destroy.apply(hook)
        except Error:
            # After a hook that fails, the specification goes on with the steps of a delete.
            end_first_process(container)
            destroy.log_problems(settings, destroy.everything(container, spec))
            raise
    if relay:
        relay()  # The lock is free by now, so that others can stop what does not become ready.
    return 0


def _notify_relay(container: Container) -> Callable[[], None] | None:
    """Make the socket on which the program says that it is ready. Return what waits for that, or None without such a socket."""
    from mydocker.oci import notify

    listener = notify.listen(container)
    return (lambda: notify.relay(container, listener, is_main=True)) if listener else None


def kill(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci kill`: send a signal to the first process.

    The signal goes to all processes with --all, and if it is SIGKILL and the container has no pid namespace of its own.
    """
    container = containers.load(settings, arguments.words[0])
    number = signal_number(arguments.words[1] if len(arguments.words) > 1 else "SIGTERM")
    everybody = arguments.on("all")
    if not container.pid:
        if everybody:
            return 0
        raise Conflict("container not running")
    shared = not any(n["type"] == "pid" and not n.get("path") for n in container.spec["linux"]["namespaces"])
    targets = {container.pid}
    if (everybody or (shared and number == 9)) and container.record["cgroup"]:
        targets |= set(container.cgroup().pids())
    for pid in targets:
        _send(pid, number)
    if number == 9 and container.is_frozen():
        container.cgroup().freeze(False)  # With version 1 a frozen process does not die.
    return 0


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def signal_number(text: str) -> int:
    """Return the number of a signal given as '9', 'KILL', 'SIGKILL' or 'rtmin+1'. 0 only asks. Raises BadInput for an unknown signal."""
    import _signal  # type: ignore[import-not-found]

    if text.isascii() and text.isdigit():
        number = int(text)
    else:
        name, plus, offset = text.upper().removeprefix("SIG").partition("+")
        number = getattr(_signal, f"SIG{name}", -1) if name.isalnum() else -1
        number = number + int(offset) if number >= 0 and offset.isdigit() else (-1 if plus else number)
    if not 0 <= number < 65:
        raise BadInput(f"unknown signal {text!r}")
    return number


def delete(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci delete`: remove a container that has stopped or was never started.

    With --force a running container is removed too, and a container that does not exist is not an error. With --regex these are all
    containers whose id has a part that fits a regular expression; the others are removed too if one of them cannot be.
    """
    force, name = arguments.on("force"), arguments.words[0]
    if not arguments.on("regex"):
        return _delete(settings, name, force)
    problems: list[Error] = []
    for each in _fitting(settings, name):
        attempt(problems, _delete, settings, each, force)
    if problems:
        raise StepFailed("; ".join(problem.message for problem in problems))
    return 0


def _fitting(settings: Settings, expression: str) -> list[str]:
    import re

    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise BadInput(f"--regex {expression!r}: {error}: expected a regular expression") from error
    return [container.id for container in containers.everyone(settings) if pattern.search(container.id)]


def _delete(settings: Settings, name: str, force: bool) -> int:
    try:
        container = containers.load(settings, name)
        status = container.status()
        if status == "creating" and force:
            container = _after_its_create(settings, container.id)
            status = container.status()
    except NotFound:
        if force:
            return 0
        raise
    if status not in ("stopped", "created") and not force:
        raise Conflict(f"cannot delete container {container.id} that is not stopped: {status}")
    if status == "creating":
        raise Conflict(f"cannot delete container {container.id}: it is being created")
    with store.Lock(f"{container.directory}/lock"):
        end_first_process(container)
        problems = destroy.everything(container, container.spec if container.record["bundle"] else None)
    if problems:
        raise StepFailed("; ".join(problem.message for problem in problems))
    return 0


def _after_its_create(settings: Settings, container_id: str) -> Container:
    """Return a container that is being created, when that is over or LOCK_SECONDS have passed.

    If a create was killed, its init still holds the lock for a moment.
    """
    deadline = monotonic() + LOCK_SECONDS
    while (container := containers.load(settings, container_id)).status() == "creating" and monotonic() < deadline:
        sleep(0.005)
    return container


def end_first_process(container: Container) -> None:
    """Kill the first process and wait until it is gone. Raises Conflict if it does not end within 10 seconds."""
    pid = container.pid
    if not pid:
        return
    from mydocker.oci.cgroup import take_back

    descriptor = os.pidfd_open(pid)
    try:
        if container.is_frozen():
            container.cgroup().freeze(False)
        _send(pid, 9)
        take_back(container, pid)
        if not _ends(descriptor):
            raise Conflict(f"process {pid} of container {container.id} does not end after SIGKILL")
    finally:
        os.close(descriptor)


def _ends(pidfd: int) -> bool:
    from select import POLLIN, poll

    waiting = poll()
    waiting.register(pidfd, POLLIN)
    return bool(waiting.poll(10000))


def pause(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci pause`: freeze all processes of a container."""
    return _freeze(settings, arguments, True)


def resume(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci resume`: thaw all processes of a container."""
    return _freeze(settings, arguments, False)


def _freeze(settings: Settings, arguments: Arguments, frozen: bool) -> int:
    container = containers.load(settings, arguments.words[0])
    status = container.status()
    if status not in (("running", "created") if frozen else ("paused",)):
        raise Conflict("container not running" if frozen and status == "stopped" else f"container not {'running' if frozen else 'paused'}")
    if not container.record["cgroup"]:
        raise Conflict(f"container {container.id} has no cgroup of its own: it cannot be paused")
    container.cgroup().freeze(frozen)
    return 0
