"""The verb events: print what has happened, and what happens now."""

from __future__ import annotations

import sys
import time

from mydocker import leanjson
from mydocker.cli.base import Session, echo
from mydocker.cli.rows import filter_option
from mydocker.cli.table import harmless
from mydocker.cli.template.compile import compile_template
from mydocker.cli.verb import option, verb
from mydocker.engine.record import filters, history

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.record.events import Event


@verb(
    option("--since", metavar="TIME", help="Begin with what happened since: a time, or a span such as 10m [now]."),
    option("--until", metavar="TIME", help="End there [never]."),
    filter_option("type, event, container, image, volume, network, label, scope"),
    option("--format", "form", metavar="TEMPLATE", help="json, or a Go template."),
)
def events(session: Session, since: str | None, until: str | None, texts: tuple[str, ...], form: str | None) -> None:
    """Print what happens to containers, images, volumes and networks, a line each.

    Example: mydocker events --since 10m --filter event=die
    """
    fits = filters.parse(texts, history.TESTS)
    show = _shower(form)
    for event in history.history(session.paths, *history.span(since or "", until or "")):
        if fits(event):
            echo(show(event))
            sys.stdout.flush()


def _shower(form: str | None) -> Callable[[Event], str]:
    if not form:
        return _line
    if form == "json":
        return leanjson.text
    return compile_template(form)


def _line(event: Event) -> str:
    attributes = ", ".join(f"{key}={value}" for key, value in sorted(event["Actor"]["Attributes"].items()))
    about = f"{event['Type']} {event['Action']} {event['Actor']['ID']}"
    return harmless(f"{_local(event['timeNano'])} {about}" + (f" ({attributes})" if attributes else ""))


def _local(moment: int) -> str:
    """Return a time as RFC 3339 in the caller's time zone. moment: nanoseconds since 1970."""
    seconds, rest = divmod(moment, 10**9)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{rest:09d}{zone[:3]}:{zone[3:]}"
