"""The verb port: show where a container's ports are published."""

from __future__ import annotations

from mydocker.cli.base import Session, echo
from mydocker.cli.verb import OPTIONAL, argument, verb
from mydocker.engine.connection.view import Ports, current
from mydocker.engine.record import containers
from mydocker.errors import NotFound


@verb(
    argument("name", "CONTAINER"),
    argument("wanted", "[PORT[/PROTOCOL]]", OPTIONAL),
)
def port(session: Session, /, name: str, wanted: str | None) -> None:
    """Show the addresses and ports of the host that lead to a container, or to one of its ports.

    Example: mydocker port web 80
    """
    record = containers.load(session.paths, containers.resolve(session.paths, name))
    for line in lines(current(session.paths, record), wanted, name):
        echo(line)


def lines(ports: Ports, wanted: str | None, name: str) -> list[str]:
    """Return 'PORT -> ADDRESS' lines, or only the addresses of one port. Raises NotFound if that port is not published.

    wanted: 'PORT[/PROTOCOL]', None for all ports
    name: the container's, for errors
    """
    published = {key: [_address(binding) for binding in bindings] for key, bindings in ports.items() if bindings}
    if wanted is None:
        ordered = sorted(published, key=lambda key: (int(key.partition("/")[0]), key))
        return [f"{key} -> {address}" for key in ordered for address in published[key]]
    key = wanted if "/" in wanted else f"{wanted}/tcp"
    if key not in published:
        raise NotFound(f"no public port {key!r} published for {name}")
    return published[key]


def _address(binding: dict[str, str]) -> str:
    ip = binding["HostIp"]
    return f"[{ip}]:{binding['HostPort']}" if ":" in ip else f"{ip}:{binding['HostPort']}"
