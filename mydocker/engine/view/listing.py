"""The list of containers that `ps` and the API show. containerfilters.py chooses from it."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.engine.connection import view
from mydocker.engine.record import containers, health, state
from mydocker.engine.record.damage import DEAD, stand_in
from mydocker.engine.record.sizes import written
from mydocker.engine.view import human
from mydocker.errors import Damaged, NotFound
from mydocker.kernel.tasks import boot_id
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
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


def newest_first(paths: Paths, at_rest: bool = True) -> list[Listed]:
    """Return all containers, the newest first. at_rest: see containers.survey; some at rest may be among the others."""
    layout, boot = Layout.detect(paths), boot_id(paths.proc)
    whole, damaged = containers.survey(paths, at_rest)

    def listed(record: Record) -> Listed:
        try:
            return Listed(record=record, status=state.status(paths, record, layout, boot), health=health.status(paths, record))
        except Damaged:
            return _dead(record)

    found = [*map(listed, whole), *(_dead(stand_in(paths, i)) for i in damaged)]
    return sorted(found, key=lambda each: each.record["createTime"], reverse=True)


def _dead(record: Record) -> Listed:
    return Listed(record=record, status=DEAD, health="none", is_damaged=True)


def networks_of(record: Record) -> list[str]:
    """Return the names of a container's networks, or what it has in their place: none, host or container:NAME."""
    return list(record["endpoints"]) or [record["hostConfig"]["NetworkMode"]]


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
    from mydocker.engine.catalog import images  # a list without sizes does not need it

    own = written(paths, record)
    try:
        return own, own + images.find(paths, "sha256:" + record["imageId"]).size
    except (NotFound, Damaged):
        return own, None
