"""The child of one connection: it answers one request after the other until the client closes the connection."""

from __future__ import annotations

import os

from mydocker.api import routes
from mydocker.api.call import Answer, Call
from mydocker.api.errors import message_of, status_of
from mydocker.api.protocol import Connection, Gone
from mydocker.errors import Error, StepFailed
from mydocker.tracebacks import as_error, kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    import h11

    from mydocker.paths import Paths


def serve(paths: Paths, connection: Connection) -> None:
    """Answer all requests of a connection."""
    try:
        while (request := _request(connection)) is not None:
            _answer(paths, connection, request)
            _reap()
    except Gone:
        return  # nobody is left to tell anything
    except Exception as error:
        kept(as_error(error), paths.errors)


def _request(connection: Connection) -> h11.Request | None:
    try:
        return connection.request()
    except Error as error:
        tell(connection, error)
        return None


def _answer(paths: Paths, connection: Connection, request: h11.Request) -> None:
    try:
        _call(paths, connection, request)
    except Gone:
        raise
    except OSError as error:
        # For a full disk, or a file that is gone, the kernel's words about its object are said.
        told = StepFailed(f"{error.filename}: {error.strerror}", error.errno or 0) if error.filename else as_error(error)
        tell(connection, kept(told, paths.errors))
    except Exception as error:
        tell(connection, kept(as_error(error), paths.errors))


def _call(paths: Paths, connection: Connection, request: h11.Request) -> None:
    path, _, query = request.target.decode("ascii", "replace").partition("?")
    version, path = routes.version_of(path)
    target, words = routes.find(request.method.decode("ascii", "replace"), path)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
    found = routes.endpoint(target)(Call(paths, connection, words, query, headers, version))
    if found:
        _tell(connection, found)


def _tell(connection: Connection, answer: Answer) -> None:
    connection.answer(answer.status, answer.body, headers=answer.headers)


def tell(connection: Connection, error: Error) -> None:
    """Tell a client of an error: as the answer, or in docker's form as the last line of an answer that has begun."""
    message = message_of(error)
    if connection.is_raw:
        return
    if connection.is_begun:
        connection.line({"errorDetail": {"message": message}, "error": message})
        connection.end()
    else:
        _tell(connection, Answer({"message": message}, status_of(error)))


def _reap() -> None:
    """Wait for the monitors of containers that this process has started and that have ended since."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
