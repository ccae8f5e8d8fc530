"""The verb system service: answer docker's Engine API, as long as somebody asks."""

from __future__ import annotations

import os

from mydocker.cli.base import Session
from mydocker.cli.verb import OPTIONAL, argument, option, verb

_DEFAULT = "unix:///run/mydocker/docker.sock"
# A service that was activated is activated again, so it need not wait long.
_ACTIVATED = 5


@verb(
    option(
        "-t",
        "--time",
        "seconds",
        metavar="SECONDS",
        integers=(0, 10**9),
        help="End when nobody has been connected for so long; 0 is never [0, or 5 if a socket was passed on].",
    ),
    argument("address", "[ADDRESS]", OPTIONAL),
)
def service(session: Session, seconds: int | None, address: str | None) -> None:
    """Answer docker's Engine API at a socket, by default unix:///run/mydocker/docker.sock, for docker, compose and other clients.

    Example: mydocker system service --time 60 unix:///run/mydocker/docker.sock
    """
    from mydocker.api.listening import Place, passed_on, path_of
    from mydocker.api.service import Service

    os.chdir("/")
    listener = passed_on()
    if listener:
        Service(session.paths, listener, _ACTIVATED if seconds is None else seconds, lambda: None).run()
        return
    place = Place(path_of(address or _DEFAULT), session.paths.state)
    try:
        Service(session.paths, place.socket, seconds or 0, place.leave).run()
    finally:
        place.leave()
