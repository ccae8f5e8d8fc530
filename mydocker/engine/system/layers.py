"""Comparing unpacked layers with what they were unpacked from, for `system check --layers`.

Nobody waits until an unpacked layer is on the disk, as docker and podman do not: that would take as long as to unpack it. When the power
goes within a minute, its files keep their names and lose their content. The blob was waited for, so the layer can be unpacked again.
"""

from __future__ import annotations

import os
import tarfile
from posixpath import normpath
from typing import cast

from mydocker import store
from mydocker.engine.catalog import images
from mydocker.engine.record import containers, state
from mydocker.engine.system.leftover import Leftover, trying
from mydocker.errors import Conflict, Damaged
from mydocker.images.frames import CHUNK, opened, stored
from mydocker.images.layout import ImageLayout
from mydocker.steps.base import Run
from mydocker.storage.drivers import NAMES, driver
from mydocker.storage.whiteouts import OPAQUE, PREFIX
from mydocker.tarreader import damaged, members, open_tar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from mydocker.paths import Paths
    from mydocker.storage.base import StorageDriver


def differing(paths: Paths) -> Iterator[Leftover]:
    """Yield each unpacked layer with a file that is not what its image's layer says. All of both is read."""
    for path, (image, position, storage) in _unpacked(paths).items():
        try:
            problem = _problem(paths, image, position, storage)
        except Damaged as error:
            yield Leftover(what=error.message, repair=trying(_refuse, image))
            continue
        if problem:
            repair = trying(_unpack_again, paths, storage, image, os.path.basename(path))
            yield Leftover(what=f"{path}: {problem}", repair=repair, done="unpacked again:")


def _unpacked(paths: Paths) -> dict[str, tuple[images.Image, int, StorageDriver]]:
    """Return {directory of an unpacked layer: (an image that has it, its position there, the storage driver)}.

    The position of the lowest layer of an image is 0.
    """
    found: dict[str, tuple[images.Image, int, StorageDriver]] = {}
    for image in images.all_images(paths):
        for storage in (driver(name, paths) for name in NAMES):
            for position, chain_id in enumerate(reversed(image.chain_ids)):
                if storage.has(chain_id):
                    found.setdefault(storage.layer(chain_id), (image, position, storage))
    return found


def _problem(paths: Paths, image: images.Image, position: int, storage: StorageDriver) -> str:
    """Return what is wrong with an unpacked layer, '' if nothing is. Raises Damaged if there is nothing whole to compare it with.

    A layer of vfs has all files of those below it, too.
    """
    directory = storage.layer(image.chain_ids[-1 - position])
    found: dict[str, str] = {}
    for each in range(0 if storage.name == "vfs" else position, position + 1):
        with stored(ImageLayout(paths.images), image.layers[each], image.diff_ids[each]) as layer:
            _compare(layer.as_binary(), directory, found)
    return next((f"{path} {problem}" for path, problem in found.items()), "")


def _compare(stream: BinaryIO, directory: str, found: dict[str, str]) -> None:
    """Read a layer's tar to its end, and add {path: what is wrong with the file there} to what was found before."""
    try:
        with open_tar(stream) as archive:
            for member in members(archive):
                path = normpath("/" + member.name)
                above, name = os.path.split(path)
                if not member.isdir():  # what came before under this name has been replaced, or was removed
                    _forget(found, above if name == OPAQUE else os.path.join(above, name.removeprefix(PREFIX)))
                if member.isreg() and not name.startswith(PREFIX):
                    content = archive.extractfile(member)
                    assert content
                    found |= _compared(cast("BinaryIO", content), directory, path)
    except tarfile.TarError as error:
        raise damaged(error) from error
    while stream.read(CHUNK):
        pass


def _forget(found: dict[str, str], path: str) -> None:
    for each in [each for each in found if (each + "/").startswith(path.rstrip("/") + "/")]:
        del found[each]


def _compared(content: BinaryIO, directory: str, path: str) -> dict[str, str]:
    """Return {path: what is wrong with the file there}, nothing if it holds this content."""
    try:
        with opened(directory, path) as file:
            while data := content.read(CHUNK):
                if file.read(len(data)) != data:
                    return {path: "has lost its content"}
            return {path: "is longer than it was"} if file.read(1) else {}
    except OSError as error:
        return {path: f"cannot be read: {error.strerror}"}


def _unpack_again(paths: Paths, storage: StorageDriver, image: images.Image, chain_id: str) -> None:
    """Replace an unpacked layer. Raises Conflict if a container runs on it."""
    for record in containers.every(paths):
        if chain_id in containers.layers_of(record) and state.may_run(paths, record["id"]):
            raise Conflict(f"container {record['name']} runs on {storage.layer(chain_id)}", "stop it first")
    doomed = storage.partial(chain_id, os.getpid())
    with store.Lock(images.layers_lock(paths)):
        os.rename(storage.layer(chain_id), doomed)
    store.remove_tree(doomed)
    images.ensure_layers(paths, storage, image, Run("cli"))


def _refuse(image: images.Image) -> None:
    name = (image.names or [image.id[:12]])[0]
    raise Conflict(f"nothing is left to unpack image {name} from", f"mydocker rmi -f {name}, and pull it again")
