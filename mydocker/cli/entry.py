"""The entry point of the mydocker command. If there will be a monitor, it is started here, before the verb's modules are imported."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module takes 4 ms, as it wraps this in enums
import os
import sys

from mydocker import frozen
from mydocker.cli.verbs import ALL
from mydocker.paths import Paths
from mydocker.program import open_streams
from mydocker.tracebacks import as_error, kept

_VERBS = ("run", "start", "exec")


def main() -> None:
    """Run the command line and exit with its status."""
    # The files of containers and images must not depend on who makes them. Files that are not for everybody get their own mode.
    os.umask(0o022)
    try:
        open_streams()
        # Ctrl-C waits until it can be answered, because Python prints an interrupt in the middle of an import. The launcher does it, too.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGINT])
        _import(sys.argv[1:])
        from mydocker.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        os._exit(130)
    except Exception as error:
        os._exit(_fail(error))


def _import(args: list[str]) -> None:
    """Import what a command line's verb does, from the files of freeze.py. If it looks as if there will be a monitor, start it before."""
    if needs_monitor(args):
        frozen.load("start")
        from mydocker.engine.monitor import launcher

        launcher.start_early()
    if not frozen.load(module_of(_words(args))):
        frozen.load("main")


def needs_monitor(args: list[str]) -> bool:
    """Say whether a command line looks as if it starts a container or enters one. A wrong answer costs only a process."""
    words = _words(args)
    return bool(words) and (words[0] in _VERBS or words in [["container", verb] for verb in _VERBS])


def module_of(words: list[str]) -> str:
    """Return the name of the module that a verb is in, '' if no word is a verb. A group's has its name with an s: network, networks.py."""
    word = next((word for word in words if word in ALL and word != "container"), "")
    module = ALL.get(word, "").partition(":")[0]
    return f"{word}s" if module == "groups" else module


def _words(args: list[str]) -> list[str]:
    """Return the first two words of a command line that are no options."""
    words: list[str] = []
    rest = iter(args)
    for word in rest:
        if word in ("--root", "--state"):
            next(rest, None)
        elif not word.startswith("-"):
            words.append(word)
        if len(words) == 2:
            break
    return words


def _fail(error: Exception) -> int:
    """Print an error from before the command line was read or from after the verb was done. Return the exit status."""
    told = kept(as_error(error), Paths.from_environment().errors)
    print(f"mydocker: {told.message}", file=sys.stderr, flush=True)
    return 125 if needs_monitor(sys.argv[1:]) else 1
