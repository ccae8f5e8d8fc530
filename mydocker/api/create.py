"""create: a container from docker's JSON."""

from __future__ import annotations

import os

from mydocker.api.call import Answer, Call, field
from mydocker.api.errors import message_of
from mydocker.api.protocol import Refused
from mydocker.api.wanted import options
from mydocker.engine.catalog import images
from mydocker.engine.container import filling
from mydocker.engine.container.create import create as create_container
from mydocker.engine.container.create import finish, prepare
from mydocker.engine.request.checks import warnings
from mydocker.errors import BadInput, Error, NoImage, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.container.create import Prepared
    from mydocker.engine.request.options import Options
    from mydocker.steps.base import Run


def create(call: Call) -> Answer:
    """POST /containers/create"""
    config = call.document(is_needed=True)
    if platform := call.text("platform"):  # on 404 docker's client pulls the image for the platform
        images.find(call.paths, field(config, "Image", str, ""), platform=platform)
    wanted = options(config, call.text("name").removeprefix("/"), platform)
    if call.version < (1, 40):
        wanted.ipc = wanted.ipc or "shareable"
    prepared = _prepared(call, wanted)
    _as_given(prepared, config)
    _check_volume_driver(prepared)
    _make(prepared, call.run())
    return Answer({"Id": prepared.record["id"], "Warnings": warnings(wanted)}, 201)


def _prepared(call: Call, wanted: Options) -> Prepared:
    """Decide everything about the container. Of all that may be missing only its image is 404: on that, docker's client pulls.

    Its networks may be made later, as with docker: compose 1 creates containers first.
    """
    try:
        return prepare(call.paths, wanted, late=True)
    except NoImage:
        raise
    except NotFound as error:
        raise Refused(400, message_of(error)) from error


def _as_given(prepared: Prepared, config: dict[str, Any]) -> None:
    """Write into the record what only the API can say, and what inspect has to show as it was given."""
    record, host = prepared.record["config"], field(config, "HostConfig", dict, {})
    for name in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
        record[name] = field(config, name, bool, False)
    size = field(host, "ConsoleSize", list, [0, 0])
    if len(size) != 2 or not all(type(each) is int and 0 <= each <= 65535 for each in size):
        raise BadInput(f"invalid ConsoleSize {size}: expected [rows, columns]")
    prepared.record["hostConfig"]["ConsoleSize"] = size
    prepared.record["hostConfig"]["ContainerIDFile"] = field(host, "ContainerIDFile", str, "")


def _check_volume_driver(prepared: Prepared) -> None:
    """Raise BadInput for a driver that would be asked for volumes. A container without any may name one, as with docker."""
    driver = prepared.record["hostConfig"]["VolumeDriver"]
    if driver not in ("", "local") and any(mount["type"] == "volume" for mount in prepared.record["mounts"]):
        raise BadInput(f"VolumeDriver is not supported: {driver!r}")


def _make(prepared: Prepared, run: Run) -> None:
    try:
        lock = create_container(prepared, run)
        run.execute(filling.steps(prepared))
        finish(prepared, run)
    except Error:
        run.undo_all()
        raise
    os.close(lock)
