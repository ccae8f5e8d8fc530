"""The filters that choose from the list of containers: what `ps --filter` and the API take."""

from __future__ import annotations

from mydocker.engine.catalog import images
from mydocker.engine.connection import networks, view
from mydocker.engine.record import containers, filters
from mydocker.engine.request.ports import key, parse
from mydocker.engine.request.values import number
from mydocker.engine.view.listing import STATES, networks_of
from mydocker.errors import BadInput, Damaged, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def tests(paths: Paths) -> filters.Tests:
    """Return the tests of the filters, see filters.parse()."""

    def created(name: str) -> str:
        return containers.load(paths, containers.resolve(paths, name))["createTime"]

    tops: dict[str, str] = {}

    def top_layer(name: str) -> str:
        if name not in tops:  # asked once, and not for each container
            tops[name] = _top_layer(paths, name)
        return tops[name]

    return {
        "id": lambda each, value: each.record["id"].startswith(value),
        # docker's names begin with a slash.
        "name": lambda each, value: any(map(_expression(value).search, (each.record["name"], "/" + each.record["name"]))),
        "label": lambda each, value: filters.has_label(each.record["config"]["Labels"], value),
        "status": lambda each, value: each.status == value,
        "exited": lambda each, value: each.status == "exited" and str(each.record["exitCode"]) == value,
        "ancestor": lambda each, value: _is_of_image(each.record, value) or top_layer(value) in each.record["layers"],
        "health": lambda each, value: each.health == value,
        "volume": lambda each, value: any(
            value in (mount["name"], mount["source"], mount["destination"]) for mount in each.record["mounts"]
        ),
        "network": lambda each, value: _network_name(paths, value) in networks_of(each.record),
        "publish": lambda each, value: _has_port(value, view.published(each.ports(paths))),
        "expose": lambda each, value: _has_port(value, each.record["config"]["ExposedPorts"] or {}),
        "before": lambda each, value: each.record["createTime"] < created(value),
        "since": lambda each, value: each.record["createTime"] > created(value),
    }


def _is_of_image(record: Record, name: str) -> bool:
    return name.removesuffix(":latest") == record["image"].removesuffix(":latest") or record["imageId"].startswith(name)


def _top_layer(paths: Paths, name: str) -> str:
    """Return the chain id of an image's topmost layer, which is among the layers of every image built on it. '' if there is none."""
    try:
        return next(iter(images.find(paths, name).chain_ids), "")
    except (NotFound, BadInput, Damaged):
        return ""


def _network_name(paths: Paths, text: str) -> str:
    """Return the name of a network that is given by its name or id, or the text itself if there is no such network."""
    try:
        return networks.resolve(paths, text)["name"]
    except NotFound:
        return text


def _has_port(text: str, ports: Iterable[str]) -> bool:
    """Say whether a filter names one of these ports.

    text: the filter's PORT[-END][/PROTOCOL]
    ports: each as 'PORT/PROTOCOL'
    """
    return bool({key(binding) for binding in parse(text)} & set(ports))


def _exit_status(text: str) -> None:
    if number(text) is None:
        raise BadInput(f"invalid filter exited={text!r}: expected an exit status")


CHECKS = {
    "status": filters.one_of("status", *STATES),
    "health": filters.one_of("health", "starting", "healthy", "unhealthy", "none"),
    "exited": _exit_status,
    "publish": lambda text: bool(parse(text)),
    "expose": lambda text: bool(parse(text)),
}


def _expression(text: str) -> re.Pattern[str]:
    import re  # imported here, because it takes 7 ms

    try:
        return re.compile(text)
    except re.error as error:
        raise BadInput(f"invalid filter name={text!r}: {error}") from error
