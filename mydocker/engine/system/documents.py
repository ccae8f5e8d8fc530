"""Every file that mydocker keeps below ROOT and STATE: how it is checked, and what is put away when it is damaged.

The paths are those of HACKING.md's table of modes, and a test damages each in every way. So a new file is covered by being named here.
"""

from __future__ import annotations

import os
from functools import partial

from mydocker import store
from mydocker.engine.record.bundle import ETC_FILES
from mydocker.engine.record.containers import RECORD
from mydocker.engine.record.execs import EXEC
from mydocker.engine.record.health import REPORT
from mydocker.engine.record.reader import LOST
from mydocker.engine.record.state import STATE
from mydocker.engine.volume.volumes import VOLUME
from mydocker.errors import Damaged
from mydocker.images.documents import IMAGE_INDEX
from mydocker.images.reference import is_id
from mydocker.network.attachments import ATTACHMENT
from mydocker.network.records import NETWORK
from mydocker.runtime import seccomp
from mydocker.runtime.spec import SPEC
from mydocker.storage.drivers import NAMES
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.paths import Paths
    from mydocker.shape import Shape


class Document(Value):
    """One kind of file."""

    path: str  # words in capitals stand for any name
    check: Callable[[str], object]  # given the path of one; raises FileNotFoundError, Damaged
    is_needed: bool = False  # where its directory is, it must be there
    whole: str = ""  # the directory above it that is put away with it


def _shaped(shape: Shape) -> Callable[[str], object]:
    return partial(store.read_document, shape=shape)


def _regular(path: str) -> None:
    store.read_whole(path, 0)


def _claim(path: str) -> None:
    owner = store.claimed_by(path)
    if owner is None:
        raise FileNotFoundError
    if not is_id(owner):
        raise Damaged(f"{path}: expected a container's id")


def _lines(path: str) -> None:
    """Check that a file holds JSON objects, one a line; a full disk may have cut them off, and a power cut lost some."""
    for number, line in enumerate(store.read_whole(path).split(b"\n"), 1):
        event = line.lstrip(LOST)
        if event and not event.startswith(b"{"):
            raise Damaged(f"{path}: line {number} is no event")


def _driver(path: str) -> None:
    if store.read_whole(path).decode(errors="replace") not in NAMES:
        raise Damaged(f"{path}: expected one of {', '.join(NAMES)}")


_CONTAINER, _NETWORK = "ROOT/containers/ID", "ROOT/networks/NAME"
RECORD_PATH, BUNDLE_PATH = f"{_CONTAINER}/config.json", f"{_CONTAINER}/bundle/config.json"
VOLUME_PATH, NETWORK_PATH = "ROOT/volumes/NAME/volume.json", f"{_NETWORK}/network.json"
NAME_PATH, ADDRESS_PATH = "ROOT/names/NAME", "STATE/networks/NAME/ADDRESS"
INDEX_PATH, LAYOUT_PATH = "ROOT/images/index.json", "ROOT/images/oci-layout"
FILES = tuple(f"{_CONTAINER}/{name}" for name in ETC_FILES)

# Locks come first: without one, nothing else of its object can be done.
DOCUMENTS = (
    Document(path=f"{_CONTAINER}/lock", check=_regular),
    Document(path="ROOT/images/lock", check=_regular),
    Document(path="ROOT/images/incoming.lock", check=_regular),
    Document(path="ROOT/layers/lock", check=_regular),
    Document(path="ROOT/networks/.lock", check=_regular),
    Document(path=f"{_NETWORK}/lock", check=_regular),
    Document(path="ROOT/events.json.lock", check=_regular),
    Document(path="STATE/networks/.linked", check=_regular),
    Document(path="STATE/networks/.names", check=_regular),
    Document(path=RECORD_PATH, check=_shaped(RECORD), is_needed=True, whole=_CONTAINER),
    Document(path=BUNDLE_PATH, check=_shaped(SPEC), is_needed=True, whole=_CONTAINER),
    Document(path=f"{_CONTAINER}/.config.json.spare", check=_regular),
    Document(path=f"{_CONTAINER}/health.json", check=_shaped(REPORT)),
    Document(path=f"{_CONTAINER}/log.json", check=_regular),
    Document(path=f"{_CONTAINER}/execs/HEX/exec.json", check=_shaped(EXEC)),
    *(Document(path=path, check=_regular, is_needed=True) for path in FILES),
    Document(path="STATE/ID/state.json", check=_shaped(STATE)),
    Document(path="STATE/ID/network.json", check=_shaped(ATTACHMENT)),
    Document(path="STATE/storage-driver", check=_driver),
    Document(path=NAME_PATH, check=_claim),
    Document(path=ADDRESS_PATH, check=_claim),
    Document(path=LAYOUT_PATH, check=_shaped({"imageLayoutVersion!": "text"}), is_needed=True),
    Document(path=INDEX_PATH, check=_shaped(IMAGE_INDEX), is_needed=True),
    Document(path=VOLUME_PATH, check=_shaped(VOLUME), is_needed=True),
    Document(path=NETWORK_PATH, check=_shaped(NETWORK), is_needed=True, whole=_NETWORK),
    Document(path="ROOT/events.json", check=_lines),
    Document(path="ROOT/cache/FILTER", check=seccomp.check),
)


def places(paths: Paths, pattern: str) -> Iterator[tuple[str, str]]:
    """Yield (path, the name that the first word in capitals stands for) of all that a pattern means; the last part need not be there."""
    top, *parts = pattern.split("/")
    return _below(paths.root if top == "ROOT" else paths.state, parts, top == "STATE")


def _below(directory: str, parts: list[str], is_mixed: bool) -> Iterator[tuple[str, str]]:
    """is_mixed: whether other directories than those of containers are there too."""
    part, *rest = parts
    names = [name for name in _listed(directory) if part != "ID" or not is_mixed or is_id(name)] if part.isupper() else [part]
    for name in names:
        path = f"{directory}/{name}"
        if not rest:
            yield path, name if part.isupper() else ""
        elif os.path.lexists(path):
            for found, inner in _below(path, rest, is_mixed):
                yield found, name if part.isupper() else inner


def _listed(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
