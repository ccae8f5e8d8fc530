"""The rules as text for nft(8): one table of ours. Its chains never change, only the elements of its sets and maps do.

    prerouting, output    A packet to a published port of this host goes to the container. The maps one4 and one6 have the ports that are
                          published on one address, any4 and any6 those on all addresses.
    postrouting           A packet from a container to elsewhere gets the host's address.
    forward               Within a bridge every packet passes. Into a bridge, from another one or from elsewhere, only answers and packets
                          to published ports pass.
    loopback              Nobody on a bridge reaches 127.0.0.0/8 of the host, although route_localnet is set (CVE-2020-8558).

A container's ports are elements of the maps. One transaction adds them, and one transaction removes them.
"""

from __future__ import annotations

from mydocker.network.addresses import Subnet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Published
    from mydocker.network.records import Network

    # (name of the set or map, element)
    Element = tuple[str, str]

_TABLE = """\
table inet {table} {{
	set bridges {{ type ifname; }}
	set same {{ type ifname . ifname; }}
	set subnets4 {{ type ipv4_addr; flags interval; }}
	set subnets6 {{ type ipv6_addr; flags interval; }}
	map one4 {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
	map any4 {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
	map one6 {{ type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }}
	map any6 {{ type inet_proto . inet_service : ipv6_addr . inet_service; }}
	chain published {{
		dnat ip to ip daddr . meta l4proto . th dport map @one4
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6
		meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4
		meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6
	}}
	chain prerouting {{
		type nat hook prerouting priority -100; policy accept;
		ip daddr 127.0.0.0/8 return
		fib daddr type local jump published
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		fib daddr type local jump published
	}}
	chain postrouting {{
		type nat hook postrouting priority 100; policy accept;
		ip saddr @subnets4 oifname != @bridges masquerade
		ip6 saddr @subnets6 oifname != @bridges masquerade
		ip saddr @subnets4 oifname @bridges ct status dnat masquerade
		ip6 saddr @subnets6 oifname @bridges ct status dnat masquerade
		ip saddr 127.0.0.0/8 oifname @bridges masquerade
	}}
	chain forward {{
		type filter hook forward priority 0; policy accept;
		iifname . oifname @same accept
		oifname @bridges ct state established,related accept
		oifname @bridges ct status dnat accept
		oifname @bridges drop
	}}
	chain loopback {{
		type filter hook prerouting priority -300; policy accept;
		iifname @bridges ip daddr 127.0.0.0/8 drop
	}}
}}
"""
PREFIX = "mydocker"


def table_name(root: str) -> str:
    """Return the name of the table of a ROOT. Each ROOT has a table of its own."""
    import binascii

    return PREFIX if root == "/var/lib/mydocker" else f"{PREFIX}-{binascii.crc32(root.encode()):08x}"


def whole(table: str, networks: list[Network], published: list[Published]) -> str:
    """Return the transaction that removes the table if it is there, and makes it anew."""
    elements = [element for network in networks for element in network_elements(network)]
    elements += [port_element(each) for each in published]
    return f"table inet {table}\ndelete table inet {table}\n" + _TABLE.format(table=table) + add(table, elements)


def network_elements(network: Network) -> list[Element]:
    """Return the elements of the sets for a network with a bridge."""
    bridge = f'"{network["interface"]}"'
    found = [("bridges", bridge), ("same", f"{bridge} . {bridge}")]
    if not network["internal"] and network["options"].get("masquerade", "true") == "true":
        found += [("subnets6" if ":" in each["subnet"] else "subnets4", str(Subnet.parse(each["subnet"]))) for each in network["subnets"]]
    return found


def port_element(published: Published) -> Element:
    """Return the element of a map for a published port."""
    family = "6" if ":" in published["address"] else "4"
    name = ("one" if published["ip"] else "any") + family
    key = [*([published["ip"]] if published["ip"] else []), published["protocol"], str(published["port"])]
    target = f"{published['address']} . {published['container']}"
    return name, f'{" . ".join(key)} comment "{published["owner"][:12]}" : {target}'


def add(table: str, elements: list[Element]) -> str:
    """Return the transaction that adds elements. It is not an error if one is there already."""
    return "".join(f"add element inet {table} {name} {{ {element} }}\n" for name, element in elements)


def delete(table: str, elements: list[Element]) -> str:
    """Return the transaction that removes elements of maps. It adds each one first, so it is not an error if one is gone already."""
    keys = [(name, element.partition(" comment")[0].partition(" : ")[0]) for name, element in elements]
    return add(table, elements) + "".join(f"delete element inet {table} {name} {{ {key} }}\n" for name, key in keys)
