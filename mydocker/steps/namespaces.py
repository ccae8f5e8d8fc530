"""Steps that move this process between namespaces, and that set what belongs to a namespace: host name, sysctls."""

from __future__ import annotations

import _socket
from fcntl import ioctl
from struct import pack, unpack

from mydocker.errors import BadInput
from mydocker.kernel import namespaces
from mydocker.kernel.chroot import receive_mounts
from mydocker.kernel.libc import call
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import WriteFile

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

# unshare(1)'s options.
_UNSHARE_WORDS = {
    namespaces.CLONE_NEWNS: "--mount",
    namespaces.CLONE_NEWUTS: "--uts",
    namespaces.CLONE_NEWIPC: "--ipc",
    namespaces.CLONE_NEWNET: "--net",
    namespaces.CLONE_NEWPID: "--pid",
    namespaces.CLONE_NEWCGROUP: "--cgroup",
    namespaces.CLONE_NEWUSER: "--user",
    namespaces.CLONE_NEWTIME: "--time",
}


class Unshare(Step):
    """Move this process into new namespaces, of one or more kinds, by unshare(2)."""

    flags: int  # CLONE_NEW*

    def apply(self) -> None:
        namespaces.unshare(self.flags)

    def describe(self) -> str:
        return f"unshare {'|'.join(namespaces.flag_words(self.flags))}"

    def shell_words(self) -> list[str]:
        """Return the unshare(1) command that the rest of the script has to run under."""
        words = [word for flag, word in _UNSHARE_WORDS.items() if self.flags & flag]
        if self.flags & namespaces.CLONE_NEWNS:
            words += ["--propagation", "unchanged"]
        if self.flags & namespaces.CLONE_NEWPID:
            words += ["--fork"]
        return ["unshare", *words]

    def shell(self) -> str:
        return command(*self.shell_words())


class JoinNamespace(Step):
    """Enter the namespace that a path names, by setns(2)."""

    path: str
    kind: str  # as the runtime specification names it: 'pid', 'network' and so on

    def apply(self) -> None:
        namespaces.setns(self.path, namespaces.NAMESPACES[self.kind][1])

    def describe(self) -> str:
        return f"setns to the {self.kind} namespace {quote(self.path)}"

    def shell_words(self) -> list[str]:
        """Return the nsenter(1) command that the rest of the script has to run under."""
        return ["nsenter", f"--{'net' if self.kind == 'network' else self.kind}={self.path}"]

    def shell(self) -> str:
        return command(*self.shell_words())


def may_return(kinds: list[str]) -> bool:
    """Say whether this process may enter its own namespaces again. It may not if another user namespace than its own owns them."""
    try:
        for kind in kinds:
            JoinNamespace(f"/proc/self/ns/{kind}", kind).apply()
    except PermissionError:
        return False
    return True


class ReceiveMounts(Step):
    """Make the mounts of a new mount namespace slaves of the host's. In a chroot, make that the namespace's root too."""

    __slots__ = ()

    def apply(self) -> None:
        receive_mounts()

    def describe(self) -> str:
        return "mount / flags MS_REC|MS_SLAVE"

    def shell(self) -> str:
        return "mount --make-rslave /  # mydocker makes a chroot the root of the namespace, too"


class BringUpLoopback(Step):
    """Set the interface lo up in a new network namespace (netdevice(7)). Until then not even 127.0.0.1 answers."""

    __slots__ = ()

    def apply(self) -> None:
        probe = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
        try:
            request = pack("16sH22x", b"lo", 0)
            flags = unpack("16sH22x", ioctl(probe.fileno(), _SIOCGIFFLAGS, request))[1]
            ioctl(probe.fileno(), _SIOCSIFFLAGS, pack("16sH22x", b"lo", flags | _IFF_UP))
        finally:
            probe.close()

    def describe(self) -> str:
        return "set the interface lo up"

    def shell(self) -> str:
        return "ip link set lo up"


class SetHostname(Step):
    """Set the host name of this process's UTS namespace, by sethostname(2)."""

    name: str
    call = "sethostname"

    def apply(self) -> None:
        name = self.name.encode()
        call(self.call, name, len(name), subject=self.name)

    def describe(self) -> str:
        return f"{self.call} {quote(self.name)}"

    def shell(self) -> str:
        return command("hostname", self.name)


class SetDomainname(SetHostname):
    """Set the NIS domain name of this process's UTS namespace, by setdomainname(2)."""

    __slots__ = ()
    call = "setdomainname"

    def shell(self) -> str:
        return f"printf %s {quote(self.name)} > /proc/sys/kernel/domainname"


class SetSysctl(WriteFile):
    """Write one kernel parameter of a namespace, while the host's own /proc is still there to write to (CVE-2025-52881)."""

    __slots__ = ("key",)

    def __init__(self, key: str, value: str) -> None:
        self.key = key
        # A name may hold dots (net.ipv4.conf.eth0/1.forwarding), which sysctl(8) writes as slashes.
        super().__init__("/proc/sys/" + key.translate({ord("."): "/", ord("/"): "."}), value)

    def apply(self) -> None:
        try:
            super().apply()
        except FileNotFoundError as error:
            raise BadInput(f"sysctl {self.key!r} does not exist in this kernel") from error
