"""Hooks: programs that config.json names for certain moments in a container's life (runtime-spec config.md, POSIX-platform Hooks).

    prestart, createRuntime   parent's namespaces, when the container's exist and its root is built    created, creating
    createContainer           the container's namespaces, before pivot_root                           creating
    startContainer            in the container, before its program                                    created
    poststart                 parent's namespaces, after its program was executed                     running
    poststop                  parent's namespaces, after the container was deleted                    stopped

Each hook gets the container's state as JSON on its standard input, with the status of the last column: prestart `created`, because before
version 1.1 it came after create. The hooks of create run in the bundle, createContainer's in the root file system, as runc has it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module signal wraps this one in enums, and takes time for it
import os
from select import POLLIN, poll
from time import monotonic

from mydocker import leanjson
from mydocker.errors import StepFailed
from mydocker.kernel.programs import text_file
from mydocker.steps.base import Step, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import State
    from mydocker.runtime.spec import Hook, Spec

STATUS = {
    "prestart": "created",
    "createRuntime": "creating",
    "createContainer": "creating",
    "startContainer": "created",
    "poststart": "running",
    "poststop": "stopped",
}
_KEPT_OUTPUT = 4096


def hooks(spec: Spec, kind: str, state: State, directory: str = "") -> list[Step]:
    """Return the steps that run the hooks of one moment, in their order.

    kind: the moment, a key of STATUS.
    state: the container's state. The hooks get it with the status of this moment.
    directory: the working directory of the hooks, or '' for that of this process.
    """
    told: State = {**state, "status": STATUS[kind]}
    return [RunHook(kind, hook, told, directory) for hook in spec.get("hooks", {}).get(kind, [])]


class RunHook(Step):
    """Run one hook and wait until it ends. An exit status other than 0 and a timeout are failures, which end the operation."""

    kind: str  # the moment, a key of STATUS
    hook: Hook  # its timeout is in seconds
    state: State  # what the hook is told
    directory: str  # its working directory, or '' for that of this process

    def apply(self) -> None:
        pid, output = self._spawn()
        said = b""
        try:
            said = _read(output, monotonic() + self.hook.get("timeout", float("inf")))
        except TimeoutError as error:
            os.kill(pid, 9)
            raise StepFailed(f"error running hook: {self.describe()}: still running after {self.hook['timeout']} seconds") from error
        finally:
            os.close(output)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            reason = f"ended by signal: {str(_signal.strsignal(-status)).lower()}" if status < 0 else f"exit status {status}"
            raise StepFailed(f"error running hook: {self.describe()}: {reason}: {said.decode(errors='replace').strip() or 'no output'}")

    def _spawn(self) -> tuple[int, int]:
        output, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
                for number, descriptor in ((0, text_file(leanjson.dumps(self.state))), (1, theirs), (2, theirs)):
                    os.dup2(descriptor, number)
                os.chdir(self.directory or ".")
                os.execve(self.hook["path"], self.hook["args"] or [self.hook["path"]], self._environment())
            except OSError as error:
                os.write(2, f"{error.strerror}\n".encode())
            finally:
                os._exit(127)
        os.close(theirs)
        return pid, output

    def _environment(self) -> dict[str, str]:
        """Return the hook's environment. If config.json says nothing of it, it is this process's own."""
        return dict(pair.split("=", 1) for pair in self.hook["env"] if "=" in pair) if "env" in self.hook else dict(os.environ)

    def describe(self) -> str:
        return f"{self.kind} hook {command(self.hook['path'], *self.hook['args'][1:])}"


def _read(output: int, deadline: float) -> bytes:
    """Return the end of a hook's output, when it has closed that.

    deadline: a time of the monotonic clock, or infinity.

    Raises TimeoutError at the deadline.
    """
    said = b""
    poller = poll()
    poller.register(output, POLLIN)
    while (left := deadline - monotonic()) > 0:
        if poller.poll(None if left == float("inf") else left * 1000):
            data = os.read(output, 65536)
            if not data:
                return said
            said = (said + data)[-_KEPT_OUTPUT:]
    raise TimeoutError
