"""prctl(2): what a process decides about itself, one option each."""

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
PR_CAP_AMBIENT_CLEAR_ALL = 4


def _prctl(option: int, value: int = 0, third: int = 0, subject: str | None = None) -> int:
    # The kernel refuses some options (EINVAL) unless the arguments they do not use are zero.
    return call("prctl", option, value, third, 0, 0, subject=subject)


def set_dumpable(dumpable: bool) -> None:
    """Say whether others of the same user may ptrace this process and open its /proc/PID files; execve resets it."""
    _prctl(PR_SET_DUMPABLE, int(dumpable))


def set_keepcaps(keep: bool) -> None:
    """Keep the permitted set when setuid leaves uid 0; execve resets it."""
    _prctl(PR_SET_KEEPCAPS, int(keep))


def set_no_new_privs() -> None:
    """Let no execve grant what this process cannot do (set-user-ID, file capabilities); cannot be taken back."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def in_bounding_set(capability: int) -> bool:
    """Say whether a capability is in the bounding set. Raises OSError (EINVAL) for a number the kernel lacks."""
    return _prctl(PR_CAPBSET_READ, capability, subject=f"capability {capability}") == 1


def bounding_set() -> list[int]:
    """Return the capabilities in the bounding set. The kernel says itself where they end: a container need not have a /proc."""
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
    """Take a capability out of the bounding set; needs CAP_SETPCAP."""
    _prctl(PR_CAPBSET_DROP, capability, subject=f"capability {capability}")


def clear_ambient_set() -> None:
    """Empty the ambient set."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def raise_ambient(capability: int) -> None:
    """Add a capability, both permitted and inheritable, to the ambient set, which survives execve of any program."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, subject=f"capability {capability}")


def set_name(name: str) -> None:
    """Set what /proc/self/comm and ps show, at most 15 bytes."""
    call("prctl", PR_SET_NAME, name[:15], 0, 0, 0)


def set_child_subreaper() -> None:
    """Become the parent of orphaned descendants."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_parent_death_signal(signal: int) -> None:
    """Ask for a signal when the parent dies; 0 for none."""
    _prctl(PR_SET_PDEATHSIG, signal)


def may_set_groups(proc: str = "/proc") -> bool:
    """Say whether this user namespace allows setgroups(2), user_namespaces(7); so it is taken to be where no /proc says otherwise."""
    try:
        with open(f"{proc}/self/setgroups") as file:
            return file.read().strip() == "allow"
    except FileNotFoundError:
        return True


def set_fs_ids(uid: int, gid: int) -> None:
    """Set who this process is to file systems, without losing the capabilities that setfsuid(2) takes from anybody but 0."""
    held = capabilities.mask(capabilities.available())
    call("setfsgid", gid)
    call("setfsuid", uid)
    capabilities.capset(held, held, 0)
