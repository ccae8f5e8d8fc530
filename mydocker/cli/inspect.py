"""The verb inspect: print all about containers, images, volumes and networks."""

from __future__ import annotations

from mydocker import leanjson
from mydocker.cli import base
from mydocker.cli.base import EXPLAIN, Session, complain_about, echo
from mydocker.cli.flags import OF_PLATFORM
from mydocker.cli.reading import read
from mydocker.cli.verb import SOME, argument, option, switch, verb
from mydocker.engine.catalog import images
from mydocker.engine.connection import networks
from mydocker.engine.record import containers
from mydocker.engine.view import image as image_view
from mydocker.engine.view.inspect import inspect as inspect_container
from mydocker.engine.volume import volumes
from mydocker.errors import Error, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # What inspect shows, in docker's form. Here it is only printed.
    Document = Mapping[str, object]

_FORMAT = option("-f", "--format", "form", metavar="TEMPLATE", help="json or a Go template.")
_NAMES = argument("names", "NAME...", SOME)


@verb(
    switch("-s", "--size", help="Add how much a container has written."),
    option("--type", "kind", choices=("container", "image", "volume", "network"), help="Look for this kind only."),
    _FORMAT,
    switch("--tree", help="Draw containers as the kernel has them: layers, namespaces, mounts, cgroups, links."),
    EXPLAIN[0],
    _NAMES,
)
def inspect(session: Session, /, size: bool, kind: str | None, form: str | None, tree: bool, names: tuple[str, ...]) -> int:
    """Print everything about containers, images, volumes or networks as JSON.

    Example: mydocker inspect -f '{{.State.Pid}}' web
    """
    if tree:
        return base.each(names, lambda name: _draw(session, name))
    return print_all(names, form, lambda name: _found(session, name, kind, size))


def _draw(session: Session, name: str) -> None:
    from mydocker.engine.view.containertree import container_tree  # documents do not need it
    from mydocker.engine.view.tree import lines_of

    record = containers.load(session.paths, containers.resolve(session.paths, name))
    echo(lines_of(container_tree(session.paths, record)))


def _found(session: Session, name: str, kind: str | None, size: bool) -> Document:
    """Return the document of the first object with this name: a container, an image, a volume or a network. Raises NotFound.

    kind: look only for this kind, None for all
    """
    kinds: dict[str, Callable[[], Document]] = {
        "container": lambda: _container(session, name, size),
        "image": lambda: _image(session, name),
        "volume": lambda: _volume(session, name),
        "network": lambda: _network(session, name),
    }
    for each in [kind] if kind else kinds:
        try:
            return kinds[each]()
        except NotFound:
            if kind:
                raise
    raise NotFound(f"no such object: {name}")


def _container(session: Session, name: str, size: bool) -> Document:
    paths = session.paths
    known = f"read {paths.names} and {paths.containers}/ID/config.json"
    record = read(session, lambda: containers.load(paths, containers.resolve(paths, name)), known)
    state = f"{paths.state}/{record['id']}"
    where = f"read {state}/state.json and network.json, {paths.proc}/PID/stat, {paths.container(record['id'])}/health.json"
    where += f", and measure the writable layer in {paths.container(record['id'])}" if size else ""
    return read(session, lambda: inspect_container(paths, record, size), where)


def _image(session: Session, name: str, platform: str = "") -> Document:
    paths = session.paths
    where = f"read {paths.images}/index.json, and the manifest and the config that it leads to in {paths.images}/blobs"
    return image_view.document(paths, read(session, lambda: images.find(paths, name, platform=platform), where))


def _volume(session: Session, name: str) -> Document:
    return read(session, lambda: volumes.document(session.paths, name), f"read {session.paths.volumes}/{name}/volume.json")


@verb(
    _FORMAT,
    switch("-s", "--size", help="Measure what each has written."),
    EXPLAIN[0],
    _NAMES,
    name="inspect",
)
def container(session: Session, /, form: str | None, size: bool, names: tuple[str, ...]) -> int:
    """Print everything about containers as JSON.

    Example: mydocker container inspect web
    """
    return print_all(names, form, lambda name: _container(session, name, size))


@verb(
    _FORMAT,
    OF_PLATFORM,
    EXPLAIN[0],
    _NAMES,
    name="inspect",
)
def image(session: Session, /, form: str | None, platform: str, names: tuple[str, ...]) -> int:
    """Print everything about images as JSON.

    Example: mydocker image inspect busybox
    """
    return print_all(names, form, lambda name: _image(session, name, platform))


@verb(
    _FORMAT,
    EXPLAIN[0],
    _NAMES,
    name="inspect",
)
def volume(session: Session, /, form: str | None, names: tuple[str, ...]) -> int:
    """Print volumes as JSON.

    Example: mydocker volume inspect data
    """
    return print_all(names, form, lambda name: _volume(session, name))


def _network(session: Session, name: str) -> Document:
    where = f"read {session.paths.networks}/*/network.json, and who is on it in {session.paths.state}/*/network.json"
    return read(session, lambda: networks.document(session.paths, networks.resolve(session.paths, name)), where)


@verb(
    _FORMAT,
    switch("-v", "--verbose", help="Accepted for docker's sake: nothing is left out."),
    EXPLAIN[0],
    _NAMES,
    name="inspect",
)
def network(session: Session, /, form: str | None, verbose: bool, names: tuple[str, ...]) -> int:
    """Print networks, and who is on them, as JSON.

    Example: mydocker network inspect bridge
    """
    return print_all(names, form, lambda name: _network(session, name))


def _template(form: str) -> Callable[[Document], str]:
    from mydocker.cli.template.compile import compile_template  # imported here, because it takes 10 ms

    return compile_template(form)


def print_all(names: tuple[str, ...], form: str | None, find: Callable[[str], Document]) -> int:
    """Print documents, as a JSON list or each by a template. Return 1 if one was not found, else 0.

    What is not found is told on standard error, and the rest is printed.
    """
    template = _template(form) if form and form != "json" else None
    documents, status = [], 0
    for name in names:
        try:
            documents.append(find(name))
        except Error as error:
            complain_about(error)
            status = 1
    if template:
        for document in documents:
            echo(template(document))
    else:
        echo(leanjson.text(documents) if form == "json" else leanjson.pretty(documents))
    return status
