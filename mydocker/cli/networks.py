"""The verbs network create, ls, rm, connect and disconnect."""

from __future__ import annotations

import click

from mydocker.cli.base import Session, Verb, each, explain_option
from mydocker.cli.execution import runner
from mydocker.cli.rows import Row, filter_option, format_option, print_rows
from mydocker.engine.connection import connecting, networks, unplug
from mydocker.engine.record import containers, filters
from mydocker.engine.request import values
from mydocker.engine.request.endpoints import check_endpoint
from mydocker.errors import BadInput
from mydocker.network.drivers import NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import WantedEndpoint
    from mydocker.network.records import Network

_OPTIONS = (
    "Set an option of the driver. bridge: name, mtu, masquerade; vxlan: vni, peers, port, local and those; macvlan and ipvlan: parent; "
    "cni: conf, path."
)


@click.command(cls=Verb)
@click.option("-d", "--driver", default="bridge", metavar="DRIVER", help=f"{', '.join(NAMES)} [bridge].")
@click.option("--subnet", "subnets", multiple=True, metavar="ADDRESS/PREFIX", help="Its addresses, of IPv4, IPv6 or one of each.")
@click.option("--gateway", "gateways", multiple=True, metavar="ADDRESS", help="The host's address in a subnet [the lowest].")
@click.option("--ip-range", "ranges", multiple=True, metavar="ADDRESS/PREFIX", help="The part of a subnet that containers get.")
@click.option("--internal", is_flag=True, help="Without a way out: the containers reach each other only.")
@click.option("--ipv6", is_flag=True, help="With IPv6 too; without a --subnet of it, a random unique local /64.")
@click.option("--label", "labels", multiple=True, metavar="KEY[=VALUE]", help="Set a label.")
@click.option("-o", "--opt", "options", multiple=True, metavar="KEY=VALUE", help=_OPTIONS)
@explain_option
@click.argument("name", metavar="NETWORK")
@click.pass_obj
def create(session: Session, /, name: str, driver: str, internal: bool, ipv6: bool, **given: tuple[str, ...]) -> None:
    """Make a network, and print its id.

    Example: mydocker network create --subnet 172.30.0.0/16 backend
    """
    labels = dict(values.pair(label) for label in given["labels"])
    options = dict(_option(text) for text in given["options"])
    subnets, gateways, ranges = (list(given[key]) for key in ("subnets", "gateways", "ranges"))
    network = networks.new(session.paths, name, driver, subnets, gateways, ranges, internal, ipv6, labels, options)
    networks.create(session.paths, network, runner(session))
    _done(session, network["id"])


