"""The launch of a container's process: the parent forks it into its pid namespace and later tells it to go on.

With a user namespace there is a process in between, the stage. The pid namespace must belong to the user namespace, and only a process
outside of a new user namespace may write its maps. There is one, too, if the parent itself is in a user namespace, as rootless podman's
runtimes are, for then it could not leave the container's pid namespace again:

    parent ── fork ──► stage: unshare CLONE_NEWUSER ── UNMAPPED ──► parent writes uid_map, gid_map ── MAPPED ──► stage
                       stage: unshare CLONE_NEWPID, fork ── BORN pid ──► parent; stage ends, init is the parent's child

Their messages are drawn in mydocker/messages.py.
"""

from __future__ import annotations

import marshal
import os
from errno import ENOMEM
from select import POLLIN, poll

from mydocker import errors, messages
from mydocker.kernel import process
from mydocker.kernel.channel import Channel
from mydocker.messages import BORN, BUILT, EXPLAIN, FAILURE, GO, GONE, ISOLATED, LISTENER, MAPPED, READY, TERMINAL, UNMAPPED
from mydocker.runtime import plan
from mydocker.runtime.init import Setting, become, observer
from mydocker.runtime.report import raise_if_failed
from mydocker.runtime.users import keeps_groups
from mydocker.steps.base import Run
from mydocker.steps.cgroups import ForkInto
from mydocker.steps.namespaces import JoinNamespace, may_return
from mydocker.steps.process import SetUser
from mydocker.tracebacks import as_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from mydocker.cgroups.manager import CgroupManager
    from mydocker.messages import Explanation, State

    Body = Callable[[Setting, Channel], NoReturn]

END_MILLISECONDS = 200


