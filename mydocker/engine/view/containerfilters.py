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

    ancestors: dict[str, images.Image | None] = {}
    made: dict[str, images.Image | None] = {}

    def is_built_on(record: Record, name: str) -> bool:
        for known, each in ((ancestors, name), (made, f"sha256:{record['imageId']}")):
            if each not in known:  # asked once, and not for each container
                known[each] = _image(paths, each)
        return _is_built_on(record, made[f"sha256:{record['imageId']}"], ancestors[name])

    return {
        "id": lambda each, value: each.record["id"].startswith(value),
        # docker's names begin with a slash.
        "name": lambda each, value: any(map(_expression(value).search, (each.record["name"], "/" + each.record["name"]))),
        "label": lambda each, value: filters.has_label(each.record["config"]["Labels"], value),
        "status": lambda each, value: each.status == value,
        "exited": lambda each, value: each.status == "exited" and str(each.record["exitCode"]) == value,
        "ancestor": lambda each, value: _is_of_image(each.record, value) or is_built_on(each.record, value),
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


def _image(paths: Paths, name: str) -> images.Image | None:
    try:
        return images.find(paths, name)
    except (NotFound, BadInput, Damaged):
        return None


def _is_built_on(record: Record, image: images.Image | None, ancestor: images.Image | None) -> bool:
    """Say whether a container's image has the layers and the history of another one, and more.

    image: the container's, None if it is gone: then the layers alone count
    """
    if not ancestor or next(iter(ancestor.chain_ids), "") not in record["layers"]:
        return False
    before = ancestor.document["history"]
    return image is None or image.document["history"][: len(before)] == before


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
