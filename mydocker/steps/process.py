"""Steps on the process itself: its limits, its user, its working directory and, at last, its program."""

from __future__ import annotations

import errno
import os
import resource

from mydocker.errors import BadInput, CommandNotExecutable, CommandNotFound, StepFailed
from mydocker.kernel import process, trampoline
from mydocker.kernel.files import Allowing
from mydocker.kernel.libc import syscall
from mydocker.steps.base import Step, command, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.steps.confinement import LoadSeccomp

_KEYCTL_JOIN_SESSION_KEYRING = 1


class SetRlimit(Step):
    """Limit one resource of this process, by setrlimit(2)."""

    kind: str  # for example 'RLIMIT_NOFILE'
    soft: int  # 2**64-1 means no limit
    hard: int  # 2**64-1 means no limit

    def apply(self) -> None:
        number = getattr(resource, self.kind, None)
        if number is None:
            raise BadInput(f"unknown resource limit {self.kind!r}")
        soft, hard = (resource.RLIM_INFINITY if value == 2**64 - 1 else value for value in (self.soft, self.hard))
        try:
            resource.setrlimit(number, (soft, hard))
        except ValueError as error:
            hint = "raising a hard limit needs CAP_SYS_RESOURCE"
            raise StepFailed(f"{self.describe()}: {error}", errno.EPERM, hint) from error

    def describe(self) -> str:
        return f"setrlimit {self.kind} {self.soft}:{self.hard}"

    def shell(self) -> str:
        soft, hard = ("unlimited" if value == 2**64 - 1 else str(value) for value in (self.soft, self.hard))
        return f"prlimit --pid $$ --{self.kind.removeprefix('RLIMIT_').lower()}={soft}:{hard}"


class NewSession(Step):
    """Start a new session by setsid(2), so that no terminal of the host controls this process."""

    __slots__ = ()

    def apply(self) -> None:
        os.setsid()

    def describe(self) -> str:
        return "setsid"


class NewSessionKeyring(Step):
    """Leave the host's session keyring for a new one, by keyctl(2). On a kernel without keyrings nothing is done."""

    name: str  # of the new keyring

    def apply(self) -> None:
        with Allowing(errno.ENOSYS, errno.EPERM):
            syscall("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, self.name, 0, 0, 0, subject=self.name)

    def describe(self) -> str:
        return f"join a new session keyring {quote(self.name)}"


class SetUmask(Step):
    """Set this process's umask."""

    mask: int

    def apply(self) -> None:
        os.umask(self.mask)

    def describe(self) -> str:
        return f"umask {self.mask:04o}"

    shell = describe


class ResetSignals(Step):
    """Give signals their default dispositions and unblock them, because execve(2) keeps what is ignored and blocked."""

    __slots__ = ()

    def apply(self) -> None:
        import _signal  # type: ignore[import-not-found]  # what the signal module wraps in enums

        for number in _signal.valid_signals():
            # SIGKILL, SIGSTOP and the two real-time signals that libc keeps for itself cannot be set.
            if number not in (9, 19, 32, 33):
                _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [])

    def describe(self) -> str:
        return "reset signal dispositions and mask"


class CloseOnExec(Step):
    """Mark descriptors close-on-exec, so that none of the host's gets into the container (CVE-2024-21626)."""

    preserved: int = 0  # so many descriptors from 3 on are left out

    def apply(self) -> None:
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 + self.preserved:
                with Allowing(errno.EBADF):  # It was the directory's own descriptor, which is closed by now.
                    os.set_inheritable(int(name), False)

    def describe(self) -> str:
        return f"set FD_CLOEXEC on every descriptor above {2 + self.preserved}"


class ChangeDirectory(Step):
    """Set the working directory inside the container by chdir(2). It must lie inside the root."""

    path: str

    def apply(self) -> None:
        os.chdir(self.path)
        # getcwd(2) has no path for a directory outside of the root (CVE-2024-21626).
        try:
            inside = os.getcwd().startswith("/")
        except FileNotFoundError:
            inside = False
        if not inside:
            raise BadInput(f"working directory {self.path!r} is outside of the container's root")

    def describe(self) -> str:
        return f"chdir {quote(self.path)}"


class SetUser(Step):
    """Set this process's user and groups, by setgroups(2), setresgid(2) and setresuid(2)."""

    uid: int
    gid: int
    groups: list[int]  # the supplementary ones
    keep: bool = False  # whether the supplementary groups stay as they are instead

    def apply(self) -> None:
        if not self.keep and (self.groups or process.may_set_groups()):
            os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)

    def describe(self) -> str:
        return f"setgroups {'as they are' if self.keep else self.groups}, setgid {self.gid}, setuid {self.uid}"


class Exec(Step):
    """Execute the container's program by way of kernel/trampoline.py. A name without a slash is looked up in the container's PATH.

    A program that is missing or not executable is found out before, because then it can be told in words.
    """

    args: list[str]  # the first is the program
    environment: list[str]  # 'NAME=VALUE' each
    report: int = -1  # this and the next one are as trampoline.execute() takes them
    gate: int = -1
    load: LoadSeccomp | None = None  # the filter that the trampoline loads

    def variables(self) -> dict[str, str]:
        """Return the environment as a mapping. If a variable is set twice, the later value wins."""
        return dict(pair.split("=", 1) for pair in self.environment if "=" in pair)

    def apply(self) -> None:
        loaded = self.load.for_trampoline() if self.load else None
        try:
            trampoline.execute(self.found(), self.args, self.variables(), self.report, self.gate, loaded)
        except OSError as error:
            raise failed_exec(self.args[0], error.errno or 0) from error

    def found(self) -> str:
        """Return the program's path. Raises CommandNotFound or CommandNotExecutable."""
        name = self.args[0]
        if "/" not in name:
            return find_program(name, self.variables().get("PATH", ""))
        try:
            if os.access(name, os.X_OK, effective_ids=True) and not os.path.isdir(name):
                return name
            os.stat(name)
        except OSError as error:
            raise failed_exec(name, error.errno or 0) from error
        raise failed_exec(name, errno.EACCES)

    def describe(self) -> str:
        return f"execve {command(*self.args)}"


def failed_exec(name: str, number: int) -> CommandNotFound | CommandNotExecutable:
    """Return the error for a program that execve(2) refused with an errno. Callers of OCI runtimes look for its words."""
    text = f"exec: {name!r}: {os.strerror(number).lower()}"
    return (CommandNotFound if number in (errno.ENOENT, errno.ENOTDIR) else CommandNotExecutable)(text)


def find_program(name: str, search: str) -> str:
    """Return the path of a program, looked for in the directories of a PATH. Raises CommandNotFound or CommandNotExecutable."""
    candidates = [path for directory in search.split(":") if os.path.isfile(path := f"{directory or '.'}/{name}")]
    for candidate in candidates:
        if os.access(candidate, os.X_OK, effective_ids=True):
            return candidate
    if candidates:
        raise CommandNotExecutable(f"exec: {name!r}: permission denied")
    raise CommandNotFound(f"exec: {name!r}: executable file not found in $PATH")
