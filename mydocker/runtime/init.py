"""init: the process that becomes the container. It is a fork of its parent that executes the plans of plan.py and then the program.

Its messages to its parent, and their order, are drawn in mydocker/messages.py. The parent's side is launch.py. init enters its cgroups and
builds its root while the parent connects its network. Then it waits for the message GO.
"""

from __future__ import annotations

import marshal
import os
from itertools import pairwise

from mydocker import explaining, messages
from mydocker.kernel import process
from mydocker.kernel.inroot import LONGEST_TEXT
from mydocker.messages import BUILT, EXPLAIN, FAILURE, GO, GONE, ISOLATED, READY, failure
from mydocker.runtime import console, plan, report
from mydocker.runtime.hooks import hooks
from mydocker.runtime.joining import held
from mydocker.runtime.mounts import FIRST_TREE
from mydocker.runtime.users import GROUPS_ANNOTATION, USER_ANNOTATION, lookup
from mydocker.steps.base import Run, Step
from mydocker.tracebacks import as_error
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from mydocker.cgroups.layout import ContainerMount
    from mydocker.kernel.channel import Channel
    from mydocker.messages import State
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Observer
    from mydocker.steps.faults import Fault


class Setting(Value):
    """All that init needs. Its parent has found it out before the fork."""

    spec: Spec  # the container's config.json
    root: str  # the absolute path of the root file system
    streams: tuple[int, int, int]  # the descriptors that become 0, 1 and 2, unless a terminal replaces them
    size: tuple[int, int] | None  # (rows, columns) of the terminal
    cgroups: list[ContainerMount]  # what the container sees of each hierarchy
    seccomp: bytes | None  # the compiled filter
    explain: bool = False  # whether each step is told to the parent
    stop: explaining.Stop | None = None  # where init stops until the client lets it go on
    faults: tuple[Fault, ...] = ()  # what tests inject, see steps/faults.py
    how: plan.How = plan.USUAL
    entering: Sequence[Step] = ()  # by which init enters its cgroups; none if its parent moves it
    limited: bool = False  # whether the stage has set the limits
    report: int = -1  # the descriptor for a failure of the last step, see kernel/trampoline.py


def become(setting: Setting, channel: Channel) -> NoReturn:
    """Turn this process into the first process of a container. This never returns."""
    _report_failure(_become, setting, channel)


def join(setting: Setting, channel: Channel) -> NoReturn:
    """Turn this process into one more process of a running container, whose namespaces the spec names by path. This never returns."""
    _report_failure(_join, setting, channel)


def _report_failure(work: Callable[[Setting, Channel], None], setting: Setting, channel: Channel) -> NoReturn:
    try:
        work(setting, channel)
    except BaseException as error:
        ours = as_error(error, "init")
        if channel.fileno() >= 0:
            channel.put(FAILURE, failure(ours))
        else:
            os.write(setting.report, report.failed(ours))
    finally:
        os._exit(1)


def _become(setting: Setting, channel: Channel) -> None:
    spec = setting.spec
    run = _enter_namespaces(setting, channel)
    channel.send(ISOLATED)
    run.execute(plan.build(spec, setting.root, setting.how))
    channel.send(BUILT)
    state = _wait_for_go(channel)
    opening = console.first(spec, setting.root, setting.size, channel)
    run.execute(plan.close(spec, setting.root, setting.cgroups, opening, setting.how, state))
    _execute(run, setting, channel, hooks(spec, "startContainer", state))


def _join(setting: Setting, channel: Channel) -> None:
    run = _enter_namespaces(setting, channel)
    _wait_for_go(channel)
    run.execute(console.further(setting.spec, setting.size, channel))
    _execute(run, setting, channel, [])


def _enter_namespaces(setting: Setting, channel: Channel) -> Run:
    """Close what belongs to the parent, and execute the steps that become() and join() begin with."""
    run = Run("init", observer(setting, channel), setting.faults)
    process.set_dumpable(False)
    for number, descriptor in enumerate(setting.streams):
        os.dup2(descriptor, number)
    preserved = range(3, 3 + setting.how.preserved)
    stops = [setting.stop.gate] if setting.stop else []
    _let_go_of_the_parents({channel.fileno(), setting.report, *stops, *(setting.how.gate or ()), *preserved, *held(setting.spec)})
    if not setting.limited:
        run.execute(plan.limits(setting.spec))
    run.execute(plan.early(setting.spec, setting.how))
    run.execute(setting.entering)
    run.execute(plan.isolate(setting.spec))
    return run


def _wait_for_go(channel: Channel) -> State:
    kind, payload, _ = channel.receive()
    if kind == GONE:
        os._exit(1)  # The parent is gone, and nobody else owns this process.
    messages.check("the parent", kind, GO)
    state: State = marshal.loads(payload)
    return state


def _execute(run: Run, setting: Setting, channel: Channel, last_hooks: list[Step]) -> None:
    spec = setting.spec
    uid, gid, groups, home = resolved_user(spec, _text("/etc/passwd"), _text("/etc/group"))
    run.execute(console.owned(uid))
    steps, load = plan.confine(spec, uid, gid, groups, setting.seccomp, channel)
    run.execute(steps)
    gate = setting.how.gate[1] if setting.how.gate else -1
    program = plan.program(spec, home, load, setting.report, gate)
    program.found()  # A program that is missing must be known before the second half of the start.
    if run.observer:
        # These two are told before they are done: afterwards nobody is left to tell them.
        for step in [load, program] if load else [program]:
            run.observer(run.who, step, 0.0)
    channel.send(READY)
    if last_hooks:
        if gate >= 0:
            channel.close()
            os.read(gate, 1)
        run.execute(last_hooks)
        program.gate = -1
    run.apply(program)


def observer(setting: Setting, channel: Channel, who: str = "init") -> Observer | None:
    """Return the observer that tells the parent of each step, or None if the steps are not to be told."""
    return explaining.observer(lambda told: channel.put(EXPLAIN, told), who, stop=setting.stop) if setting.explain else None


def _let_go_of_the_parents(kept: set[int]) -> None:
    """Close the descriptors that the fork has copied, except for those in `kept` and those of open mounts.

    The parent's ends of channels are among them. While a copy of such an end is open, nobody notices that the parent has died.
    """
    edges = sorted({2, *(descriptor for descriptor in kept if 2 < descriptor < FIRST_TREE), FIRST_TREE})
    for low, high in pairwise(edges):
        os.closerange(low + 1, high)


def resolved_user(spec: Spec, passwd: str, group: str) -> tuple[int, int, list[int], str]:
    """Return (uid, gid, additional gids, home) of the container's user.

    passwd, group: the texts of the container's own files.

    Raises BadInput for a name that the files do not have.
    """
    user, annotations = spec["process"]["user"], spec["annotations"]
    numbers = user.get("additionalGids", [])
    if USER_ANNOTATION not in annotations:
        return user["uid"], user["gid"], numbers, lookup(str(user["uid"]), passwd, "", [])[3]
    names = [name for name in annotations.get(GROUPS_ANNOTATION, "").split(",") if name]
    return lookup(annotations[USER_ANNOTATION], passwd, group, [*map(str, numbers), *names])


def _text(path: str) -> str:
    """Return the text of a file, or '' if it is missing or not a regular file. An image can put anything in its place."""
    if not os.path.isfile(path):
        return ""
    with open(path, "rb", buffering=0) as file:
        return file.read(LONGEST_TEXT).decode(errors="surrogateescape")
