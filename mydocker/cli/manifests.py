"""The verbs of `manifest`: lists of images for several platforms."""

from __future__ import annotations

import base64
import json

from mydocker.cli.base import EXPLAIN, Session, each, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import SOME, argument, meaningless, option, switch, verb
from mydocker.engine.transfer import lists
from mydocker.errors import BadInput, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.transfer.lists import Member

_INSECURE = meaningless("--insecure", why="/etc/mydocker/config.json names the registries without TLS")
_LIST = argument("name", "LIST")


@verb(
    switch("-a", "--amend", help="Add to a list that is there."),
    _INSECURE,
    *EXPLAIN,
    _LIST,
    argument("images", "IMAGE", count=SOME),
)
def create(session: Session, amend: bool, name: str, images: tuple[str, ...]) -> None:
    """Make a list of images that a registry has, each for another platform.

    Example: mydocker manifest create registry.example/web:1 registry.example/web:1-amd64 registry.example/web:1-arm64
    """
    wanted = lists.name_of(name)
    runner(session).execute(lists.create_steps(session.paths, wanted, [lists.name_of(image) for image in images], amend))
    if not session.dry_run:
        echo(f"Created manifest list {wanted.canonical}")


@verb(
    option("--arch", metavar="ARCH", help="The architecture, as Go names it."),
    option("--os", "system", metavar="OS", help="The operating system."),
    option("--os-version", "version", metavar="VERSION", help="The operating system's version."),
    option("--os-features", "features", metavar="FEATURE", many=True, help="What the operating system has to have."),
    option("--variant", metavar="VARIANT", help="The architecture's variant, such as v7."),
    *EXPLAIN,
    _LIST,
    argument("image"),
)
def annotate(
    session: Session,
    arch: str | None,
    system: str | None,
    version: str | None,
    features: tuple[str, ...],
    variant: str | None,
    name: str,
    image: str,
) -> None:
    """Say for which platform an image of a list is.

    Example: mydocker manifest annotate --arch arm --variant v7 web:1 web:1-arm
    """
    fields = {"architecture": arch, "os": system, "os.version": version, "os.features": list(features), "variant": variant}
    given = {key: value for key, value in fields.items() if value}
    runner(session).apply(lists.annotate_step(lists.name_of(name), lists.name_of(image), given))


@verb(
    switch("-v", "--verbose", help="Each image's name, descriptor and manifest too."),
    _INSECURE,
    argument("names", "[LIST] IMAGE", count=SOME),
)
def inspect(session: Session, verbose: bool, names: tuple[str, ...]) -> None:
    """Show a list that is made here, an image of it, or what a registry has under a name.

    Example: mydocker manifest inspect alpine:3
    """
    if len(names) > 2:
        raise BadInput(f"manifest inspect takes a list and one of its images, not {len(names)} names")
    name = lists.name_of(names[0])
    if len(names) == 2:
        found = lists.member(name, lists.name_of(names[1]))
        _show(_told(found) if verbose else _manifest(found))
        return
    try:
        members = lists.members(name)
    except NotFound:
        _show(_told(lists.fetched(session.paths, name)) if verbose else json.loads(lists.manifest_of(session.paths, name)[1]))
        return
    _show([_told(each) for each in members] if verbose else json.loads(lists.document(name)[0]))


def _manifest(member: Member) -> Any:
    return json.loads(base64.b64decode(member["Raw"]))


def _told(member: Member) -> dict[str, Any]:
    return {"Ref": member["Ref"], "Descriptor": member["Descriptor"], "Raw": member["Raw"], "SchemaV2Manifest": _manifest(member)}


def _show(document: Any) -> None:
    echo(json.dumps(document, indent="\t", ensure_ascii=False))


@verb(
    switch("-p", "--purge", help="Forget the list here afterwards."),
    _INSECURE,
    *EXPLAIN,
    _LIST,
)
def push(session: Session, purge: bool, name: str) -> None:
    """Send a list to its registry.

    Example: mydocker manifest push --purge registry.example/web:1
    """
    wanted, run = lists.name_of(name), runner(session)
    digest = lists.push(session.paths, wanted, run)
    if not session.dry_run:
        echo(digest)
    if purge:
        run.apply(lists.removal(wanted))


@verb(
    *EXPLAIN,
    argument("names", "LIST", count=SOME),
)
def remove(session: Session, names: tuple[str, ...]) -> int:
    """Forget lists that are made here. What a registry has stays.

    Example: mydocker manifest rm registry.example/web:1
    """
    return each(names, lambda name: runner(session).apply(lists.removal(lists.name_of(name))))
