"""Forwarding between the host's interfaces: the kernel must do it, and the rules of others must not forbid it to our bridges.

docker, ufw and firewalld have forward chains of their own, and the policy of these chains is drop. A packet has to pass every chain, so it
is not enough that ours accepts it. We add a rule for each direction of a bridge to their chains, and remove these rules with the bridge.
"""

from __future__ import annotations

import os
from errno import EPERM

from mydocker.errors import StepFailed
from mydocker.kernel import netfilter, programs
from mydocker.network.iptables import OUR_CHAINS
from mydocker.steps.base import Step, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.netfilter import Chain

MARK = "mydocker"
_DIRECTIONS = ("oifname", "iifname")
_SYSCTLS = {4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding"}


class EnableForwarding(Step):
    """Make the kernel forward the packets of a family, 4 or 6. A file of ours (the note) remembers that it did not before."""

    __slots__ = ("path", "note")

    def __init__(self, proc: str, directory: str, family: int) -> None:
        name = _SYSCTLS[family]
        self.path = f"{proc}/sys/{name}"
        self.note = _note(directory, family)

    def apply(self) -> None:
        if read(self.path) != "0":
            return
        with open(self.note, "w") as file:
            file.write("0")
        _write(self.path, "1")

    def describe(self) -> str:
        return f"write 1 to {self.path}"

    def shell(self) -> str:
        return f"echo 1 > {self.path}"


def _note(directory: str, family: int) -> str:
    return f"{directory}/.{_SYSCTLS[family].replace('/', '.')}"


def switched_on(directory: str) -> list[int]:
    """Return the families, 4 and 6, whose forwarding was off before mydocker needed it."""
    return [family for family in _SYSCTLS if os.path.exists(_note(directory, family))]


def restore_sysctls(proc: str, directory: str, needed: set[int]) -> None:
    """Switch forwarding off for each family for which mydocker switched it on, if nobody can need it any more.

    needed: the families that networks of ours still need.
    """
    for family in switched_on(directory):
        if family not in needed:
            if not _others():
                _write(f"{proc}/sys/{_SYSCTLS[family]}", "0")
            os.unlink(_note(directory, family))


def _others() -> bool:
    """Say whether the host has interfaces between which somebody else may forward packets: bridges, veth pairs, tunnels."""
    from mydocker.kernel.route import Route

    with Route() as route:
        return any(link["kind"] not in ("", "dummy") and not link["alias"].startswith(MARK) for link in route.links())


def read(path: str) -> str:
    """Return the text of a kernel file, or '' if this kernel has no such file."""
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _write(path: str, value: str) -> None:
    with open(path, "w") as file:
        file.write(value)


class AcceptForwarding(Step):
    """Let the packets of a bridge pass a forward chain of somebody else, whose policy is drop."""

    __slots__ = ("family", "table", "chain", "bridge")

    def __init__(self, chain: Chain, bridge: str) -> None:
        self.family = chain.family
        self.table = chain.table
        self.chain = chain.name
        self.bridge = bridge

    def _lines(self) -> list[str]:
        into = f"insert rule {self.family} {self.table} {self.chain}"
        return [f'{into} {direction} "{self.bridge}" counter accept comment "{MARK}"' for direction in _DIRECTIONS]

    def apply(self) -> None:
        _nft("".join(f"{line}\n" for line in self._lines()))

    def describe(self) -> str:
        return "; ".join(f"nft {line}" for line in self._lines())

    def shell(self) -> str:
        return "nft -f - <<'END'\n" + "\n".join(self._lines()) + "\nEND"


def _nft(text: str) -> None:
    status, _, words = programs.call([programs.find("nft") or "/usr/sbin/nft", "-f", "-"], text)
    if status:
        raise StepFailed(f"nft: {words.partition(chr(10))[0]}")


class AcceptWithIptables(Step):
    """Do the same in the old iptables (iptables-legacy), whose rules nf_tables does not show."""

    program: str  # the path of iptables-legacy
    bridge: str

    def lines(self, action: str) -> list[list[str]]:
        """Return the command for each direction. action: -I, -C or -D."""
        mark = ["-m", "comment", "--comment", MARK, "-j", "ACCEPT"]
        return [[self.program, "--wait", action, "FORWARD", direction, self.bridge, *mark] for direction in ("-o", "-i")]

    def apply(self) -> None:
        for line in self.lines("-I"):
            status, _, words = programs.call(line)
            if status:
                raise StepFailed(f"{command(*line)}: {words.partition(chr(10))[0]}")

    def describe(self) -> str:
        return "; ".join(command(os.path.basename(line[0]), *line[1:]) for line in self.lines("-I"))

    def shell(self) -> str:
        return "\n".join(command(*line) for line in self.lines("-I"))


class AcceptUnknown(Step):
    """Do the same as AcceptForwarding where only root may list the chains. It stands in a plan that an ordinary user is told."""

    bridge: str

    def apply(self) -> None:
        raise PermissionError(EPERM, os.strerror(EPERM))

    def describe(self) -> str:
        return f"nft insert rules that accept {self.bridge} into forward chains of others that drop; only root can list those"


def accept_steps(bridge: str, proc: str) -> list[Step]:
    """Return a step for every chain of somebody else that drops forwarded packets and has no rule of ours for this bridge yet.

    A chain that leads to ours (iptables.py) needs none, and a rule before that would let in what ours drops.
    """
    try:
        return [*(_nft_steps(bridge) if programs.find("nft") else []), *_legacy_steps(bridge, proc)]
    except PermissionError:
        return [AcceptUnknown(bridge)]


def _nft_steps(bridge: str) -> list[Step]:
    return [
        AcceptForwarding(chain, bridge)
        for chain in netfilter.chains()
        if chain.does_drop and not chain.table.startswith(MARK) and not _handles(chain, bridge) and not _leads_to_ours(chain)
    ]


def _legacy_steps(bridge: str, proc: str) -> list[Step]:
    program = _legacy_program(proc)
    rules = programs.call([program, "--wait", "-S", "FORWARD"])[1] if program else ""
    if "-P FORWARD DROP" not in rules or f"-j {OUR_CHAINS}-" in rules:
        return []
    step = AcceptWithIptables(program, bridge)
    return [step] if any(programs.call(line)[0] for line in step.lines("-C")) else []


def _legacy_program(proc: str) -> str:
    """Return the path of the old iptables if its filter table is in use, or ''."""
    in_use = "filter" in read(f"{proc}/net/ip_tables_names").split()
    return (programs.find("iptables-legacy") or programs.find("iptables")) if in_use else ""


def _leads_to_ours(chain: Chain) -> bool:
    return any(f"{OUR_CHAINS}-".encode() in raw for _, raw in netfilter.rules(chain))


def _handles(chain: Chain, bridge: str) -> list[int]:
    """Return the kernel's numbers (handles) of our rules for a bridge in a chain."""
    name = bridge.encode() + b"\0"
    return [handle for handle, raw in netfilter.rules(chain) if name in raw and MARK.encode() in raw]


def accepted(chain: Chain) -> set[str]:
    """Return the bridges for which a chain has rules of ours."""
    found = set()
    for _, raw in netfilter.rules(chain):
        if MARK.encode() in raw:
            found |= {name for name in _names(raw) if name.startswith(("mb", MARK))}
    return found


def accepted_by_iptables(proc: str) -> set[str]:
    """Return the bridges for which the forward chain of the old iptables has rules of ours."""
    program = _legacy_program(proc)
    rules = programs.call([program, "--wait", "-S", "FORWARD"])[1] if program else ""
    lines = [line.split() for line in rules.splitlines() if f"--comment {MARK} -j ACCEPT" in line]
    return {words[words.index(flag) + 1] for words in lines for flag in ("-i", "-o") if flag in words}


def _names(raw: bytes) -> list[str]:
    """Return the words in a rule as the kernel returns it. An interface name is among them, padded with zero bytes."""
    words = raw.replace(b"\xff", b"\0").split(b"\0")
    return [word.decode() for word in words if len(word) > 2 and word.isascii() and word.decode().isprintable()]


def remove_accepts(bridge: str, proc: str) -> None:
    """Remove our rules for a bridge from every forward chain."""
    doomed = [(chain, handle) for chain in netfilter.chains() if chain.is_forward for handle in _handles(chain, bridge)]
    if doomed:
        _nft("".join(f"delete rule {chain.family} {chain.table} {chain.name} handle {handle}\n" for chain, handle in doomed))
    program = _legacy_program(proc)
    for line in AcceptWithIptables(program, bridge).lines("-D") if program else []:
        programs.call(line)
