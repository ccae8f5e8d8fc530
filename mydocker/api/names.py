"""Finding what a path names."""

from __future__ import annotations

from mydocker.engine.record import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.api.call import Call
    from mydocker.engine.record.containers import Record


def container(call: Call) -> Record:
    """Return the record of the container that the path names, by its name, its id or the beginning of that. Raises NotFound."""
    return containers.load(call.paths, containers.resolve(call.paths, call.name))
