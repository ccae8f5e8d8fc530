"""Steps that take privileges away from a process, for good.

Their order matters:
 1. CarrySysAdmin, if a filter is to be loaded without no_new_privs. The kernel then wants CAP_SYS_ADMIN, which the steps 2 to 4 take away.
 2. DropBoundingSet, while the effective set still has CAP_SETPCAP.
 3. SetKeepCapabilities, and then setgroups, setgid and setuid. Without it, leaving uid 0 would clear the permitted set.
 4. SetCapabilities: capset, and then the ambient set, which takes only what is permitted and inheritable by now.
 5. SetNoNewPrivileges, if the container asks for it. With it, a process without privileges may load a filter.
 6. LoadSeccomp, right before the program is executed. It is not a step that is applied: kernel/trampoline.py loads the filter. So a profile
    needs to allow nothing of ours but execve.

Some filters are loaded before: after step 5 with no_new_privs, before step 2 without. One with a listener, as the listener has to be sent.
One of a process with startContainer hooks, which have to be filtered too, and must not get CAP_SYS_ADMIN. And without no_new_privs one of
a process with an AppArmor profile or an SELinux label (WriteAttr), which the trampoline has already and which may forbid CAP_SYS_ADMIN.
"""

from __future__ import annotations

import os
from errno import ENOENT

from mydocker.errors import Unsupported
from mydocker.kernel import capabilities, process, seccomp
from mydocker.kernel.files import Held, content
from mydocker.kernel.trampoline import Filter
from mydocker.messages import LISTENER
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mydocker.kernel.channel import Channel

_SYS_ADMIN = 1 << capabilities.NUMBERS["CAP_SYS_ADMIN"]
_SETS = ("effective", "permitted", "inheritable", "ambient")


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
        process.prctl(process.PR_SET_NO_NEW_PRIVS, 1)

    def describe(self) -> str:
        return "prctl PR_SET_NO_NEW_PRIVS"

    def shell(self) -> str:
        return "# setpriv --no-new-privs, before the command"


class SetKeepCapabilities(Step):
    """Keep the permitted set when setuid(2) leaves uid 0, until execve(2)."""

    __slots__ = ()

    def apply(self) -> None:
        process.prctl(process.PR_SET_KEEPCAPS, 1)

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
                process.prctl(process.PR_CAPBSET_DROP, number, subject=f"capability {number}")

    def describe(self) -> str:
        return f"prctl PR_CAPBSET_DROP all but {words(self.keep)}"

    def shell(self) -> str:
        return f"# setpriv --bounding-set {only(self.keep)}, before the command"


class CarrySysAdmin(Step):
    """Make CAP_SYS_ADMIN inheritable, which is possible only as long as the bounding set has it. See kernel.trampoline.Filter."""

    __slots__ = ()

    def apply(self) -> None:
        effective, permitted, inheritable = capabilities.capget()
        capabilities.capset(effective, permitted, inheritable | _SYS_ADMIN)

    def describe(self) -> str:
        return "capset inheritable sys_admin, until the seccomp filter is loaded"


class SetCapabilities(Step):
    """Set this process's sets of capabilities by capset(2), and then its ambient set. The fields are OCI's `process.capabilities`."""

    effective: list[str]
    permitted: list[str]
    inheritable: list[str]
    ambient: list[str]
    carried: bool = False  # whether CAP_SYS_ADMIN is kept until the filter is loaded, see CarrySysAdmin

    @classmethod
    def from_oci(cls, sets: Mapping[str, list[str]], carried: bool = False) -> SetCapabilities:
        """Return the step for `process.capabilities`. A set that is absent is empty."""
        effective, permitted, inheritable, ambient = (sets.get(name) or [] for name in _SETS)
        return cls(effective, permitted, inheritable, ambient, carried)

    def apply(self) -> None:
        more = _SYS_ADMIN if self.carried else 0
        capabilities.capset(*(capabilities.mask(names) | more for names in (self.effective, self.permitted, self.inheritable)))
        process.prctl(process.PR_CAP_AMBIENT, process.PR_CAP_AMBIENT_CLEAR_ALL)
        for name in [*self.ambient, *(["CAP_SYS_ADMIN"] if self.carried and os.geteuid() else [])]:
            process.prctl(process.PR_CAP_AMBIENT, process.PR_CAP_AMBIENT_RAISE, capabilities.NUMBERS[name], subject=name)

    def after_exec(self) -> tuple[int, int]:
        """Return the sets (permitted and effective, inheritable) for the trampoline: what execve(2) leaves, and CAP_SYS_ADMIN."""
        inheritable = capabilities.mask(self.inheritable)
        root = inheritable | sum(1 << number for number in process.bounding_set())
        return (capabilities.mask(self.ambient) if os.geteuid() else root) | _SYS_ADMIN, inheritable

    def describe(self) -> str:
        sets = (f"{name} {words(getattr(self, name))}" for name in _SETS)
        return f"capset {' '.join(sets)}"

    def shell(self) -> str:
        return f"# setpriv --inh-caps {only(self.inheritable)} --ambient-caps {only(self.ambient)}, before the command"


class LoadSeccomp(Step):
    """Install a compiled seccomp filter on this process. Most often the trampoline does it, with what for_trampoline() returns."""

    program: bytes  # classic BPF, see kernel/seccomp.py
    flags: int = 0  # as kernel.seccomp.load takes them
    channel: Channel | None = None  # where the listener of a filter that has one is sent at once, as LISTENER
    sets: SetCapabilities | None = None  # the capabilities of the process whose trampoline loads the filter

    def apply(self) -> None:
        listener = seccomp.load(self.program, self.flags)
        if self.flags & seccomp.SECCOMP_FILTER_FLAG_NEW_LISTENER and self.channel:
            self.channel.send(LISTENER, b"", (listener,))
            os.close(listener)

    def for_trampoline(self) -> Filter:
        """Return the filter as the trampoline takes it. This process must have its capabilities by now."""
        assert self.sets
        held = self.sets.after_exec() if self.sets.carried else None
        ambient = os.geteuid() != 0 and "CAP_SYS_ADMIN" not in self.sets.ambient
        return Filter(program=self.program, flags=self.flags, words=self.describe(), held=held, ambient=ambient)

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
        with Held(os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)) as descriptor:
            os.write(descriptor, self.value.encode())

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
    return content(f"{sys}/module/apparmor/parameters/enabled", ENOENT).startswith("Y")


def selinux_exec(label: str, sys: str = "/sys", proc: str = "/proc") -> WriteAttr:
    """Return the step that makes the next execve(2) set an SELinux label. Raises Unsupported if SELinux is not enabled."""
    if not selinux_enabled(sys):
        raise Unsupported(f"selinux label {label!r}: selinux is not enabled in this kernel")
    return WriteAttr("selinux", label, proc)


def selinux_enabled(sys: str = "/sys") -> bool:
    """Say whether SELinux is enabled: the kernel enforces its labels, or only reports what it would forbid."""
    return os.path.exists(f"{sys}/fs/selinux/enforce")
