"""What all verbs share: groups that import lazily, docker's and the seed's spellings, --explain, and errors as exit statuses."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from mydocker.cli.table import harmless
from mydocker.errors import BadInput, Conflict, Error, NotFound, Unexpected
from mydocker.paths import Paths
from mydocker.tracebacks import as_error, kept

# The seed's one-dash spellings of long options.
SEED_SPELLINGS = {"-cpuset": "--cpuset-cpus", "-cpushare": "--cpu-shares", "-net": "--network", "-name": "--name"}

_TRUE, _FALSE = ("true", "t", "1"), ("false", "f", "0")

# Verbs that exit with 125 when they refuse. So their status differs from that of the container's command. 'volume create' is not one.
STATUS_125 = [group + verb for group in ("mydocker ", "mydocker container ") for verb in ("run", "create", "exec")]
_VERB, _ERRORS = "mydocker.verb", "mydocker.errors"


class Session:
    """The settings of one command line.

    paths: where everything is
    explain: how steps are explained: None for not at all, 'text', 'sh' or 'json'
    dry_run: whether steps are only described, and not done
    """

    def __init__(self, paths: Paths, explain: str | None, dry_run: bool) -> None:
        self.paths = paths
        self.explain = explain
        self.dry_run = dry_run


def explain_option(command: Any) -> Any:
    """Add --explain[=sh|json] and --dry-run to a command. A Normalising command reads --explain alone as --explain=text."""
    dry_run = click.option("--dry-run", is_flag=True, help="Print the steps without doing them.")
    explain = click.option("--explain", type=click.Choice(["text", "sh", "json"]), help="Print each step as it is done [text, sh or json].")
    return explain(dry_run(command))


class Normalising(click.Command):
    """A command that also reads the seed's spellings, --explain without a value, and docker's --FLAG=true and --FLAG=false."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._normalised(ctx, args))

    def _normalised(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Return the words with the options before the first argument rewritten.

        What follows the first argument belongs to the container and stays as it is, unless options may stand there too.
        """
        parameters = self.get_params(ctx)
        takes_value = {name: not getattr(p, "is_flag", True) for p in parameters for name in (*p.opts, *p.secondary_opts)}
        opposites = {name: p.secondary_opts[:1] for p in parameters for name in p.opts if not takes_value[name]}
        result: list[str] = []
        rest = list(args)
        while rest and (self.allow_interspersed_args or rest[0].startswith("-")) and rest[0] != "--":
            word = self._spelled(rest.pop(0))
            result += self._switched(word, opposites)
            if rest and self._wants_value(word, takes_value):
                result.append(rest.pop(0))
        return result + rest

    @staticmethod
    def _spelled(word: str) -> str:
        name, equals, value = word.partition("=")
        return SEED_SPELLINGS.get(name, name) + equals + value if word != "--explain" else "--explain=text"

    @staticmethod
    def _switched(word: str, opposites: dict[str, list[str]]) -> list[str]:
        """Return the words that click knows for docker's --FLAG=true (the flag) and --FLAG=false (its opposite, or nothing)."""
        name, _, value = word.partition("=")
        if name not in opposites or value.lower() not in _TRUE + _FALSE:
            return [word]
        return [name] if value.lower() in _TRUE else opposites[name]

    @staticmethod
    def _wants_value(word: str, takes_value: dict[str, bool]) -> bool:
        if not word.startswith("-") or word.startswith("--"):
            return "=" not in word and takes_value.get(word, False)
        # In a cluster such as -itv, the first letter that takes a value takes the rest of the word, or else the next word.
        for position, letter in enumerate(word[1:], 1):
            if takes_value.get("-" + letter, False):
                return position == len(word) - 1
        return False


class Verb(Normalising):
    """A verb.

    interspersed: False if nothing after the first argument is an option (docker's rule for run, create and exec)
    """

    def __init__(self, *args: Any, interspersed: bool = True, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.allow_interspersed_args = interspersed

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_VERB] = ctx.command_path
        session = ctx.find_object(Session)
        if session is not None:
            ctx.meta[_ERRORS] = session.paths.errors
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        session = ctx.find_object(Session)
        if session is not None:
            session.explain = ctx.params.pop("explain", None) or session.explain
            session.dry_run = ctx.params.pop("dry_run", False) or session.dry_run
        return super().invoke(ctx)


class LazyGroup(Normalising, click.Group):
    """A group that imports a verb's module only when that verb is called.

    verbs: {verb: 'MODULE:FUNCTION' of mydocker.cli}
    hidden: the verbs that --help does not list
    """

    def __init__(self, *args: Any, verbs: dict[str, str], hidden: tuple[str, ...] = (), **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.allow_interspersed_args = False
        self.verbs = verbs
        self.hidden_verbs = hidden

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(set(self.verbs) - set(self.hidden_verbs))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.verbs:
            return None
        module, attribute = self.verbs[name].split(":")
        command: click.Command = getattr(import_module(f"mydocker.cli.{module}"), attribute)
        return command


def run(group: click.Command, args: list[str]) -> int:
    """Run a command line, and return its exit status. A failure is printed on standard error as one line."""
    meta: dict[str, str] = {}
    try:
        with group.make_context("mydocker", list(args)) as ctx:
            meta = ctx.meta
            status = group.invoke(ctx)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 0
    except (click.ClickException, Error) as error:
        return _refused(error, meta)
    except (KeyboardInterrupt, EOFError, click.Abort):
        return 130
    except BrokenPipeError:
        # The reader has gone away (mydocker ps | head -1). Nothing more can be written, and the flush at exit must not try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except OSError as error:
        # For a full disk, or a root without permission, the kernel's words about its object are said.
        return _refused(Error(f"{error.filename or 'mydocker'}: {error.strerror or error}"), meta)
    except Exception as error:
        return _refused(as_error(error), meta)


def _refused(error: click.ClickException | Error, meta: dict[str, Any]) -> int:
    """Print why a verb failed, and return its exit status. meta: click's, which has the verb if one was found."""
    verb = meta.get(_VERB, "")
    status = 125 if verb in STATUS_125 or _is_about_a_flag(error) else 1
    if isinstance(error, click.ClickException):
        words = ["mydocker", *verb.split()[1:], "--help"]
        complain(_as_ours(error.format_message()), f"try: {' '.join(words)}" if isinstance(error, click.UsageError) else None)
        return status
    complain_about(error, meta.get(_ERRORS))
    # As docker's exec: 125 means that the process could not be started, 1 that there is no container to start it in.
    no_container = isinstance(error, (NotFound, Conflict)) and verb.endswith(" exec")
    return error.exit_status or (1 if no_container else status)


def _is_about_a_flag(error: click.ClickException | Error) -> bool:
    """Say whether an error is about an option that is unknown or not understood. docker exits with 125 for that, whatever the verb."""
    is_value = isinstance(error, click.BadParameter) and isinstance(error.param, click.Option)
    return is_value or isinstance(error, (click.NoSuchOption, click.BadOptionUsage))


def _as_ours(message: str) -> str:
    """Return click's sentence in the form of our error messages."""
    return message[:1].lower() + message[1:].removesuffix(".")


def complain(message: str, hint: str | None = None) -> None:
    """Print an error on standard error as one line, and the hint on a line of its own."""
    lines = [f"mydocker: {message}", *([f"hint: {hint}"] if hint else [])]
    print("\n".join(map(harmless, lines)), file=sys.stderr)


def complain_about(error: Error, directory: str | None = None) -> None:
    """Print an error. If nobody foresaw it, also print where its traceback is.

    directory: STATE/errors, needed only if click has no context, as before and after a verb
    """
    if isinstance(error, Unexpected):
        context = click.get_current_context(silent=True)
        error = kept(error, directory or (context and context.meta.get(_ERRORS)) or Paths.from_environment().errors)
    complain(error.message, error.hint)


def check_terminal(wanted: bool) -> None:
    """Raise BadInput if a terminal is wanted and standard input is not one."""
    if wanted and not os.isatty(0):
        raise BadInput("-t with -i needs a terminal, and standard input is none", "leave out -t in a script or a pipe")


def each(names: tuple[str, ...], action: Any) -> int:
    """Call `action(name)` for each name. Go on after a failure, and return 1 if there was one, else 0."""
    status = 0
    for name in names:
        try:
            action(name)
        except Error as error:
            complain_about(error)
            status = 1
    return status
