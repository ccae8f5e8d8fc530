"""The filters that choose from the lists of images, volumes and networks, and from what a search found, see filters.parse()."""

from __future__ import annotations

from mydocker.engine.catalog import images as catalog
from mydocker.engine.connection import unplug
from mydocker.engine.connection.new_network import PREDEFINED
from mydocker.engine.record import filters
from mydocker.engine.volume import volumes as volume_records
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mydocker.engine.catalog.images import DamagedImage, Image
    from mydocker.network.records import Network
    from mydocker.paths import Paths

    class Row(Protocol):
        """An image with one of its names, or without a name."""

        image: Image | DamagedImage
        repository: str
        tag: str

        @property
        def created(self) -> str:
            """When it was made, in RFC 3339."""

        @property
        def labels(self) -> dict[str, str]:
            """The labels of its configuration."""


DANGLING = {"dangling": filters.one_of("dangling", "true", "false", "1", "0")}
NETWORK_CHECKS = {
    **DANGLING,
    "type": filters.one_of("type", "custom", "builtin"),
    "scope": filters.one_of("scope", "local", "swarm", "global"),
}
SEARCHED: filters.Tests = {
    "stars": lambda found, text: found["star_count"] >= int(text),
    "is-official": lambda found, text: found["is_official"] == (text == "true"),
}
_YES = ("true", "1")


def _check_stars(text: str) -> None:
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"invalid filter 'stars={text}': expected a number")


SEARCH_CHECKS = {"is-official": filters.one_of("is-official", "true", "false"), "stars": _check_stars}


def networks(paths: Paths) -> filters.Tests:
    """Return the tests of the filters of `network ls`."""

    def is_unused(network: Network) -> bool:
        return network["name"] not in PREDEFINED and not unplug.users(paths, network["name"])

    return {
        "name": lambda network, part: _has(network["name"], part),
        "id": lambda network, begin: network["id"].startswith(begin),
        "driver": lambda network, name: network["driver"] == name,
        "label": lambda network, text: filters.has_label(network["labels"], text),
        "scope": lambda network, scope: scope == "local",
        "type": lambda network, kind: (network["name"] in PREDEFINED) == (kind == "builtin"),
        "dangling": lambda network, text: is_unused(network) == (text in _YES),
    }


def volumes(paths: Paths) -> filters.Tests:
    """Return the tests of the filters of `volume ls`."""
    return {
        "dangling": lambda volume, text: (not volume_records.users(paths, volume["name"])) == (text in _YES),
        "name": lambda volume, part: _has(volume["name"], part),
        "driver": lambda volume, driver: driver == "local",
        "label": lambda volume, text: filters.has_label(volume["labels"], text),
    }


def _has(name: str, part: str) -> bool:
    """Say whether a name fits: it has the text as a part, or fits it as a regular expression."""
    if part in name:
        return True
    import re  # imported here, because it takes 7 ms

    try:
        return re.search(part, name) is not None
    except re.error:
        return False


def images(paths: Paths) -> filters.Tests:
    """Return the tests of the filters of `images`, which are asked about a Row."""

    def created(name: str) -> str:
        return catalog.find(paths, name).created

    def is_called(row: Row, pattern: str) -> bool:
        return any(fits_pattern(text, pattern) for text in (row.repository, f"{row.repository}:{row.tag}"))

    return {
        "dangling": lambda row, text: (not row.image.names) == (text in _YES),
        "before": lambda row, name: row.created < created(name),
        "since": lambda row, name: row.created > created(name),
        "reference": is_called,
        **filters.label_tests(lambda row: row.labels),
    }


def fits_pattern(text: str, pattern: str) -> bool:
    """Say whether a name fits a shell pattern. Its * and ? do not stand for a slash."""
    from fnmatch import fnmatchcase  # imported here, because it takes the module re

    parts, wanted = text.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
