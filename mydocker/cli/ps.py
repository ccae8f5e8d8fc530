"""The verb ps: list containers."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.cli import human
from mydocker.cli.base import Session, echo
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import ANY_INTEGER, option, switch, verb
from mydocker.engine.catalog import images
from mydocker.engine.connection import networks, view
from mydocker.engine.monitor import health
from mydocker.engine.record import containers, filters, state
from mydocker.engine.record.damage import DEAD, stand_in
from mydocker.engine.record.sizes import written
from mydocker.engine.request.ports import key, parse
from mydocker.engine.request.values import number
from mydocker.errors import BadInput, Damaged, NotFound
from mydocker.kernel.tasks import boot_id
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from mydocker.cli.rows import Row
    from mydocker.engine.record.containers import Record

_STATES = ("created", "restarting", "running", "removing", "paused", "exited", "dead")
_ALIVE = ("running", "paused", "restarting")
_COLUMNS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
    "Names": "NAMES",
}
_OTHER_HEADINGS = {
    "CreatedAt": "CREATED AT",
    "State": "STATE",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "LocalVolumes": "LOCAL VOLUMES",
}
# The heading of {{.Label "tier"}} in a table.
_LABEL_HEADING = {"Label": lambda name: name}


@verb(
    switch("-a", "--all", "show_all", help="Show those too that do not run."),
    switch("-q", "--quiet", help="Print ids only."),
    switch("-l", "--latest", help="Show the one that was created last, whatever its state."),
    option("-n", "--last", default=-1, integers=ANY_INTEGER, help="Show the N that were created last, whatever their state."),
    switch("-s", "--size", help="Show how much each has written."),
    switch("--no-trunc", help="Print ids and commands in full."),
    option(
        "-f",
        "--filter",
        "texts",
        metavar="KEY=VALUE",
        many=True,
        help="id, name, label, status, exited, health, ancestor, volume, network, before, since.",
    ),
    FORMAT,
)
def ps(
    session: Session,
    show_all: bool,
    quiet: bool,
    latest: bool,
    last: int,
    size: bool,
    no_trunc: bool,
    texts: tuple[str, ...],
    form: str | None,
) -> None:
    """List containers.

    Example: mydocker ps -a --filter status=exited
    """
    limit = 1 if latest else last
    everything = show_all or limit >= 0 or any(text.startswith("status=") for text in texts)
    fits = filters.parse(texts, _tests(session), _CHECKS)
    found = [each for each in _newest_first(session) if (everything or each.status in _ALIVE) and fits(each)]
    wants_size = size or ".Size" in (form or "")
    rows = [row(session, each, wants_size, no_trunc) for each in found[: limit if limit >= 0 else None]]
    if quiet:
        echo("".join(f"{each['ID']}\n" for each in rows), end="")
    else:
        print_rows(rows, {**_COLUMNS, **({"Size": "SIZE"} if size else {})}, form, {**_OTHER_HEADINGS, **_LABEL_HEADING})


def listed(session: Session, size: bool) -> list[Row]:
    """Return the fields of a line for each container, the newest first. size: whether to measure what each has written."""
    return [row(session, each, size, False) for each in _newest_first(session)]


class Listed(Value):
    """A container and what is true of it now."""

    record: Record
    status: str  # one of _STATES
    health: str  # 'none', 'starting', 'healthy' or 'unhealthy'
    is_damaged: bool = False

    def ports(self, session: Session) -> view.Ports:
        """Return the ports as they are now."""
        try:
            return view.of_running(session.paths, self.record) if self.status in ("running", "paused") else {}
        except Damaged:
            return {}


def _newest_first(session: Session) -> list[Listed]:
    """Return all containers, the newest first."""
    paths, layout, boot = session.paths, Layout.detect(session.paths), boot_id(session.paths.proc)
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


def records(session: Session) -> list[Record]:
    """Return the records of all containers that can be read."""
    return containers.every(session.paths)


def _tests(session: Session) -> filters.Tests:
    def created(name: str) -> str:
        return containers.load(session.paths, containers.resolve(session.paths, name))["createTime"]

    tops: dict[str, str] = {}

    def top_layer(name: str) -> str:
        if name not in tops:  # asked once, and not for each container
            tops[name] = _top_layer(session, name)
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
        "network": lambda each, value: _network_name(session, value) in _networks(each.record),
        "publish": lambda each, value: _has_port(value, view.published(each.ports(session))),
        "expose": lambda each, value: _has_port(value, each.record["config"]["ExposedPorts"] or {}),
        "before": lambda each, value: each.record["createTime"] < created(value),
        "since": lambda each, value: each.record["createTime"] > created(value),
    }


def _is_of_image(record: Record, name: str) -> bool:
    return name.removesuffix(":latest") == record["image"].removesuffix(":latest") or record["imageId"].startswith(name)


def _top_layer(session: Session, name: str) -> str:
    """Return the chain id of an image's topmost layer, which is among the layers of every image built on it. '' if there is none."""
    try:
        return next(iter(images.find(session.paths, name).chain_ids), "")
    except (NotFound, BadInput, Damaged):
        return ""


def _networks(record: Record) -> list[str]:
    return list(record["endpoints"]) or [record["hostConfig"]["NetworkMode"]]


def _network_name(session: Session, text: str) -> str:
    """Return the name of a network that is given by its name or id, or the text itself if there is no such network."""
    try:
        return networks.resolve(session.paths, text)["name"]
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


_CHECKS = {
    "status": filters.one_of("status", *_STATES),
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


def row(session: Session, each: Listed, size: bool, no_trunc: bool) -> Row:
    """Return the fields of one line, by docker's names. size: whether to measure what the container has written."""
    record, labels = each.record, each.record["config"]["Labels"]
    command = " ".join(f"'{word}'" if " " in word else word for word in record["command"])
    if not no_trunc and len(command) > 20:
        command = command[:19] + "…"
    volumes = [mount for mount in record["mounts"] if mount["type"] == "volume"]
    return {
        "ID": record["id"] if no_trunc else record["id"][:12],
        "Image": record["image"],
        "Command": f'"{command}"',
        "CreatedAt": record["createTime"],
        "RunningFor": human.since(record["createTime"]),
        "Ports": view.column(each.ports(session)),
        "State": each.status,
        "Status": _status(each),
        "Size": _size(session, record) if size else "",
        "Names": record["name"],
        "Label": lambda name: labels.get(name, ""),
        "Labels": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        "Mounts": ",".join(_shortened(mount["name"] or mount["source"], no_trunc) for mount in record["mounts"]),
        "Networks": ",".join(_networks(record)),
        "LocalVolumes": str(len(volumes)),
    }


def _size(session: Session, record: Record) -> str:
    """Return the size of what a container has written, and the size with its image's layers, if the image is there."""
    own = written(session.paths, record)
    try:
        whole = own + images.find(session.paths, "sha256:" + record["imageId"]).size
    except (NotFound, Damaged):
        return human.size(own)
    return f"{human.size(own)} (virtual {human.size(whole)})"


def _shortened(text: str, no_trunc: bool) -> str:
    return text if no_trunc or len(text) <= 15 else text[:14] + "…"


def _status(each: Listed) -> str:
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
