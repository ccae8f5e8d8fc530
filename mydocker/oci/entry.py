"""Where mydocker-oci starts: the words before the verb, the verb's module and nothing else, and the only place that ends it."""

from __future__ import annotations

import gc
import os
import sys

from mydocker.errors import BadInput, Error, Unexpected, Unsupported
from mydocker.oci.arguments import parse
from mydocker.oci.settings import FLAGS, Settings
from mydocker.oci.verbs import REFUSED, VERBS, usage, version
from mydocker.paths import Paths
from mydocker.tracebacks import as_error, kept, story

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


def main(sealed: bool = False) -> NoReturn:
    """Run the command line and exit with its status, without the 1 ms that an interpreter takes to clean up."""
    os.umask(0o022)  # a container's directories must not depend on the caller's
    status = command_line(sys.argv[1:], sealed)
    sys.stdout.flush()
    os._exit(status)


def command_line(words: list[str], sealed: bool = False) -> int:
    """Run one command; return its exit status: 1 for every error, the container's own for run and exec in the foreground."""
    settings: Settings | None = None
    try:
        found = parse(words, FLAGS, mixed=False)
        if found.on("version"):
            return _print(version())
        if found.on("help") or not found.words or found.words[0] == "help":
            return _print(usage())
        settings = Settings(found, sealed)
        return _run(settings, found.words[0], found.words[1:])
    except Error as error:
        return _fail(settings, error)
    except OSError as error:
        return _fail(settings, Error(f"{error.filename}: {error.strerror}" if error.filename else str(error)))
    except KeyError as error:
        return _fail(settings, Unexpected(f"property {error} is missing", story(error)))
    except (TypeError, AttributeError, ValueError) as error:
        # config.json is somebody else's: what its schema rules out, and nothing here looks for, ends up here.
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
    module = _load(verb.module)
    try:
        arguments = parse(words, getattr(module, verb.flags), verb.least, verb.most, mixed=verb.mixed)
    except BadInput as error:
        raise BadInput(error.message, f"mydocker-oci {name} {verb.synopsis}") from error
    status: int = getattr(module, verb.function)(settings, arguments)
    return status


def _load(name: str) -> Any:
    """Import a verb's module. Nothing of what that makes is garbage: looking through it again and again would take a tenth of the time."""
    gc.disable()
    module = __import__(f"mydocker.oci.{name}", fromlist=[name])
    gc.freeze()
    gc.enable()
    return module


def _print(text: str) -> int:
    sys.stdout.write(text)
    return 0


def _fail(settings: Settings | None, error: Error) -> int:
    # Among the containers of --root it would look like one of them.
    error = kept(error, Paths.from_environment().errors)
    if settings:
        settings.log("error", error.message)
    sys.stderr.write(f"mydocker-oci: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
    sys.stderr.flush()
    return 1
