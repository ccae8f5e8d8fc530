"""What a process decides about itself. Most of it is prctl(2), with a function for each option."""

from __future__ import annotations

from errno import EINVAL

from mydocker.kernel import capabilities
from mydocker.kernel.libc import call

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_LOWER = 3
PR_CAP_AMBIENT_CLEAR_ALL = 4


def _prctl(option: int, value: int = 0, third: int = 0, subject: str | None = None) -> int:
    # The kernel refuses some options (EINVAL) unless the arguments that they do not use are zero.
    return call("prctl", option, value, third, 0, 0, subject=subject)


def set_dumpable(dumpable: bool) -> None:
    """Set whether other processes of the same user may ptrace this one and open its files in /proc/PID. execve(2) resets this."""
    _prctl(PR_SET_DUMPABLE, int(dumpable))


def set_keepcaps(keep: bool) -> None:
    """Set whether the permitted set is kept when setuid(2) leaves uid 0. execve(2) resets this."""
    _prctl(PR_SET_KEEPCAPS, int(keep))


def set_no_new_privs() -> None:
    """Let no execve(2) grant what this process may not do (set-user-ID bits, file capabilities). This cannot be taken back."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def in_bounding_set(capability: int) -> bool:
    """Say whether a capability is in the bounding set. Raises OSError (EINVAL) for a number that the kernel does not have."""
    return _prctl(PR_CAPBSET_READ, capability, subject=f"capability {capability}") == 1


def bounding_set() -> list[int]:
    """Return the numbers of the capabilities in the bounding set.

    The kernel itself is asked which is the last one, because a container need not have a /proc.
    """
    found = []
    for number in range(64):
        try:
            if in_bounding_set(number):
                found.append(number)
        except OSError as error:
            if error.errno != EINVAL:
                raise
            break
    return found


def drop_from_bounding_set(capability: int) -> None:
    """Take a capability out of the bounding set. This needs CAP_SETPCAP."""
    _prctl(PR_CAPBSET_DROP, capability, subject=f"capability {capability}")


def clear_ambient_set() -> None:
    """Empty the ambient set."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def raise_ambient(capability: int) -> None:
    """Add a capability to the ambient set, which survives execve(2) of any program. It must be permitted and inheritable already."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, subject=f"capability {capability}")


def set_name(name: str) -> None:
    """Set the name that /proc/self/comm and ps show. Only the first 15 bytes count."""
    call("prctl", PR_SET_NAME, name[:15], 0, 0, 0)


def set_child_subreaper() -> None:
    """Make this process the parent of those of its descendants whose own parent ends."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_parent_death_signal(signal: int) -> None:
    """Ask the kernel for a signal when this process's parent dies. 0 asks for none."""
    _prctl(PR_SET_PDEATHSIG, signal)


def may_set_groups(proc: str = "/proc") -> bool:
    """Say whether this user namespace allows setgroups(2), see user_namespaces(7). Without a /proc that says so, it counts as allowed."""
    try:
        with open(f"{proc}/self/setgroups") as file:
            return file.read().strip() == "allow"
    except FileNotFoundError:
        return True


def set_fs_ids(uid: int, gid: int) -> None:
    """Set the user and the group that this process is to file systems.

    setfsuid(2) takes some capabilities away from anybody but user 0. They are given back here.
    """
    held = capabilities.mask(capabilities.available())
    call("setfsgid", gid)
    call("setfsuid", uid)
    capabilities.capset(held, held, 0)
