"""Endpoints about one more process in a container: it is created, then started, and then asked about."""

from __future__ import annotations

from mydocker.api import names
from mydocker.api.call import EMPTY, Answer, Call, field, texts
from mydocker.api.life import resized, size_of
from mydocker.api.protocol import stream_type
from mydocker.api.relay import Relay
from mydocker.api.streams import KEYS
from mydocker.engine.container import further
from mydocker.engine.container.start import execute
from mydocker.engine.monitor.execute import running
from mydocker.engine.record import containers, events, execs
from mydocker.engine.request.values import detach_keys
from mydocker.errors import BadInput, Conflict, Error
from mydocker.messages import ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.monitor.client import Client
    from mydocker.engine.record.execs import Exec
    from mydocker.messages import WantedProcess

_STREAMS = {INPUT: "AttachStdin", OUTPUT: "AttachStdout", ERRORS: "AttachStderr"}


def create(call: Call) -> Answer:
    """POST /containers/ID/exec"""
    config = call.document(is_needed=True)
    args = texts(config, "Cmd")
    if not args:
        raise BadInput("No exec command specified")
    env, user = texts(config, "Env"), field(config, "User", str, "") or None
    directory, privileged = field(config, "WorkingDir", str, ""), field(config, "Privileged", bool, False)
    tty, keys = field(config, "Tty", bool, False), field(config, "DetachKeys", str, "")
    detach_keys(keys)
    streams = "".join(kind for kind, name in _STREAMS.items() if field(config, name, bool, False))
    size = _size(config)
    record = names.container(call)
    running(call.paths, record["id"])
    process = further.process(call.paths, record, args, tty, env, user, directory, privileged)
    made = execs.new(call.paths, record["id"], process, streams, keys, privileged, size)
    events.of_container(call.paths, record, "exec_create: " + " ".join(args), execID=made["id"])
    return Answer({"Id": made["id"]}, 201)


def _size(config: dict[str, Any]) -> list[int]:
    size: list[int] = field(config, "ConsoleSize", list, [])
    if size and (len(size) != 2 or not all(isinstance(each, int) and 0 <= each <= 65535 for each in size)):
        raise BadInput(f"invalid ConsoleSize {size}: expected [rows, columns]")
    return size


def start(call: Call) -> Answer | None:
    """POST /exec/ID/start"""
    config = call.document()
    known = execs.load(call.paths, call.name)
    # Whether output comes in frames is said here, and whether the process has a terminal where it was created.
    detach, tty = field(config, "Detach", bool, False), field(config, "Tty", bool, False)
    size = _size(config) or known["size"]
    record = containers.load(call.paths, known["container"])
    running(call.paths, record["id"])
    if not execs.claim(call.paths, known):
        raise Conflict(f"Error: Exec command {known['id']} has already run")
    streams = "" if detach else known["streams"]
    keys = detach_keys(known["detachKeys"] or KEYS) if known["tty"] else b""
    if detach:
        _started(call, known, streams, size).channel.close()
        return EMPTY
    # The connection is taken over first: the process may say something at once. What goes wrong is told in its place, as docker does.
    waiting = call.connection.hijack(stream_type(call.version, tty), call.is_upgraded)
    try:
        client = _started(call, known, streams, size)
        Relay(call.connection, client.channel, streams, not tty, keys, waiting).run()
    except Error as error:
        _tell(call, error, tty)
    return None


def _started(call: Call, known: Exec, streams: str, size: list[int]) -> Client:
    record = containers.load(call.paths, known["container"])
    process: WantedProcess = {"args": known["args"], "env": known["env"], "terminal": known["tty"], "user": known["user"] or None}
    if known["cwd"]:
        process["cwd"] = known["cwd"]
    if known["privileged"]:
        process = further.with_all_capabilities(process)
    asked = (size[0], size[1]) if size and any(size) else None
    return execute(call.paths, record, process, streams, b"", execution=known["id"], size=asked)


def _tell(call: Call, error: Error, tty: bool) -> None:
    from mydocker.api.errors import message_of
    from mydocker.api.protocol import STDERR, frame

    words = f"OCI runtime exec failed: {message_of(error)}\r\n".encode()
    call.connection.send_raw(words if tty else frame(STDERR, words))


def resize(call: Call) -> Answer:
    """POST /exec/ID/resize"""
    size = size_of(call)
    known = execs.load(call.paths, call.name)
    answer = resized(execs.socket(call.paths, known), size, f"cannot resize a stopped container: exec {known['id']} does not run")
    return Answer(answer.document, 201 if call.version < (1, 40) else 200)


def inspect(call: Call) -> Answer:
    """GET /exec/ID/json"""
    known = execs.load(call.paths, call.name)
    is_running = execs.is_running(call.paths, known)
    entrypoint, *arguments = known["args"]
    process: dict[str, Any] = {"tty": known["tty"], "entrypoint": entrypoint, "arguments": arguments, "privileged": known["privileged"]}
    return Answer(
        {
            "ID": known["id"],
            "Running": is_running,
            "ExitCode": known["exitCode"] if known["exitCode"] is not None else None if is_running or not known["pid"] else 137,
            "ProcessConfig": {**process, "user": known["user"]} if known["user"] else process,
            "OpenStdin": INPUT in known["streams"],
            "OpenStderr": ERRORS in known["streams"],
            "OpenStdout": OUTPUT in known["streams"],
            "CanRemove": known["exitCode"] is not None,
            "ContainerID": known["container"],
            "DetachKeys": known["detachKeys"],
            "Pid": known["pid"],
        }
    )
