"""The verbs pull, push, login, logout and search."""

from __future__ import annotations

import sys

from mydocker.cli.archives import MAX_SIZE, NO_BLOBS, PLATFORM, ignored
from mydocker.cli.asking import answer
from mydocker.cli.base import EXPLAIN, Session, echo, warn
from mydocker.cli.execution import runner
from mydocker.cli.flags import NO_TRUST, OF_PLATFORM
from mydocker.cli.progress import Layers
from mydocker.cli.reading import read
from mydocker.cli.rows import FORMAT, print_rows
from mydocker.cli.verb import OPTIONAL, argument, option, switch, verb
from mydocker.engine.catalog.images import Image, find
from mydocker.engine.record import filters
from mydocker.engine.request.values import size as parse_size
from mydocker.engine.transfer import accounts
from mydocker.engine.transfer import pull as pulling
from mydocker.engine.transfer import push as pushing
from mydocker.errors import BadInput
from mydocker.given import read_all
from mydocker.images.config import host_platform, platform_fields
from mydocker.images.credentials import Credentials, Keyring
from mydocker.images.reference import Reference, parse
from mydocker.storage.drivers import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from mydocker.cli.rows import Row
    from mydocker.engine.transfer.accounts import SearchResult
    from mydocker.images.config import ImageDocument

_QUIET = switch("-q", "--quiet", help="Only the name, no progress.")


@verb(
    switch("-a", "--all-tags", help="All tags of the repository."),
    _QUIET,
    PLATFORM,
    MAX_SIZE,
    NO_BLOBS,
    NO_TRUST,
    *EXPLAIN,
    argument("name", "NAME[:TAG|@DIGEST]"),
)
def pull(session: Session, all_tags: bool, quiet: bool, platform: str, max_size: str | None, no_blobs: bool, name: str) -> None:
    """Bring in an image from a registry; without a registry's name in front, from Docker Hub.

    Example: mydocker pull alpine:3
    """
    reference = parse(name)
    if all_tags and (reference.tag or reference.digest):
        raise BadInput("tag can't be used with --all-tags/-a")
    limit = None if max_size is None else parse_size(max_size)
    if not all_tags and not reference.tag and not reference.digest and not quiet and not session.dry_run:
        echo("Using default tag: latest")
    wanted = [reference.with_default_tag()]
    if all_tags:
        wanted = [Reference(domain=reference.domain, path=reference.path, tag=tag) for tag in pulling.tags(session.paths, reference)]
    for each in wanted:
        pull_one(session, each, platform, limit, sys.stdout, quiet, not no_blobs)
    if not session.dry_run:
        echo(reference.repository if all_tags else wanted[0].canonical)


def pull_one(
    session: Session, reference: Reference, platform: str, limit: int | None, out: TextIO, quiet: bool, keeps_blobs: bool = True
) -> None:
    """Pull an image, and tell about it as docker does.

    platform: 'OS/ARCH[/VARIANT]', '' for this machine's
    limit: the most bytes that the files of a layer may have, None for no limit
    keeps_blobs: whether the layers' blobs stay when the layers are unpacked
    """
    silent = quiet or session.dry_run
    if not silent:
        print(f"{reference.tag or reference.digest}: Pulling from {reference.path}", file=out, flush=True)
    options = pulling.Pulling(
        platform=platform,
        max_size=limit,
        observer=lambda layers: ignored if silent else Layers(layers, out),
        keeps_blobs=keeps_blobs,
    )
    pulled = pulling.pull(session.paths, choose(session.paths), reference, options, runner(session))
    if not silent:
        status = "Downloaded newer image" if pulled.is_new else "Image is up to date"
        print(f"Digest: {pulled.digest}\nStatus: {status} for {reference}", file=out, flush=True)
    _warn_of_platform(platform, pulled.document)


def _warn_of_platform(wanted: str, document: ImageDocument) -> None:
    """Warn if an image is for another platform than the wanted one, or than this machine's if none is wanted."""
    fields = platform_fields(wanted or host_platform())
    architecture = document.get("architecture")
    if architecture not in (None, "", fields["architecture"]):
        found = f"{document.get('os', 'linux')}/{architecture}"
        warn(f"the image's platform ({found}) is not {wanted or host_platform()}")


@verb(
    switch("-a", "--all-tags", help="All tags of the repository that there are here."),
    _QUIET,
    OF_PLATFORM,
    NO_TRUST,
    *EXPLAIN,
    argument("name", "NAME[:TAG]"),
)
def push(session: Session, all_tags: bool, quiet: bool, platform: str, name: str) -> None:
    """Send an image to a registry.

    Example: mydocker push registry.example/tools/busybox:1
    """
    reference = parse(name)
    if reference.digest:
        raise BadInput(f"cannot push a digest reference: {name!r}", "push a tag")
    if all_tags and reference.tag:
        raise BadInput("tag can't be used with --all-tags/-a")
    silent = quiet or session.dry_run
    wanted = pushing.own_tags(session.paths, reference) if all_tags else [reference.with_default_tag()]
    for each in wanted if platform else []:
        find(session.paths, str(each), platform=platform)
    if not silent:
        echo(f"The push refers to repository [{reference.repository}]")
        if not all_tags and not reference.tag:
            echo("Using default tag: latest")
    for each in wanted:
        push_one(session, each, quiet)
    if quiet and not session.dry_run:
        echo(reference.repository if all_tags else wanted[0].canonical)


