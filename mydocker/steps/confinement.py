"""Steps that take privileges away from a process, for good.

Their order matters (runc's order, and why):
 1. SetNoNewPrivileges, when the container asks for it, so that 2 works for a process that is not privileged.
 2. LoadSeccomp here if no_new_privs is NOT set: the kernel then wants CAP_SYS_ADMIN, which 3 to 6 take away. The filter must
    let the remaining steps pass (capset, prctl, setgroups, setresuid, execve), as the default profile does.
 3. DropBoundingSet, while the effective set still has CAP_SETPCAP.
 4. SetKeepCapabilities, then setgroups, setgid, setuid: leaving uid 0 would clear the permitted set without it.
 5. SetCapabilities: capset, and then the ambient set, which takes only what is permitted and inheritable by now.
 6. WriteAttr: the AppArmor profile or SELinux label that the next execve enters.
 7. LoadSeccomp here if no_new_privs is set: as late as can be, so that the filter sees only write, close and execve.
"""

from __future__ import annotations

import os

from mydocker.errors import Unsupported
from mydocker.kernel import capabilities, process, seccomp
from mydocker.messages import LISTENER
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mydocker.kernel.channel import Channel


def words(names: Iterable[str]) -> str:
    """Return capabilities as setpriv(1) and describe() write them: 'chown,net_raw', 'none' for none."""
    return ",".join(name.removeprefix("CAP_").lower() for name in names) or "none"


def only(names: Iterable[str]) -> str:
    """Return setpriv(1)'s value for a set of exactly these capabilities: '-all,+chown,+net_raw'."""
    return ",".join(["-all", *("+" + name.removeprefix("CAP_").lower() for name in names)])


class SetNoNewPrivileges(Step):
    """PR_SET_NO_NEW_PRIVS."""

    __slots__ = ()

    def apply(self) -> None:
        process.set_no_new_privs()

    def describe(self) -> str:
        return "prctl PR_SET_NO_NEW_PRIVS"

    def shell(self) -> str:
        return "# setpriv --no-new-privs, before the command"


class SetKeepCapabilities(Step):
    """PR_SET_KEEPCAPS: setuid away from 0 leaves the permitted set alone, until execve."""

    __slots__ = ()

    def apply(self) -> None:
        process.set_keepcaps(True)

    def describe(self) -> str:
        return "prctl PR_SET_KEEPCAPS"


class DropBoundingSet(Step):
    """PR_CAPBSET_DROP of every capability the kernel has but those to keep: no execve can give them back."""

    keep: list[str]

    def apply(self) -> None:
        keep = capabilities.mask(self.keep)
        # Dropping what is not there would still ask for CAP_SETPCAP.
        for number in process.bounding_set():
            if not keep >> number & 1:
                process.drop_from_bounding_set(number)

    def describe(self) -> str:
        return f"prctl PR_CAPBSET_DROP all but {words(self.keep)}"

    def shell(self) -> str:
        return f"# setpriv --bounding-set {only(self.keep)}, before the command"


class SetCapabilities(Step):
    """capset(2) and the ambient set. The arguments are OCI's `process.capabilities`, each a list of names."""

    effective: list[str]
    permitted: list[str]
    inheritable: list[str]
    ambient: list[str]

    @classmethod
    def from_oci(cls, sets: Mapping[str, list[str]]) -> SetCapabilities:
        """Make the step from `process.capabilities`; a set that is absent is empty."""
        return cls(*(sets.get(name) or [] for name in cls.__slots__))

    def apply(self) -> None:
        mask = capabilities.mask
        capabilities.capset(mask(self.effective), mask(self.permitted), mask(self.inheritable))
        process.clear_ambient_set()
        for name in self.ambient:
            process.raise_ambient(capabilities.NUMBERS[name])

    def describe(self) -> str:
        sets = (f"{name} {words(getattr(self, name))}" for name in self.__slots__)
        return f"capset {' '.join(sets)}"

    def shell(self) -> str:
        return f"# setpriv --inh-caps {only(self.inheritable)} --ambient-caps {only(self.ambient)}, before the command"


class LoadSeccomp(Step):
    """seccomp(2) SECCOMP_SET_MODE_FILTER with a compiled program; `flags` as kernel.seccomp.load takes them.

    channel: where the listener of a filter that has one goes at once, as LISTENER.
    """

    program: bytes
    flags: int = 0
    channel: Channel | None = None

    def apply(self) -> None:
        listener = seccomp.load(self.program, self.flags)
        if self.flags & seccomp.SECCOMP_FILTER_FLAG_NEW_LISTENER and self.channel:
            self.channel.send(LISTENER, b"", (listener,))
            os.close(listener)

    def describe(self) -> str:
        count = len(self.program) // seccomp.INSTRUCTION_SIZE
        return f"seccomp SECCOMP_SET_MODE_FILTER flags {seccomp.describe_flags(self.flags)}, {count} instructions"


class WriteAttr(Step):
    """Write what a security module applies at the next execve to PROC/self/attr (AppArmor's or SELinux's `exec`)."""

    module: str
    value: str
    proc: str = "/proc"

    @property
    def path(self) -> str:
        """The file to write: since Linux 5.8 AppArmor has a directory of its own, SELinux has the old names."""
        own = f"{self.proc}/self/attr/{self.module}/exec"
        return own if os.path.exists(own) else f"{self.proc}/self/attr/exec"

    def apply(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, self.value.encode())
        finally:
            os.close(descriptor)

    def describe(self) -> str:
        return f"write {quote(self.value)} to {self.module}'s /proc/self/attr exec"

    def shell(self) -> str:
        return f"printf %s {quote(self.value)} > /proc/$$/attr/exec"


def apparmor_exec(profile: str, sys: str = "/sys", proc: str = "/proc") -> WriteAttr:
    """Return the step that makes the next execve enter a profile. Raises Unsupported where AppArmor is not enabled."""
    if not apparmor_enabled(sys):
        raise Unsupported(f"apparmor profile {profile!r}: apparmor is not enabled in this kernel")
    return WriteAttr("apparmor", f"exec {profile}", proc)


def apparmor_enabled(sys: str = "/sys") -> bool:
    """Say whether the kernel enforces AppArmor profiles."""
    return _first_character(f"{sys}/module/apparmor/parameters/enabled") == "Y"


def selinux_exec(label: str, sys: str = "/sys", proc: str = "/proc") -> WriteAttr:
    """Return the step that gives the next execve an SELinux label. Raises Unsupported where SELinux is not enabled."""
    if not selinux_enabled(sys):
        raise Unsupported(f"selinux label {label!r}: selinux is not enabled in this kernel")
    return WriteAttr("selinux", label, proc)


def selinux_enabled(sys: str = "/sys") -> bool:
    """Say whether the kernel enforces or watches SELinux labels."""
    return os.path.exists(f"{sys}/fs/selinux/enforce")


def default_apparmor_profile(sys: str = "/sys") -> str | None:
    """Return 'docker-default' where that profile is loaded, None elsewhere: then a container is unconfined."""
    if not apparmor_enabled(sys):
        return None
    try:
        with open(f"{sys}/kernel/security/apparmor/profiles") as file:
            loaded = [line.split(" ", 1)[0] for line in file]
    except FileNotFoundError:
        return None
    return "docker-default" if "docker-default" in loaded else None


def _first_character(path: str) -> str:
    try:
        with open(path) as file:
            return file.read(1)
    except FileNotFoundError:
        return ""
