"""Hooks: programs that config.json names for certain moments in a container's life (runtime-spec config.md, POSIX-platform Hooks).

    prestart, createRuntime   parent's namespaces, when the container's exist and its root is built    creating
    createContainer           the container's namespaces, before pivot_root                           creating
    startContainer            in the container, before its program                                    created
    poststart                 parent's namespaces, after its program was executed                     running
    poststop                  parent's namespaces, after the container was deleted                    stopped

Each hook gets the container's state as JSON on its standard input. The last column is the status in that state.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal wraps this one in enums, and takes time for it
import os
from errno import EAGAIN, EPIPE
from select import POLLIN, POLLOUT, poll
from time import monotonic

from mydocker import leanjson
from mydocker.errors import BadInput, StepFailed
from mydocker.steps.base import Step, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import State
    from mydocker.runtime.spec import Hook, Spec

STATUS = {
    "prestart": "creating",
    "createRuntime": "creating",
    "createContainer": "creating",
    "startContainer": "created",
    "poststart": "running",
    "poststop": "stopped",
}
_KEPT_OUTPUT = 4096


def hooks(spec: Spec, kind: str, state: State) -> list[Step]:
    """Return the steps that run the hooks of one moment, in their order.

    kind: the moment, a key of STATUS.
    state: the container's state. The hooks get it with the status of this moment.
    """
    told: State = {**state, "status": STATUS[kind]}
    return [RunHook(kind, hook, told) for hook in spec.get("hooks", {}).get(kind, [])]


def check_hooks(spec: Spec) -> None:
    """Check all hooks. Raises BadInput for a hook that could never be run."""
    for kind in STATUS:
        for hook in spec.get("hooks", {}).get(kind, []):
            if not hook["path"].startswith("/"):
                raise BadInput(f"{kind} hook {hook['path']!r}: expected an absolute path")
            if "timeout" in hook and hook["timeout"] <= 0:
                raise BadInput(f"{kind} hook timeout {hook['timeout']!r}: expected seconds greater than 0")


class RunHook(Step):
    """Run one hook and wait until it ends. An exit status other than 0 and a timeout are failures, which end the operation."""

    kind: str  # the moment, a key of STATUS
    hook: Hook  # its timeout is in seconds
    state: State  # what the hook is told

    def apply(self) -> None:
        pid, stdin, output = self._spawn()
        said = b""
        try:
            said = _talk(stdin, output, leanjson.dumps(self.state).encode(), self._deadline())
        except TimeoutError as error:
            os.kill(pid, 9)
            raise StepFailed(f"{self.describe()}: still running after {self.hook['timeout']} seconds") from error
        finally:
            os.close(output)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            reason = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
            raise StepFailed(f"{self.describe()}: {reason}: {said.decode(errors='replace').strip() or 'no output'}")

    def _deadline(self) -> float:
        return monotonic() + self.hook["timeout"] if self.hook.get("timeout") else float("inf")

    def _spawn(self) -> tuple[int, int, int]:
        theirs_in, stdin = os.pipe()
        output, theirs_out = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
                for number, descriptor in ((0, theirs_in), (1, theirs_out), (2, theirs_out)):
                    os.dup2(descriptor, number)
                environment = dict(pair.split("=", 1) for pair in self.hook["env"] if "=" in pair)
                os.execve(self.hook["path"], self.hook["args"] or [self.hook["path"]], environment)
            except OSError as error:
                os.write(2, f"{error.strerror}\n".encode())
            finally:
                os._exit(127)
        os.close(theirs_in)
        os.close(theirs_out)
        return pid, stdin, output

    def describe(self) -> str:
        return f"{self.kind} hook {command(self.hook['path'], *self.hook['args'][1:])}"


def _talk(stdin: int, output: int, state: bytes, deadline: float) -> bytes:
    """Write a hook's input and return the end of its output, when it has closed that.

    state: the hook's input.
    deadline: a time of the monotonic clock, or infinity.

    Raises TimeoutError at the deadline.
    """
    said = b""
    poller = poll()
    os.set_blocking(stdin, False)
    poller.register(output, POLLIN)
    poller.register(stdin, POLLOUT)
    try:
        while True:
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError
            for descriptor, _ in poller.poll(None if left == float("inf") else left * 1000):
                if descriptor == stdin:
                    state = _feed(stdin, state)
                    if not state:
                        poller.unregister(stdin)
                        os.close(stdin)
                        stdin = -1
                else:
                    data = os.read(output, 65536)
                    said = (said + data)[-_KEPT_OUTPUT:]
                    if not data:
                        return said
    finally:
        if stdin >= 0:
            os.close(stdin)


def _feed(stdin: int, data: bytes) -> bytes:
    """Write as much as fits into the pipe and return the rest. Nothing is left if the hook has closed its input."""
    try:
        return data[os.write(stdin, data) :]
    except OSError as error:
        if error.errno == EAGAIN:
            return data
        if error.errno == EPIPE:
            return b""
        raise
