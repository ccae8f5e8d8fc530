"""The verbs context ls, show, inspect and use. There is one context: this machine, whose API is at STATE/docker.sock."""

from __future__ import annotations

from mydocker.cli.base import Session, echo
from mydocker.cli.inspect import print_all
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import ANY, argument, option, switch, verb
from mydocker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.inspect import Document

_NAME = "default"
_COLUMNS = {"Name": "NAME", "Description": "DESCRIPTION", "DockerEndpoint": "DOCKER ENDPOINT", "Error": "ERROR"}
_IN_MEMORY = "<IN MEMORY>"


@verb(
    switch("-q", "--quiet", help="Print names only."),
    FORMAT,
    name="ls",
)
def list_(session: Session, quiet: bool, form: str | None) -> None:
    """List contexts: there is one, this machine.

    Example: mydocker context ls
    """
    if quiet:
        return echo(_NAME)
    mark = "" if form and not form.startswith("table") else " *"
    row = {"Name": _NAME + mark, "Description": "This machine", "DockerEndpoint": _endpoint(session), "Error": "", "Current": "true"}
    print_rows([row], _COLUMNS, form, {"Current": "CURRENT"})


def _endpoint(session: Session) -> str:
    """Return where docker's clients reach this mydocker, once `system service` listens there."""
    return f"unix://{session.paths.state}/docker.sock"


@verb()
def show(session: Session) -> None:
    """Print the name of the current context.

    Example: mydocker context show
    """
    echo(_NAME)


@verb(
    option("-f", "--format", "form", metavar="TEMPLATE", help="json or a Go template."),
    argument("names", "[CONTEXT...]", ANY),
)
def inspect(session: Session, form: str | None, names: tuple[str, ...]) -> int:
    """Print contexts as JSON.

    Example: mydocker context inspect
    """
    return print_all(names or (_NAME,), form, lambda name: _document(session, name))


def _document(session: Session, name: str) -> Document:
    _check(name)
    return {
        "Name": name,
        "Metadata": {},
        "Endpoints": {"docker": {"Host": _endpoint(session), "SkipTLSVerify": False}},
        "TLSMaterial": {},
        "Storage": {"MetadataPath": _IN_MEMORY, "TLSPath": _IN_MEMORY},
    }


def _check(name: str) -> None:
    if name != _NAME:
        raise NotFound(f"context {name!r} not found: there is only {_NAME!r}, this machine")


@verb(
    argument("name", "CONTEXT"),
)
def use(session: Session, name: str) -> None:
    """Make a context the current one. Nothing is written: there is only one.

    Example: mydocker context use default
    """
    _check(name)
    echo(name)
    echo(f'Current context is now "{name}"', err=True)
