"""The list of containers, and the filters that choose from it: what `ps` and the API show."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.engine.catalog import images
from mydocker.engine.connection import networks, view
from mydocker.engine.monitor import health
from mydocker.engine.record import containers, filters, state
from mydocker.engine.record.damage import DEAD, stand_in
from mydocker.engine.record.sizes import written
from mydocker.engine.request.ports import key, parse
from mydocker.engine.request.values import number
from mydocker.engine.view import human
from mydocker.errors import BadInput, Damaged, NotFound
from mydocker.kernel.tasks import boot_id
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths

STATES = ("created", "restarting", "running", "removing", "paused", "exited", "dead")
ALIVE = ("running", "paused", "restarting")


class Listed(Value):
    """A container and what is true of it now."""

    record: Record
    status: str  # one of STATES
    health: str  # 'none', 'starting', 'healthy' or 'unhealthy'
    is_damaged: bool = False

    def ports(self, paths: Paths) -> view.Ports:
        """Return the ports as they are now."""
        try:
            return view.of_running(paths, self.record) if self.status in ("running", "paused") else {}
        except Damaged:
            return {}


def newest_first(paths: Paths) -> list[Listed]:
    """Return all containers, the newest first."""
    layout, boot = Layout.detect(paths), boot_id(paths.proc)
    whole, damaged = containers.survey(paths)

    def listed(record: Record) -> Listed:
        try:
            return Listed(record=record, status=state.status(paths, record, layout, boot), health=health.status(paths, record))
        except Damaged:
            return _dead(record)

    found = [*map(listed, whole), *(_dead(stand_in(paths, i)) for i in damaged)]
    return sorted(found, key=lambda each: each.record["createTime"], reverse=True)


def _dead(record: Record) -> Listed:
    return Listed(record=record, status=DEAD, health="none", is_damaged=True)


def tests(paths: Paths) -> filters.Tests:
    """Return the tests of the filters of `ps`, see filters.parse()."""

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


def networks_of(record: Record) -> list[str]:
    """Return the names of a container's networks, or what it has in their place: none, host or container:NAME."""
    return list(record["endpoints"]) or [record["hostConfig"]["NetworkMode"]]


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


def status_text(each: Listed) -> str:
    """Return docker's words for a container's state: 'Up 2 hours (healthy)', 'Exited (1) 3 minutes ago'."""
    record, status = each.record, each.status
    if status in ("running", "paused"):
        words = {"paused": "Paused", "starting": "health: starting"}.get(status if status == "paused" else each.health, each.health)
        return f"Up {human.since(record['startedAt']).removesuffix(' ago')}{f' ({words})' if words != 'none' else ''}"
    if status == "restarting":
        return f"Restarting ({record['exitCode']}) {human.since(record['finishedAt'])}"
    if status == "exited":
        if record["status"] == "running" or not record["finishedAt"]:
            return "Exited (unknown)"
        return f"Exited ({record['exitCode']}) {human.since(record['finishedAt'])}"
    return {"removing": "Removal In Progress", "dead": "Damaged" if each.is_damaged else "Dead"}.get(status, "Created")


def sizes(paths: Paths, record: Record) -> tuple[int, int | None]:
    """Return how many bytes a container has written, and how many with its image's layers, None if the image is not there."""
    own = written(paths, record)
    try:
        return own, own + images.find(paths, "sha256:" + record["imageId"]).size
    except (NotFound, Damaged):
        return own, None
