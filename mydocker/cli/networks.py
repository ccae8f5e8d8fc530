"""The verbs network create, ls, rm, connect and disconnect."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, Session, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.rows import FORMAT, filter_option, print_rows
from mydocker.cli.verb import SOME, argument, meaningless, option, refused, switch, verb
from mydocker.engine.connection import connecting, networks, new_network
from mydocker.engine.record import containers, filters
from mydocker.engine.request import values
from mydocker.engine.request.endpoints import IFNAME, check_endpoint, driver_options, links, priority
from mydocker.engine.view import choosing, human
from mydocker.errors import BadInput, NotFound
from mydocker.network import records
from mydocker.network.drivers import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.rows import Row
    from mydocker.engine.record.containers import WantedEndpoint
    from mydocker.network.records import Network

_OPTIONS = (
    "Set an option of the driver. bridge: name, mtu, masquerade; vxlan: vni, peers, port, local and those; macvlan and ipvlan: parent; "
    "cni: conf, path."
)


@verb(
    option("-d", "--driver", metavar="DRIVER", default="bridge", help=f"{', '.join(NAMES)} [bridge]."),
    option("--subnet", "subnets", metavar="ADDRESS/PREFIX", many=True, help="Its addresses, of IPv4, IPv6 or one of each."),
    option("--gateway", "gateways", metavar="ADDRESS", many=True, help="The host's address in a subnet [the lowest]."),
    option("--ip-range", "ranges", metavar="ADDRESS/PREFIX", many=True, help="The part of a subnet that containers get."),
    option("--aux-address", "reserved", metavar="NAME=ADDRESS", many=True, help="An address of a subnet that no container gets."),
    meaningless("--ipam-driver", why="addresses are given out in one way", values=("default", "")),
    meaningless("--ipam-opt", why="the only way to give out addresses has no options", metavar="KEY=VALUE"),
    switch("--attachable", help="Accepted for docker's sake, and shown: any container can be connected to any network."),
    meaningless("--scope", why="a network is one machine's", values=("local", "")),
    refused("--config-from", why="a network is described when it is made"),
    refused("--config-only", why="a network is described when it is made", takes_value=False),
    refused("--ingress", why="it is for Swarm", takes_value=False),
    switch("--ipv4/--no-ipv4", default=True, help="With IPv4 [yes]."),
    switch("--internal", help="Without a way out: the containers reach each other only."),
    switch("--ipv6", help="With IPv6 too; without a --subnet of it, a random unique local /64."),
    option("--label", "labels", metavar="KEY[=VALUE]", many=True, help="Set a label."),
    option("-o", "--opt", "options", metavar="KEY=VALUE", many=True, help=_OPTIONS),
    *EXPLAIN,
    argument("name", "NETWORK"),
)
def create(
    session: Session, /, name: str, driver: str, internal: bool, ipv4: bool, ipv6: bool, attachable: bool, **given: tuple[str, ...]
) -> None:
    """Make a network, and print its id.

    Example: mydocker network create --subnet 172.30.0.0/16 backend
    """
    labels = dict(values.pair(label) for label in given["labels"])
    options = dict(_option(text) for text in given["options"])
    reserved = dict(values.pair(text) for text in given["reserved"])
    subnets, gateways, ranges = (list(given[key]) for key in ("subnets", "gateways", "ranges"))
    asked = new_network.Asked(subnets=subnets, gateways=gateways, ranges=ranges, reserved=reserved, ipv4=ipv4, ipv6=ipv6)
    network = new_network.new(session.paths, name, driver, asked, internal, labels, options)
    network["attachable"] = attachable
    networks.create(session.paths, network, asked, runner(session))
    _done(session, network["id"])


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise BadInput(f"invalid --opt {text!r}: expected KEY=VALUE")
    return key, value


def _done(session: Session, text: str) -> None:
    """Print what was done, unless this is a dry run."""
    if not session.dry_run:
        echo(text)


_COLUMNS = {"ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE"}
_OTHER_HEADINGS = {"IPv4": "IPV4", "IPv6": "IPV6", "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT"}


@verb(
    switch("-q", "--quiet", help="Print ids only."),
    switch("--no-trunc", help="Print ids in full."),
    filter_option("name=PART, id=BEGIN, driver=DRIVER, label=KEY[=VALUE], scope=local, type=custom|builtin, dangling=true|false"),
    FORMAT,
    name="ls",
)
def list_(session: Session, quiet: bool, no_trunc: bool, texts: tuple[str, ...], form: str | None) -> None:
    """List networks.

    Example: mydocker network ls
    """
    fits = filters.parse(texts, choosing.networks(session.paths), choosing.NETWORK_CHECKS)
    rows = [_row(network, no_trunc) for network in networks.every(session.paths) if fits(network)]
    if quiet:
        echo("".join(f"{row['ID']}\n" for row in rows), end="")
    else:
        print_rows(rows, _COLUMNS, form, _OTHER_HEADINGS)


def _row(network: Network, no_trunc: bool) -> Row:
    return {
        "ID": network["id"] if no_trunc or network["driver"] == records.DAMAGED else network["id"][:12],
        "Name": network["name"],
        "Driver": network["driver"],
        "Scope": "local",
        "IPv4": str(any("." in each["subnet"] for each in network["subnets"])).lower(),
        "IPv6": str(network["ipv6"]).lower(),
        "Internal": str(network["internal"]).lower(),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(network["labels"].items())),
        "Label": lambda name: network["labels"].get(name, ""),
        "CreatedAt": human.clock(network["createdAt"], exact=True),
    }


@verb(
    switch("-f", "--force", help="Say nothing about networks that do not exist."),
    *EXPLAIN,
    argument("names", "NETWORK...", SOME),
)
def remove(session: Session, force: bool, names: tuple[str, ...]) -> int:
    """Remove networks that no running container is on.

    Example: mydocker network rm backend
    """

    def one(name: str) -> None:
        if force and not networks.exists(session.paths, name):
            return
        if name in records.damaged(session.paths):
            networks.remove_damaged(session.paths, name, runner(session))
            return _done(session, name)
        network = networks.resolve(session.paths, name)
        if network["name"] in new_network.PREDEFINED:
            raise BadInput(f"network {network['name']} is pre-defined and cannot be removed")
        networks.remove(session.paths, network, runner(session))
        _done(session, name)

    return each(names, one)


@verb(
    option("--ip", metavar="ADDRESS", default="", help="Its IPv4 address there."),
    option("--ip6", metavar="ADDRESS", default="", help="Its IPv6 address there."),
    option("--mac-address", "mac", metavar="ADDRESS", default="", help="Its MAC address there."),
    option("--alias", "aliases", metavar="NAME", many=True, help="One more name of it there."),
    option("--link", "names", metavar="CONTAINER[:ALIAS]", many=True, help="A name that only it has for another container there."),
    option("--driver-opt", "asked", metavar="KEY=VALUE", many=True, help=f"{IFNAME}=NAME: what its interface is called."),
    option("--gw-priority", "rank", metavar="NUMBER", default="0", help="The network with the highest one is the way out [0]."),
    option("--link-local-ip", "local", metavar="ADDRESS", many=True, help="One more address of it, which reaches only this network."),
    *EXPLAIN,
    argument("network", "NETWORK"),
    argument("name", "CONTAINER"),
)
def connect(session: Session, /, network: str, name: str, ip: str, ip6: str, mac: str, rank: str, **given: tuple[str, ...]) -> None:
    """Connect a container to one more network, at once if it runs.

    Example: mydocker network connect --alias db backend web
    """
    found = networks.resolve(session.paths, network)
    wanted: WantedEndpoint = {"aliases": list(given["aliases"]), "ip": ip, "ip6": ip6, "mac": mac, "links": links(given["names"])}
    wanted |= driver_options(given["asked"])
    if given["local"]:
        wanted["linkLocal"] = list(given["local"])
    wanted["gwPriority"] = priority(rank)
    check_endpoint(found["name"], wanted)
    container_id = containers.resolve(session.paths, name)
    if session.dry_run:
        runner(session).execute(connecting.connect_steps(session.paths, found, container_id, wanted))
    else:
        connecting.connect(session.paths, found, container_id, wanted, runner(session))


@verb(
    switch("-f", "--force", help="Also from a network that is gone."),
    *EXPLAIN,
    argument("network", "NETWORK"),
    argument("name", "CONTAINER"),
)
def disconnect(session: Session, /, network: str, name: str, force: bool) -> None:
    """Disconnect a container from a network, at once if it runs.

    Example: mydocker network disconnect backend web
    """
    container_id = containers.resolve(session.paths, name)
    try:
        found = networks.resolve(session.paths, network)
    except NotFound:
        if not force:
            raise
        return connecting.forget(session.paths, network, container_id, runner(session))
    connecting.disconnect(session.paths, found, container_id, runner(session))