class Launch:
    """One process of a container, from fork to execve.

    setting: what init needs.
    run: the parent's run, which executes the parent's own steps.
    tell: a function that is called with each explanation that init sends.
    body: what the fork does: become(), or join() for one more process of a running container.
    cgroup: the cgroups that it is in from its first step on. None for none, or if the caller moves it.
    """

    __slots__ = ("setting", "run", "tell", "body", "cgroup", "pid", "master", "_channel", "_inbox", "_report", "_state")

    def __init__(
        self, setting: Setting, run: Run, tell: Callable[[Explanation], None], body: Body = become, cgroup: CgroupManager | None = None
    ) -> None:
        self.setting = setting
        self.run = run
        self.tell = tell
        self.body = body
        self.cgroup = cgroup
        self.pid = 0  # of init; after go() it runs the program
        self.master = -1  # the pty's, or -1 if there is no terminal
        self._channel: Channel
        self._inbox: messages.Inbox
        self._report = -1  # where init's last step tells that it has failed; -1 if that is told to a start
        self._state: State = {}

    def fork(self) -> int:
        """Fork init and return its pid. init begins to build its root, and then waits for go()."""
        ours, theirs = Channel.pair()
        self.listen(ours)
        self._report, self.setting.report = (-1, self.setting.how.gate[0]) if self.setting.how.gate else os.pipe()
        wanted = plan.namespaces(self.setting.spec)
        staged = "user" in wanted or not may_return([kind for kind in plan.OF_CHILDREN if kind in wanted])
        try:
            (self._fork_through_stage if staged else self._fork)(theirs, wanted)
        finally:
            theirs.close()
            os.close(self.setting.report)  # While it is open here, it has no end of file.
        return self.pid

    def listen(self, channel: Channel) -> None:
        """Receive init's messages from this channel."""
        self._channel = channel
        handlers = {EXPLAIN: self._explained, TERMINAL: self._take_terminal, LISTENER: self._hand_over}
        self._inbox = messages.Inbox(channel, "init", errors.StepFailed("init ended before it was ready"), handlers)

    def _fork(self, theirs: Channel, wanted: dict[str, str]) -> None:
        own = {kind: os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in plan.OF_CHILDREN if kind in wanted}
        try:
            self.run.execute(plan.of_children(self.setting.spec))
            self._fork_into_cgroups(lambda: self.body(self.setting, theirs))
        finally:
            for kind, descriptor in own.items():
                JoinNamespace(f"/proc/self/fd/{descriptor}", kind).apply()
                os.close(descriptor)

    def _fork_into_cgroups(self, body: Callable[[], NoReturn]) -> None:
        """Fork init, which is born in its version 2 cgroup, or enters it if the kernel refuses. Those of version 1 it always enters."""
        if self.cgroup:
            self.setting.entering = self.cgroup.join_steps()
        if self.cgroup and self.cgroup.unified:
            birth = ForkInto(self.cgroup.unified.directory, body)
            try:
                self.run.apply(birth)
                self.pid = birth.pid
                return
            except errors.StepFailed as error:
                if error.errno not in process.NOT_BORN:
                    raise
                self.setting.entering = self.cgroup.enter_steps(0)
        self.pid = _fork_into_pid_namespace()
        if self.pid == 0:
            body()

    def _fork_through_stage(self, theirs: Channel, wanted: dict[str, str]) -> None:
        from mydocker.runtime import scheduling  # noqa: F401  # init may need it, and a container's root may not read Python's files.

        process.prctl(process.PR_SET_CHILD_SUBREAPER, 1)
        stage = os.fork()
        if stage == 0:
            self._be_stage(theirs, wanted)
        try:
            if wanted.get("user") == "":
                self._inbox.wait(UNMAPPED, before=EXPLAIN)
                self.run.execute(plan.id_maps(self.setting.spec, stage, privileged=os.geteuid() == 0))
                self._channel.send(MAPPED)
            # Messages of init may come before this one of the stage.
            self.pid = int(self._inbox.wait(BORN, before=EXPLAIN + ISOLATED + BUILT)[1])
        except BaseException:
            self._channel.close()  # The stage may wait for MAPPED. This ends it.
            raise
        finally:
            os.waitpid(stage, 0)
        # What a process in between would take of their limits is too much for some.
        self.run.execute(self.cgroup.enter_steps(self.pid) if self.cgroup else [])

    def _be_stage(self, channel: Channel, wanted: dict[str, str]) -> NoReturn:
        """Enter the user namespace and then the pid namespace, fork init, report its pid, and end."""
        try:
            run = Run("stage", observer(self.setting, channel, "stage"))
            self._channel.close()  # With this copy open, nobody here would notice that the parent has died.
            process.set_dumpable(True)
            run.execute(plan.limits(self.setting.spec))
            self.setting.limited = True
            run.execute(plan.user_namespace(self.setting.spec, self.setting.root))
            self.setting.root = plan.root_of(self.setting.spec, self.setting.root)
            if wanted.get("user") == "":
                channel.send(UNMAPPED)
                kind, _, _ = channel.receive()
                if kind == GONE:
                    os._exit(1)  # The parent is gone, or could not write the maps.
                messages.check("the parent", kind, MAPPED)
            if "user" in wanted:
                SetUser(0, 0, [], keeps_groups(self.setting.spec)).apply()
            run.execute(plan.of_children(self.setting.spec))
            pid = _fork_into_pid_namespace()
            if pid == 0:
                self.body(self.setting, channel)
            channel.send(BORN, str(pid).encode())
            os._exit(0)
        except BaseException as error:
            channel.put(FAILURE, messages.failure(as_error(error, "stage")))
            os._exit(1)

    def wait_for_namespaces(self) -> None:
        """Return when init is in its network namespace. Raises the error that init failed with."""
        self._inbox.wait(ISOLATED, before=EXPLAIN)

    def raise_if_failed(self) -> None:
        """Raise the error that init failed with, if it has failed.

        It is called after another error, for which init's failure may be the reason. A process that ends loses its namespaces a moment
        before its descriptors are closed (do_exit in kernel/exit.c). So this waits END_MILLISECONDS for a message.
        """
        waiting = poll()
        waiting.register(self._channel.fileno(), POLLIN)
        while waiting.poll(END_MILLISECONDS):
            self._inbox.take(READY, before=EXPLAIN + ISOLATED + BUILT)

    def wait_until_built(self) -> None:
        """Return when init has built its root. Raises the error that init failed with."""
        self._inbox.wait(BUILT, before=EXPLAIN + ISOLATED)

    def go(self, state: State | None = None) -> None:
        """Let init go on, and return when the program has been executed or waits at its gate. Raises the error that init failed with.

        state: the state of the container, for the hooks that run inside it and for a listener of the seccomp filter.
        """
        self._state = state or {}
        self._tell_go(self._state)
        self._inbox.wait(READY, before=EXPLAIN + ISOLATED + BUILT + TERMINAL + LISTENER)
        self._inbox.wait(GONE, before=EXPLAIN)
        self._channel.close()
        if self._report >= 0:
            with open(self._report, "rb", buffering=0):
                raise_if_failed(self._report, self.setting.spec["process"]["args"][0])

    def _tell_go(self, state: State) -> None:
        try:
            self._channel.put(GO, state)
        except BrokenPipeError:
            return  # init has failed already. Its last message says why.

    def kill(self) -> None:
        """Kill init, whatever it is doing, and reap it."""
        if self.pid > 0:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def _explained(self, payload: bytes, _: list[int]) -> None:
        self.tell(marshal.loads(payload))

    def _take_terminal(self, _: bytes, descriptors: list[int]) -> None:
        self.master = descriptors[0]

    def _hand_over(self, _: bytes, descriptors: list[int]) -> None:
        from mydocker.runtime import listener as seccomp_listener

        seccomp_listener.hand_over(descriptors[0], self.setting.spec["linux"]["seccomp"], self.pid, self._state)


def _fork_into_pid_namespace() -> int:
    try:
        return os.fork()
    except OSError as error:
        why = " (or its pid namespace has ended, pid_namespaces(7))" if error.errno == ENOMEM else ""
        raise errors.StepFailed(f"fork: {error.strerror}{why}", error.errno or 0) from error
