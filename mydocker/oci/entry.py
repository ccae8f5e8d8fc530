"""The entry of mydocker-oci.

It reads the flags before the verb and imports only the module of the verb. It is the only place that turns an error into an exit status.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import gc
import os
import sys

from mydocker import frozen
from mydocker.errors import BadInput, Error, Unexpected, Unsupported
from mydocker.oci.arguments import parse
from mydocker.oci.settings import FLAGS, Settings
from mydocker.oci.verbs import REFUSED, VERBS, usage, version
from mydocker.paths import Paths
from mydocker.program import open_streams
from mydocker.tracebacks import as_error, kept, story

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


def main(sealed: bool = False) -> NoReturn:
    """Execute the command line and exit with its status. os._exit saves the 1 ms that an interpreter takes to clean up.

    sealed: whether this interpreter was executed from a read-only view of it, see sealing.py.
    """
    os.umask(0o022)  # A container's directories must not depend on the caller's umask.
    open_streams()
    # The launcher has blocked it, and a container's program would inherit that.
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])
    status = command_line(sys.argv[1:], sealed)
    sys.stdout.flush()
    os._exit(status)


def command_line(words: list[str], sealed: bool = False) -> int:
    """Execute one command and return its exit status.

    The status is 1 for every error, except that it is 255 for those of exec, as with runc: exec passes on the status of its process, which
    may well be 1. For run and exec in the foreground it is that of the container's process.
    """
    settings: Settings | None = None
    try:
        found = parse(words, FLAGS, mixed=False)
        if found.on("version"):
            return _print(version())
        if found.on("help") or not found.words or found.words[0] == "help":
            return _print(usage())
        settings = Settings(found, sealed)
        settings.verb = found.words[0]
        return _run(settings, found.words[0], found.words[1:])
    except Error as error:
        return _fail(settings, error)
    except OSError as error:
        return _fail(settings, Error(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
    except KeyError as error:
        return _fail(settings, Unexpected(f"property {error} is missing", story(error)))
    except (TypeError, AttributeError, ValueError) as error:
        # config.json comes from somebody else. A wrong value in it that no check has found leads to one of these.
        return _fail(settings, Unexpected(f"invalid value: {error}", story(error)))
    except Exception as error:
        return _fail(settings, as_error(error))


def _run(settings: Settings, name: str, words: list[str]) -> int:
    if name in REFUSED:
        raise Unsupported(f"{name}: mydocker-oci neither makes nor restores checkpoints")
    if name not in VERBS:
        raise BadInput(f"unknown command {name!r}", "mydocker-oci --help lists them")
    verb = VERBS[name]
    if words[:1] in (["--help"], ["-h"]):
        return _print(f"mydocker-oci {name} {verb.synopsis}\n")
    module = _load(name, verb.module)
    try:
        arguments = parse(words, getattr(module, verb.flags), verb.least, verb.most, mixed=verb.mixed)
    except BadInput as error:
        raise BadInput(error.message, f"mydocker-oci {name} {verb.synopsis}") from error
    status: int = getattr(module, verb.function)(settings, arguments)
    return status


def _load(verb: str, name: str) -> Any:
    """Import the module of a verb. name: the module's

    What an import makes is not garbage. The collector is off meanwhile, because its searches would take a tenth of the time.
    """
    gc.disable()
    frozen.load(f"oci-{verb}")
    module = __import__(f"mydocker.oci.{name}", fromlist=[name])
    gc.freeze()
    gc.enable()
    return module


def _print(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _fail(settings: Settings | None, error: Error) -> int:
    # The traceback is not written below --root, because there the directory would look like a container.
    error = kept(error, Paths.from_environment().errors)
    if settings:
        settings.log("error", error.message)
    sys.stderr.write(f"mydocker-oci: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
    sys.stderr.flush()
    return 255 if settings and settings.verb == "exec" else 1
