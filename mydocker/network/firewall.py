"""The rules in the kernel. nft writes them into a table of ours. Where nft is missing or too old, iptables writes them into chains of ours.

The records of the networks and STATE/*/network.json say what is true, and the rules follow them. One small transaction adds or removes
the ports of a container. If that transaction does not fit what is there, all of our rules are written anew, in one transaction too.
"""

from __future__ import annotations

import os
from errno import EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM

from mydocker.errors import StepFailed, Unsupported
from mydocker.kernel import netfilter, programs
from mydocker.network import iptables, nft
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.network.attachments import Published
    from mydocker.network.records import Network

    # All networks with a bridge on this host, and all published ports.
    Truth = Callable[[], tuple[list[Network], list[Published]]]

# What nft says when the kernel has no room, or is busy. That is no reason to take iptables from now on.
_PASSING = [os.strerror(number) for number in (EAGAIN, EBUSY, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM)]
NOT_INSTALLED = "nft is not installed"
_COMMANDS = {"4": "iptables", "6": "ip6tables"}


def has_table(table: str) -> bool:
    """Say whether nf_tables has our table."""
    return any(chain.table == table and chain.family == "inet" for chain in netfilter.chains())


def _nft(text: str) -> str:
    """Execute a transaction and return nft's error message, or ''.

    Raises Unsupported if nft is not installed, and StepFailed if it could not do its work this time: another time it can.
    """
    program = programs.find("nft")
    if not program:
        raise Unsupported(NOT_INSTALLED, "install nftables")
    status, _, words = programs.call([program, "-f", "-"], text)
    if status < 0 or any(each in words for each in _PASSING):
        raise StepFailed(f"nft: {_first(words) or f'signal {-status} ended it'}")
    return (words.strip() or f"nft ended with {status}") if status else ""


def why_not_nft() -> str:
    """Return why nft cannot have our rules here, or '' if it can. Nothing is changed."""
    program = programs.find("nft")
    if not program:
        return NOT_INSTALLED
    status, _, words = programs.call([program, "--check", "-f", "-"], nft.whole(nft.PREFIX, [], []))
    return (_first(words) or f"nft ended with {status}") if status else ""


def write_all(table: str, networks: list[Network], published: list[Published]) -> str:
    """Write all rules for these networks and ports. Return '', or why iptables has done it.

    Raises Unsupported if there is neither nft nor iptables, StepFailed if they fail.
    """
    problem = NOT_INSTALLED
    if programs.find("nft"):
        problem = _nft(nft.whole(table, networks, published))
        if not problem:
            return ""
    if not programs.find("iptables-restore"):
        raise Unsupported(f"containers need rules to reach the network, and {_first(problem)}", "install nftables (or iptables)")
    for family, name in _COMMANDS.items():
        if family == "4" or _has_ipv6(networks):
            _write_with_iptables(name, table, family, networks, published)
        else:
            _remove_with_iptables(name, table, family)  # those of the last network that had IPv6
    return _first(problem)


def _has_ipv6(networks: list[Network]) -> bool:
    return any(":" in each["subnet"] for network in networks for each in network["subnets"])


def _write_with_iptables(name: str, table: str, family: str, networks: list[Network], published: list[Published]) -> None:
    text = iptables.whole(table, family, networks, published)
    _must([programs.find(f"{name}-restore"), "--wait", "--noflush"], text)
    program = programs.find(name)
    for kind, chain, rule in iptables.jumps(table, family):
        if programs.call([program, "--wait", "-t", kind, "-C", chain, *rule])[0]:
            _must([program, "--wait", "-t", kind, "-I", chain, *rule])


def _must(argv: list[str], text: str = "") -> None:
    status, _, words = programs.call(argv, text)
    if status:
        raise StepFailed(f"{os.path.basename(argv[0])}: {_first(words) or status}")


def remove_all(table: str) -> None:
    """Remove all of our rules. Raises StepFailed."""
    if has_table(table):
        problem = _nft(f"delete table inet {table}\n")
        if problem:
            raise StepFailed(f"nft: {_first(problem)}")
    for family, name in _COMMANDS.items():
        _remove_with_iptables(name, table, family)


