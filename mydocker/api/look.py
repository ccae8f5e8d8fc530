"""Endpoints that look into a container: its processes, its changes, what it uses."""

from __future__ import annotations

import shlex
import time

from mydocker.api import names
from mydocker.api.call import Answer, Call
from mydocker.api.usage import Usage
from mydocker.cgroups.layout import Layout
from mydocker.engine.container import processes, snapshots
from mydocker.engine.record import containers, state
from mydocker.errors import BadInput, NotFound
from mydocker.storage import drivers

_INTERVAL = 1.0
_KINDS = {"C": 0, "A": 1, "D": 2}


def top(call: Call) -> Answer:
    """GET /containers/ID/top"""
    try:
        options = shlex.split(call.text("ps_args"))
    except ValueError as error:
        raise BadInput(f"invalid ps_args {call.text('ps_args')!r}: {error}") from error
    record = names.container(call)
    heading, rows = processes.table(call.paths, record, options)
    return Answer({"Processes": rows, "Titles": heading})


def changes(call: Call) -> Answer:
    """GET /containers/ID/changes"""
    record = names.container(call)
    driver = drivers.driver(record["storageDriver"], call.paths)
    found = snapshots.changes(call.paths, driver, record)
    return Answer([{"Path": change.path, "Kind": _KINDS[change.kind]} for change in found] or None)


def stats(call: Call) -> Answer | None:
    """GET /containers/ID/stats"""
    record = names.container(call)
    stream, layout = call.flag("stream", True), Layout.detect(call.paths)
    before = Usage(call.paths, layout, record)
    if not stream and (call.flag("one-shot") or not before.pid):
        return Answer(before.document(None))
    if not stream:
        time.sleep(_INTERVAL)
        return Answer(Usage(call.paths, layout, record).document(before))
    call.connection.begin()
    _stream(call, layout, before)
    call.connection.end()
    return None


def _stream(call: Call, layout: Layout, before: Usage) -> None:
    """Send what a container uses, every second, until it is removed or the client goes away."""
    last = None
    container_id = before.record["id"]
    while not call.connection.is_gone():
        call.connection.line(before.document(last))
        _pause(call)
        try:
            record = containers.load(call.paths, container_id)
            state.running_pid(call.paths, container_id)
            last, before = before, Usage(call.paths, layout, record)
        except NotFound:
            return


def _pause(call: Call) -> None:
    from select import poll

    poller = poll()
    poller.register(call.connection.fileno(), 0)
    poller.poll(_INTERVAL * 1000)
