"""click's form of the command line. It prints --help, completes words, and says what is wrong with a line that the lean reader declines."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click

from mydocker.cli.base import complain, echo, place
from mydocker.cli.spelling import normalised
from mydocker.cli.verb import ANY, ANY_INTEGER, ONE, SOME, Argument, Flag, Group, Verb
from mydocker.version import VERSION

Perform = Callable[[list[str], Verb, dict[str, Any], dict[str, Any]], int]


class _Command(click.Command):
    """A verb."""

    def __init__(self, verb: Verb) -> None:
        parameters = [*map(_option, verb.flags), *map(_argument, verb.arguments)]
        super().__init__(verb.name, params=parameters, help=verb.help, callback=self._called)
        self.allow_interspersed_args = verb.is_interspersed
        self.verb = verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        place.verb = ctx.command_path
        return super().parse_args(ctx, normalised(self.verb, args))

    def _called(self, **values: Any) -> int:
        context = click.get_current_context()
        perform: Perform = context.obj
        return perform(context.command_path.split(), self.verb, context.find_root().params, values)


class _Group(click.Group):
    """A group of verbs, whose modules are imported when they are called."""

    def __init__(self, group: Group) -> None:
        more: dict[str, Any] = {"callback": _alone, "invoke_without_command": True} if group.flags else {}
        super().__init__(group.name, params=[*map(_option, group.flags)], help=group.help, **more)
        self.ours = group

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, normalised(self.ours, args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(set(self.ours.verbs) - set(self.ours.hidden))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args == ["help"]:
            echo(ctx.get_help())
            ctx.exit()
        if args[0] == "help":
            args = [*args[1:], "--help"]  # docker's `help VERB`
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args[0] in self.ours.absent:
                raise click.UsageError(f"{args[0]} is not supported: {self.ours.absent[args[0]]}", ctx) from error
            for close in get_close_matches(args[0], self.list_commands(ctx), 1):
                raise click.UsageError(f"no such command {args[0]!r}: did you mean {close!r}?", ctx) from error
            raise

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        member = self.ours.member(name)
        return command(member) if member else None


def _alone(version: bool, **_: Any) -> None:
    """Do what mydocker does without a verb."""
    context = click.get_current_context()
    if version:
        echo(f"mydocker version {VERSION}")
        context.exit()
    if context.invoked_subcommand is None:
        echo(context.get_help())


def command(member: Verb | Group) -> click.Command:
    """Return click's form of a verb or group."""
    made = _Command(member) if isinstance(member, Verb) else _Group(member)
    made.context_settings = {"help_option_names": ["--help"]}
    return made


def _option(flag: Flag) -> click.Option:
    names = list(flag.names)
    names[-1:] = ["/".join([names[-1], *flag.opposites])]
    more: dict[str, Any] = {"help": flag.help, "hidden": flag.is_hidden, "metavar": flag.metavar, "multiple": flag.is_repeatable}
    if not flag.takes_value:
        return click.Option([*names, flag.into], is_flag=True, default=flag.default, help=flag.help, hidden=flag.is_hidden)
    if flag.default not in (None, ()):
        more["default"] = flag.default
    return click.Option([*names, flag.into], type=_type(flag), **more)


def _type(flag: Flag) -> click.ParamType[Any] | None:
    if flag.choices:
        return click.Choice(flag.choices)
    if flag.integers is None:
        return None
    return click.INT if flag.integers == ANY_INTEGER else click.IntRange(*flag.integers)


def _argument(argument: Argument) -> click.Argument:
    return click.Argument(
        [argument.into],
        metavar=argument.metavar,
        nargs=-1 if argument.count in (ANY, SOME) else 1,
        required=argument.count in (ONE, SOME),
        type=click.Choice(argument.choices) if argument.choices else click.UNPROCESSED,
        **({} if argument.default is None else {"default": argument.default}),
    )


def run(group: Group, words: list[str], perform: Perform) -> int:
    """Run a command line, and return its exit status. What click does not take is printed on standard error as one line.

    perform: called with the groups and the verb by name, the verb, the options before it, and its own values
    """
    root = command(group)
    try:
        with root.make_context(group.name, list(words), obj=perform) as ctx:
            status = root.invoke(ctx)
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        echo(error.format_message(), err=True)
        return 0
    except click.ClickException as error:
        return _refused(error)
    except click.Abort:
        return 130


def _refused(error: click.ClickException) -> int:
    """Print why a line was not taken, and return the exit status."""
    hint = None
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else place.verb
        hint = f"try: {' '.join(['mydocker', *path.split()[1:], '--help'])}"
    message = error.format_message()
    complain(message[:1].lower() + message[1:].removesuffix("."), hint)
    # docker exits with 125 for an option that it does not know, whatever the verb.
    return 125 if _is_about_a_flag(error) else place.status_of_refusal()


def _is_about_a_flag(error: click.ClickException) -> bool:
    """Say whether an error is about an option that is unknown or not understood."""
    is_value = isinstance(error, click.BadParameter) and isinstance(error.param, click.Option)
    return is_value or isinstance(error, (click.NoSuchOption, click.BadOptionUsage))
