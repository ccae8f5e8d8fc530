"""events: what has happened, and what happens now."""

from __future__ import annotations

from mydocker.api.call import Call
from mydocker.engine.record import filters, history


def events(call: Call) -> None:
    """GET /events"""
    tests = {**history.TESTS, "daemon": _never, "plugin": _never, "service": _never, "node": _never, "secret": _never, "config": _never}
    fits = filters.parse(call.filters(), tests)
    begin, end = history.span(call.text("since"), call.text("until"))
    connection = call.connection
    connection.begin()
    for event in history.history(call.paths, begin, end, lambda: not connection.is_gone(), (connection.fileno(),)):
        if fits(event):
            connection.line(event)
    connection.end()


def _never(event: object, value: str) -> bool:
    """Say that no event is about something that is not here."""
    return False
