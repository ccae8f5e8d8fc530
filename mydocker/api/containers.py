"""Endpoints about containers as records: list, inspect, rename, update, remove, prune."""

from __future__ import annotations

from mydocker.api import names, shapes
from mydocker.api.call import DONE, Answer, Call
from mydocker.engine.connection import links
from mydocker.engine.container.claim import Rename
from mydocker.engine.container.remove import remove as remove_container
from mydocker.engine.record import filters, locks, state
from mydocker.engine.record.names import check_name
from mydocker.engine.view import containerfilters, listing
from mydocker.errors import Conflict


def list_(call: Call) -> Answer:
    """GET /containers/json"""
    texts, limit = call.filters(), call.number("limit") or 0
    everything = call.flag("all") or limit > 0 or any(text.startswith("status=") for text in texts)
    fits = filters.parse(texts, {**containerfilters.tests(call.paths), "is-task": lambda *_: False}, containerfilters.CHECKS)
    every = listing.newest_first(call.paths, everything)
    found = [each for each in every if (everything or each.status in listing.ALIVE) and fits(each)]
    shown = [shapes.summary(call.paths, each, call.flag("size"), call.version) for each in (found[:limit] if limit > 0 else found)]
    linked = links.names(each.record for each in every)
    for document in shown:
        document["Names"] += [f"/{name}" for name in linked.get(document["Id"], [])]
    return Answer(shown)


def inspect(call: Call) -> Answer:
    """GET /containers/NAME/json, which is OTHER/ALIAS for a link"""
    record = links.named(call.paths, call.name) if "/" in call.name else names.container(call)
    return Answer(shapes.container(call.paths, record, call.flag("size"), call.version))


def rename(call: Call) -> Answer:
    """POST /containers/ID/rename"""
    new = call.text("name").removeprefix("/")
    check_name(new)
    record = names.container(call)
    with locks.ContainerLock(call.paths, record["id"]):
        call.run().apply(Rename(call.paths, record["id"], new))
    return DONE


def remove(call: Call) -> Answer:
    """DELETE /containers/NAME, which is NAME/ALIAS for a link"""
    force, volumes = call.flag("force"), call.flag("v")
    if call.flag("link"):
        call.run().apply(links.removal(call.paths, call.name))
        return DONE
    record = names.container(call)
    try:
        remove_container(call.paths, record["id"], call.name, force, volumes)
    except Conflict as error:
        status = state.status(call.paths, record)
        hint = "Stop the container before attempting removal or force remove"
        raise Conflict(f"You cannot remove a {status} container {record['id']}. {hint}") from error
    return DONE


def update(call: Call) -> Answer:
    """POST /containers/ID/update"""
    from mydocker.api.limits import updated
    from mydocker.engine.container import update as engine

    wanted = updated(call.document(), call.version)
    record = names.container(call)
    call.run().execute(engine.steps(call.paths, record, wanted))
    return Answer({"Warnings": None})


def prune(call: Call) -> Answer:
    """POST /containers/prune"""
    from mydocker.api.pruning import pruned
    from mydocker.engine.system import pruning

    texts = call.filters()
    found = pruned(call, "container", lambda pruning_: pruning.of_containers(pruning_, texts))
    return Answer({"ContainersDeleted": found.lines or None, "SpaceReclaimed": found.reclaimed})
