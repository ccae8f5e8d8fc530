"""Endpoints about volumes."""

from __future__ import annotations

from mydocker.api.call import DONE, Answer, Call, field, mapping
from mydocker.api.protocol import Refused
from mydocker.api.pruning import pruned
from mydocker.engine.record import filters
from mydocker.engine.record.containers import new_id
from mydocker.engine.record.names import check_name
from mydocker.engine.system import pruning
from mydocker.engine.view import choosing
from mydocker.engine.volume import options, volumes
from mydocker.errors import BadInput, NotFound


def list_(call: Call) -> Answer:
    """GET /volumes"""
    fits = filters.parse(call.filters(), choosing.volumes(call.paths), choosing.DANGLING)
    found = [record["name"] for record, is_damaged in volumes.every(call.paths) if not is_damaged and fits(record)]
    return Answer({"Volumes": [volumes.document(call.paths, name) for name in found], "Warnings": None})


def inspect(call: Call) -> Answer:
    """GET /volumes/NAME"""
    try:
        return Answer(volumes.document(call.paths, call.name))
    except NotFound as error:
        raise NotFound(f"get {call.name}: no such volume") from error


def create(call: Call) -> Answer:
    """POST /volumes/create"""
    body = call.document(is_needed=True)
    name, driver, labels = field(body, "Name", str, ""), field(body, "Driver", str, ""), mapping(body, "Labels")
    if driver not in ("", "local"):
        raise Refused(404, f'error looking up volume plugin {driver}: plugin "{driver}" not found')
    if body.get("ClusterVolumeSpec"):
        raise BadInput("invalid ClusterVolumeSpec: there are no volumes of Swarm")
    driver_options = mapping(body, "DriverOpts")
    options.check(driver_options)
    if name:
        check_name(name)
    chosen = name or new_id()
    volumes.create(call.run(), volumes.create_steps(call.paths, chosen, labels, not name, driver_options))
    return Answer(volumes.document(call.paths, chosen), 201)


def remove(call: Call) -> Answer:
    """DELETE /volumes/NAME"""
    force = call.flag("force")
    if force and call.name not in volumes.names(call.paths):
        return DONE
    try:
        call.run().execute(volumes.remove_steps(call.paths, call.name, force))
    except NotFound as error:
        raise NotFound(f"get {call.name}: no such volume") from error
    return DONE


def prune(call: Call) -> Answer:
    """POST /volumes/prune"""
    texts = call.filters()
    named = [text for text in texts if text.startswith("all=")]
    everything = call.version < (1, 42) or any(text.partition("=")[2] in ("1", "true") for text in named)
    rest = tuple(text for text in texts if text not in named)
    found = pruned(call, "volume", lambda pruning_: pruning.of_volumes(pruning_, everything, rest))
    return Answer({"VolumesDeleted": found.lines, "SpaceReclaimed": found.reclaimed})
