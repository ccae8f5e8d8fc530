"""The rules as text for iptables-restore(8), used where nft is missing or too old: chains of ours, which are written whole each time.

Each text is one transaction per table. With --noflush, `:CHAIN` in the text empties that chain of ours, and all other chains stay as they
are.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Published
    from mydocker.network.records import Network

# How a packet comes to our chains: (table, chain of the kernel, condition, chain of ours).
_JUMPS: tuple[tuple[str, str, list[str], str], ...] = (
    ("nat", "PREROUTING", ["-m", "addrtype", "--dst-type", "LOCAL", "!", "-d", "LOOPBACK"], "PORTS"),
    ("nat", "OUTPUT", ["-m", "addrtype", "--dst-type", "LOCAL"], "PORTS"),
    ("nat", "POSTROUTING", [], "POST"),
    ("raw", "PREROUTING", ["-d", "LOOPBACK"], "LOOP"),
    ("filter", "FORWARD", [], "FWD"),
)
# How the names of our chains begin, whatever ROOT they are of.
OUR_CHAINS = "MYD"
# {table: chains of ours in it}
TABLES = {"nat": ("PORTS", "POST"), "raw": ("LOOP",), "filter": ("FWD",)}


def prefix(table: str) -> str:
    """Return how the names of the chains of one ROOT begin. A name may have at most 28 bytes. table: see nft.table_name."""
    return table.upper().replace("MYDOCKER", OUR_CHAINS, 1) + "-"


def jumps(table: str, family: str) -> list[tuple[str, str, list[str]]]:
    """Return (table, chain, rule) for each rule that leads to our chains. family: '4' or '6'."""
    loopback = "127.0.0.0/8" if family == "4" else "::1/128"
    return [
        (kind, chain, [*(loopback if word == "LOOPBACK" else word for word in condition), "-j", prefix(table) + ours])
        for kind, chain, condition, ours in _JUMPS
        if kind != "raw" or family == "4"
    ]


def whole(table: str, family: str, networks: list[Network], published: list[Published]) -> str:
    """Return the input of iptables-restore --noflush for one family, '4' or '6'."""
    mark = ":" if family == "6" else "."
    nat, raw, forward = [], [], []
    name = prefix(table)
    bridges = [network["interface"] for network in networks]
    for each in published:
        if mark in each["address"]:
            where = ["-d", each["ip"]] if each["ip"] else []
            target = f"[{each['address']}]" if family == "6" else each["address"]
            port = ["-p", each["protocol"], *where, "--dport", str(each["port"]), "-m", "comment", "--comment", each["owner"][:12]]
            nat.append([f"{name}PORTS", *port, "-j", "DNAT", "--to-destination", f"{target}:{each['container']}"])
    for network in networks:
        for subnet in (each["subnet"] for each in network["subnets"] if mark in each["subnet"]):
            if not network["internal"] and network["options"].get("masquerade", "true") == "true":
                # A packet to a bridge of ours keeps its source address, unless it was sent to a published port.
                nat += [
                    [f"{name}POST", "-s", subnet, "-o", bridge, "-m", "conntrack", "!", "--ctstate", "DNAT", "-j", "RETURN"]
                    for bridge in bridges
                ]
                nat.append([f"{name}POST", "-s", subnet, "-j", "MASQUERADE"])
    if family == "4":
        nat += [[f"{name}POST", "-s", "127.0.0.0/8", "-o", bridge, "-j", "MASQUERADE"] for bridge in bridges]
        raw += [[f"{name}LOOP", "-i", bridge, "-j", "DROP"] for bridge in bridges]
    for bridge in bridges:
        forward += [
            [f"{name}FWD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"],
            [f"{name}FWD", "-o", bridge, "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"],
            [f"{name}FWD", "-o", bridge, "-m", "conntrack", "--ctstate", "DNAT", "-j", "ACCEPT"],
            [f"{name}FWD", "-o", bridge, "-j", "DROP"],
        ]
    # These rules, from our bridges to elsewhere, must come after those that say what may go into each bridge.
    forward += [[f"{name}FWD", "-i", bridge, "-j", "ACCEPT"] for bridge in bridges]
    texts = {"nat": nat, "filter": forward, **({"raw": raw} if family == "4" else {})}
    return "".join(_table(kind, name, rules) for kind, rules in texts.items())


def _table(kind: str, name: str, rules: list[list[str]]) -> str:
    chains = [f":{name}{chain} - [0:0]" for chain in TABLES[kind]]
    return "\n".join([f"*{kind}", *chains, *(" ".join(["-A", *rule]) for rule in rules), "COMMIT", ""])
