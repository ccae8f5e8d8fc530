"""Steps that take privileges away from a process, for good.

Their order matters. It is runc's order:
 1. SetNoNewPrivileges, if the container asks for it. With it, a process without privileges may load a filter.
 2. LoadSeccomp, if no_new_privs is NOT set. The kernel then wants CAP_SYS_ADMIN, which the steps 3 to 5 take away. The filter
    must let the remaining steps pass (capset, prctl, setgroups, setresuid, execve), as the default profile does.
 3. DropBoundingSet, while the effective set still has CAP_SETPCAP.
 4. SetKeepCapabilities, and then setgroups, setgid and setuid. Without it, leaving uid 0 would clear the permitted set.
 5. SetCapabilities: capset, and then the ambient set, which takes only what is permitted and inheritable by now.
 6. WriteAttr: the AppArmor profile or the SELinux label that the next execve enters.
 7. LoadSeccomp, if no_new_privs is set. It is as late as can be, so that the filter sees only write, close and execve.
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
    """Return capabilities as describe() writes them, such as 'chown,net_raw', or 'none' if there are none."""
    return ",".join(name.removeprefix("CAP_").lower() for name in names) or "none"


def only(names: Iterable[str]) -> str:
    """Return what setpriv(1) takes for a set of exactly these capabilities, such as '-all,+chown,+net_raw'."""
    return ",".join(["-all", *("+" + name.removeprefix("CAP_").lower() for name in names)])


class SetNoNewPrivileges(Step):
    """Let no execve(2) grant what this process may not do."""

    __slots__ = ()

    def apply(self) -> None:
        process.set_no_new_privs()

    def describe(self) -> str:
        return "prctl PR_SET_NO_NEW_PRIVS"

    def shell(self) -> str:
        return "# setpriv --no-new-privs, before the command"


class SetKeepCapabilities(Step):
    """Keep the permitted set when setuid(2) leaves uid 0, until execve(2)."""

    __slots__ = ()

    def apply(self) -> None:
        process.set_keepcaps(True)

    def describe(self) -> str:
        return "prctl PR_SET_KEEPCAPS"


class DropBoundingSet(Step):
    """Take every capability out of the bounding set except those to keep. No execve(2) can give them back."""

    keep: list[str]  # names of capabilities

    def apply(self) -> None:
        keep = capabilities.mask(self.keep)
        # To drop a capability that is not there would need CAP_SETPCAP all the same.
        for number in process.bounding_set():
            if not keep >> number & 1:
                process.drop_from_bounding_set(number)

    def describe(self) -> str:
        return f"prctl PR_CAPBSET_DROP all but {words(self.keep)}"

    def shell(self) -> str:
        return f"# setpriv --bounding-set {only(self.keep)}, before the command"


class SetCapabilities(Step):
    """Set this process's sets of capabilities by capset(2), and then its ambient set. The fields are OCI's `process.capabilities`."""

    effective: list[str]
    permitted: list[str]
    inheritable: list[str]
    ambient: list[str]

    @classmethod
    def from_oci(cls, sets: Mapping[str, list[str]]) -> SetCapabilities:
        """Return the step for `process.capabilities`. A set that is absent is empty."""
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
    """Install a compiled seccomp filter on this process."""

    program: bytes  # classic BPF, see kernel/seccomp.py
    flags: int = 0  # as kernel.seccomp.load takes them
    channel: Channel | None = None  # where the listener of a filter that has one is sent at once, as LISTENER

    def apply(self) -> None:
        listener = seccomp.load(self.program, self.flags)
        if self.flags & seccomp.SECCOMP_FILTER_FLAG_NEW_LISTENER and self.channel:
            self.channel.send(LISTENER, b"", (listener,))
            os.close(listener)

    def describe(self) -> str:
        count = len(self.program) // seccomp.INSTRUCTION_SIZE
        return f"seccomp SECCOMP_SET_MODE_FILTER flags {seccomp.describe_flags(self.flags)}, {count} instructions"


class WriteAttr(Step):
    """Write what a security module applies at the next execve(2) to its file `exec` in PROC/self/attr."""

    module: str  # 'apparmor' or 'selinux'
    value: str
    proc: str = "/proc"

    @property
    def path(self) -> str:
        """The file to write. AppArmor has a directory of its own since Linux 5.8; SELinux has the old names."""
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
    """Return the step that makes the next execve(2) enter an AppArmor profile. Raises Unsupported if AppArmor is not enabled."""
    if not apparmor_enabled(sys):
        raise Unsupported(f"apparmor profile {profile!r}: apparmor is not enabled in this kernel")
    return WriteAttr("apparmor", f"exec {profile}", proc)


def apparmor_enabled(sys: str = "/sys") -> bool:
    """Say whether the kernel enforces AppArmor profiles."""
    return _first_character(f"{sys}/module/apparmor/parameters/enabled") == "Y"


def selinux_exec(label: str, sys: str = "/sys", proc: str = "/proc") -> WriteAttr:
    """Return the step that makes the next execve(2) set an SELinux label. Raises Unsupported if SELinux is not enabled."""
    if not selinux_enabled(sys):
        raise Unsupported(f"selinux label {label!r}: selinux is not enabled in this kernel")
    return WriteAttr("selinux", label, proc)


def selinux_enabled(sys: str = "/sys") -> bool:
    """Say whether SELinux is enabled: the kernel enforces its labels, or only reports what it would forbid."""
    return os.path.exists(f"{sys}/fs/selinux/enforce")


def default_apparmor_profile(sys: str = "/sys") -> str | None:
    """Return 'docker-default' if that profile is loaded, or None. Without it, a container is unconfined."""
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