def push_one(session: Session, reference: Reference, quiet: bool) -> None:
    """Push an image under a name with its tag, and tell about it as docker does."""
    silent = quiet or session.dry_run
    pushed = pushing.push(session.paths, reference, (lambda image: _unheard) if silent else _teller, runner(session))
    if not silent:
        echo(f"{reference.tag}: digest: {pushed.digest} size: {pushed.size}")


def _teller(image: Image) -> Callable[[int, str], None]:
    """Return a function that prints a line for each event of a layer. It prints nothing for the configuration."""
    names = [diff_id.removeprefix("sha256:")[:12] for diff_id in image.diff_ids]

    def told(position: int, event: str) -> None:
        if position < len(names):
            echo(f"{names[position]}: {event}")
            sys.stdout.flush()

    return told


def _unheard(position: int, event: str) -> None:
    """Ignore progress."""


@verb(
    option("-u", "--username", metavar="NAME", help="User name."),
    option("-p", "--password", metavar="PASSWORD", help="Password or token; other users of the machine may see it in ps."),
    switch("--password-stdin", help="Read the password from standard input."),
    *EXPLAIN,
    argument("server", count=OPTIONAL, default=""),
)
def login(session: Session, username: str | None, password: str | None, password_stdin: bool, server: str) -> None:
    """Log in to a registry, Docker Hub unless one is named; kept where docker and podman look too.

    Example: mydocker login -u me --password-stdin registry.example < token
    """
    domain = accounts.domain_of(server)
    if password is not None and password_stdin:
        raise BadInput("--password and --password-stdin are mutually exclusive")
    if password_stdin and not username:
        raise BadInput("must provide --username with --password-stdin")
    if username is None and password is None:
        words = f"ask registry {domain} whether it takes the credentials that {Keyring().path} has"
        if read(session, lambda: accounts.known_user(session.paths, domain), words):
            echo("Authenticating with existing credentials...\nLogin Succeeded")
            return
    if password is not None:
        warn("using --password via the command line is insecure: use --password-stdin")
    credentials = Credentials(user="", password="") if session.dry_run else _asked_for(username, password, password_stdin)
    runner(session).execute(accounts.login_steps(session.paths, domain, credentials))
    if session.dry_run:
        return
    if not Keyring().helper(domain):
        warn(f"your password is stored unencrypted in {Keyring().path}", "configure a credential helper there to change that")
    echo("Login Succeeded")


def _asked_for(username: str | None, password: str | None, password_stdin: bool) -> Credentials:
    """Return credentials. What the command line does not say is read from standard input, or asked for at a terminal."""
    if password_stdin:
        password = read_all(sys.stdin.buffer).decode(errors="surrogateescape").rstrip("\r\n")
    if (not username or password is None) and not sys.stdin.isatty():
        raise BadInput("cannot ask for a user name and password: standard input is no terminal", "use -u NAME --password-stdin")
    username = username or answer("Username")
    password = password if password is not None else answer("Password", is_secret=True)
    if not password:
        raise BadInput("the password is empty")
    return Credentials(user=username, password=password)


@verb(
    *EXPLAIN,
    argument("server", count=OPTIONAL, default=""),
)
def logout(session: Session, server: str) -> None:
    """Forget the credentials of a registry, Docker Hub unless one is named.

    Example: mydocker logout registry.example
    """
    steps = accounts.logout_steps(accounts.domain_of(server))
    runner(session).execute(steps)
    if not session.dry_run:
        echo(f"{'Removing login credentials for' if steps else 'Not logged in to'} {server or 'https://index.docker.io/v1/'}")


_COLUMNS = {"Name": "NAME", "Description": "DESCRIPTION", "StarCount": "STARS", "IsOfficial": "OFFICIAL"}
_WIDTH = 45


@verb(
    option("--limit", default=25, integers=(1, 100), help="Most results [25]."),
    switch("--no-trunc", help="Whole descriptions."),
    option("-f", "--filter", "texts", metavar="KEY=VALUE", many=True, help="stars=NUMBER, is-official=true|false."),
    FORMAT,
    argument("term", "[REGISTRY/]TERM"),
)
def search(session: Session, limit: int, no_trunc: bool, texts: tuple[str, ...], form: str | None, term: str) -> None:
    """Look for images on Docker Hub, or on a registry that is named.

    Example: mydocker search --filter is-official=true nginx
    """
    from mydocker.engine.view import choosing  # imported here, because pull and push need none of its lists

    fits = filters.parse(texts, choosing.SEARCHED, choosing.SEARCH_CHECKS)
    found = accounts.search(session.paths, *accounts.searched(term), limit)
    print_rows([_row(result, no_trunc) for result in found if fits(result)], _COLUMNS, form, {})


def _row(result: SearchResult, whole: bool) -> Row:
    description = " ".join(result["description"].split())
    shown = description if whole or len(description) <= _WIDTH else description[: _WIDTH - 1] + "…"
    return {
        "Name": result["name"],
        "Description": shown,
        "StarCount": str(result["star_count"]),
        "IsOfficial": "[OK]" if result["is_official"] else "",
        "IsAutomated": "",  # no registry builds images any more
    }