def _option(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise BadInput(f"invalid --opt {text!r}: expected KEY=VALUE")
    return key, value


def _done(session: Session, text: str) -> None:
    """Print what was done, unless this is a dry run."""
    if not session.dry_run:
        click.echo(text)


_COLUMNS = {"ID": "NETWORK ID", "Name": "NAME", "Driver": "DRIVER", "Scope": "SCOPE"}
_OTHER_HEADINGS = {"IPv6": "IPV6", "Internal": "INTERNAL", "Labels": "LABELS", "CreatedAt": "CREATED AT"}


@click.command("ls", cls=Verb)
@click.option("-q", "--quiet", is_flag=True, help="Print ids only.")
@click.option("--no-trunc", is_flag=True, help="Print ids in full.")
@filter_option("name=PART, id=BEGIN, driver=DRIVER, label=KEY[=VALUE], scope=local, type=custom|builtin, dangling=true|false")
@format_option
@click.pass_obj
def list_(session: Session, quiet: bool, no_trunc: bool, texts: tuple[str, ...], form: str | None) -> None:
    """List networks.

    Example: mydocker network ls
    """
    checks = {
        "type": filters.one_of("type", "custom", "builtin"),
        "dangling": filters.one_of("dangling", "true", "false"),
        "scope": filters.one_of("scope", "local", "swarm", "global"),
    }
    fits = filters.parse(texts, _tests(session), checks)
    rows = [_row(network, no_trunc) for network in networks.every(session.paths) if fits(network)]
    if quiet:
        click.echo("".join(f"{row['ID']}\n" for row in rows), nl=False)
    else:
        print_rows(rows, _COLUMNS, form, _OTHER_HEADINGS)


def _tests(session: Session) -> filters.Tests:
    def is_unused(network: Network) -> bool:
        return network["name"] not in networks.PREDEFINED and not unplug.users(session.paths, network["name"])

    return {
        "name": lambda network, part: part in network["name"],
        "id": lambda network, begin: network["id"].startswith(begin),
        "driver": lambda network, name: network["driver"] == name,
        "label": lambda network, text: filters.has_label(network["labels"], text),
        "scope": lambda network, scope: scope == "local",
        "type": lambda network, kind: (network["name"] in networks.PREDEFINED) == (kind == "builtin"),
        "dangling": lambda network, text: is_unused(network) == (text == "true"),
    }


def _row(network: Network, no_trunc: bool) -> Row:
    return {
        "ID": network["id"] if no_trunc else network["id"][:12],
        "Name": network["name"],
        "Driver": network["driver"],
        "Scope": "local",
        "IPv6": str(network["ipv6"]).lower(),
        "Internal": str(network["internal"]).lower(),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(network["labels"].items())),
        "Label": lambda name: network["labels"].get(name, ""),
        "CreatedAt": network["createdAt"],
    }


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Say nothing about networks that do not exist.")
@explain_option
@click.argument("names", nargs=-1, required=True, metavar="NETWORK...")
@click.pass_obj
def remove(session: Session, force: bool, names: tuple[str, ...]) -> int:
    """Remove networks that no running container is on.

    Example: mydocker network rm backend
    """

    def one(name: str) -> None:
        if force and not networks.exists(session.paths, name):
            return
        network = networks.resolve(session.paths, name)
        if network["name"] in networks.PREDEFINED:
            raise BadInput(f"network {network['name']} is pre-defined and cannot be removed")
        networks.remove(session.paths, network, runner(session))
        _done(session, name)

    return each(names, one)


@click.command(cls=Verb)
@click.option("--ip", default="", metavar="ADDRESS", help="Its IPv4 address there.")
@click.option("--ip6", default="", metavar="ADDRESS", help="Its IPv6 address there.")
@click.option("--mac-address", "mac", default="", metavar="ADDRESS", help="Its MAC address there.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="One more name of it there.")
@explain_option
@click.argument("network", metavar="NETWORK")
@click.argument("name", metavar="CONTAINER")
@click.pass_obj
def connect(session: Session, /, network: str, name: str, ip: str, ip6: str, mac: str, aliases: tuple[str, ...]) -> None:
    """Connect a container to one more network, at once if it runs.

    Example: mydocker network connect --alias db backend web
    """
    found = networks.resolve(session.paths, network)
    wanted: WantedEndpoint = {"aliases": list(aliases), "ip": ip, "ip6": ip6, "mac": mac}
    check_endpoint(found["name"], wanted)
    container_id = containers.resolve(session.paths, name)
    if session.dry_run:
        runner(session).execute(connecting.connect_steps(session.paths, found, container_id, wanted))
    else:
        connecting.connect(session.paths, found, container_id, wanted, runner(session))


@click.command(cls=Verb)
@click.option("-f", "--force", is_flag=True, help="Accepted for docker's sake: it is always done as far as it can be.")
@explain_option
@click.argument("network", metavar="NETWORK")
@click.argument("name", metavar="CONTAINER")
@click.pass_obj
def disconnect(session: Session, /, network: str, name: str, force: bool) -> None:
    """Disconnect a container from a network, at once if it runs.

    Example: mydocker network disconnect backend web
    """
    found = networks.resolve(session.paths, network)
    connecting.disconnect(session.paths, found, containers.resolve(session.paths, name), runner(session))