def iptables_has(program: str, table: str) -> bool:
    """Say whether iptables has chains of ours."""
    return not programs.call([program, "--wait", "-t", "nat", "-n", "-L", iptables.prefix(table) + "POST"])[0]


def _remove_with_iptables(name: str, table: str, family: str) -> None:
    program = programs.find(name)
    if not program or not iptables_has(program, table):
        return
    for kind, chain, rule in iptables.jumps(table, family):
        programs.call([program, "--wait", "-t", kind, "-D", chain, *rule])
    for kind, chains in iptables.TABLES.items():
        for chain in chains if kind != "raw" or family == "4" else ():
            for action in ("-F", "-X"):
                _must([program, "--wait", "-t", kind, action, iptables.prefix(table) + chain])


class PublishPorts(Step):
    """Make ports of the host lead to a container: add elements to the maps of our table, in one transaction."""

    table: str
    published: list[Published]
    truth: Truth  # asked if all rules have to be written anew
    why_iptables: str = ""  # apply() sets it if nft could not do it

    def apply(self) -> None:
        if not has_table(self.table) or _nft(nft.add(self.table, self._elements)):
            self.why_iptables = write_all(self.table, *self.truth())

    def undo(self) -> None:
        withdraw(self.table, self.published, self.truth)

    @property
    def _elements(self) -> list[nft.Element]:
        return [nft.port_element(each) for each in self.published]

    def describe(self) -> str:
        added = "; ".join(f"add element inet {self.table} {name} {{ {element} }}" for name, element in self._elements)
        return f"nft {added}{_instead(self.why_iptables)}"

    def shell(self) -> str:
        return f"nft -f - <<'END'\n{nft.add(self.table, self._elements)}END"


def withdraw(table: str, published: list[Published], truth: Truth) -> None:
    """Take published ports out of the rules. truth: its answer may still have these ports among the others."""
    if has_table(table):
        if not _nft(nft.delete(table, [nft.port_element(each) for each in published])):
            return
    elif not programs.find("iptables") or not iptables_has(programs.find("iptables"), table):
        return
    networks, led = truth()
    write_all(table, networks, [each for each in led if each not in published])


class WriteRules(Step):
    """Write the whole table of rules, also if there is one already."""

    table: str
    network: Network  # the network that needs the rules: describe() shows those of this one
    truth: Truth
    why_iptables: str = ""  # as PublishPorts has it

    def apply(self) -> None:
        self.why_iptables = write_all(self.table, *self.truth())

    @property
    def _text(self) -> str:
        return nft.whole(self.table, [self.network], [])

    def describe(self) -> str:
        elements = nft.network_elements(self.network)
        sets = "; ".join(f"nft add element inet {self.table} {name} {{ {element} }}" for name, element in elements)
        rules = "masquerade, forward and published-port rules"
        return f"nft add table inet {self.table} with {rules}; {sets}{_instead(self.why_iptables)}"

    def shell(self) -> str:
        return f"nft -f - <<'END'\n{self._text}END"


def is_there(table: str) -> bool:
    """Say whether any rules of ours are in the kernel."""
    return has_table(table) or bool(_listed_by_iptables(table))


def owners(table: str) -> set[str]:
    """Return the short ids of the containers to which the rules lead ports."""
    if has_table(table):
        mark, text = "comment", programs.call([programs.find("nft"), "list", "table", "inet", table])[1]
    else:
        mark, text = "--comment", _listed_by_iptables(table)  # after `-m comment`
    words = text.replace('"', " ").split()
    return {words[place + 1] for place, word in enumerate(words[:-1]) if word == mark}


def _listed_by_iptables(table: str) -> str:
    program = programs.find("iptables")
    return programs.call([program, "--wait", "-t", "nat", "-S", iptables.prefix(table) + "PORTS"])[1] if program else ""


def _instead(why_iptables: str) -> str:
    return f" (done by iptables instead: {why_iptables})" if why_iptables else ""


def _first(text: str) -> str:
    return text.partition("\n")[0]
