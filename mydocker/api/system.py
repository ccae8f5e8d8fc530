"""Endpoints about the whole: ping, version, info, plugins."""

from __future__ import annotations

from mydocker.api.call import EMPTY, Answer, Call
from mydocker.engine.view import host


def ping(call: Call) -> None:
    """GET and HEAD /_ping"""
    uncached = (("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"))
    headers = (("Builder-Version", "1"), ("Swarm", "inactive"), *uncached)
    call.connection.answer(200, b"OK", "text/plain; charset=utf-8", headers)


def options(_: Call) -> Answer:
    """OPTIONS of any path, which a browser may ask first: docker says no more than that there is somebody."""
    return EMPTY


def version(call: Call) -> Answer:
    """GET /version"""
    return Answer(host.version())


def info(call: Call) -> Answer:
    """GET /info"""
    from mydocker.engine.system.info import info as facts

    return Answer(host.info(call.paths, facts(call.paths)))


def plugins(_: Call) -> Answer:
    """GET /plugins: there are none, and none can be installed"""
    return Answer([])
