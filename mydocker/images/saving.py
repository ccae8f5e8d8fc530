"""Writing images as an archive, for `save`: one tar that has two formats at once, an OCI image layout and docker's archive.

    blobs/sha256/HEX    every manifest, config and layer once, as it is stored, or as frames.py makes it again
    index.json          OCI: a descriptor for each name
    manifest.json       docker: config and layers of each image, as paths in this tar, and its names
    oci-layout

docker 1.10 and later, podman, skopeo, umoci and containerd read it. Since version 25 docker itself writes this form.
"""

from __future__ import annotations

import io
import tarfile
from hashlib import sha256

from mydocker import leanjson
from mydocker.errors import Damaged
from mydocker.images import index
from mydocker.images.documents import INDEX_TYPE
from mydocker.images.frames import complete
from mydocker.images.reference import parse
from mydocker.images.staging import Staging
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from mydocker.images.documents import Descriptor, ImageIndex, ImageManifest
    from mydocker.images.layout import ImageLayout
    from mydocker.images.loading import DockerImage

_BUFFER = 1 << 16


class Selected(Value):
    """An image to be saved."""

    entry: Descriptor  # its descriptor in index.json
    id: str  # the hexadecimal digest of its configuration
    names: list[str]  # the names that it gets in the archive


def save(layout: ImageLayout, images: Iterable[Selected], stream: BinaryIO) -> None:
    """Write the tar. Raises Damaged if a blob is missing or does not match its digest."""
    # Staging has links of our own to the blobs, so an image that is removed meanwhile is saved all the same.
    with Staging(layout) as staging, tarfile.open(fileobj=stream, mode="w|", bufsize=_BUFFER) as archive:
        chosen = [(image.names, *complete(layout, staging, image.entry)) for image in images]
        written: set[str] = set()
        for _, entry, manifest in chosen:
            for descriptor in (*manifest["layers"], manifest["config"], entry):
                if descriptor["digest"] not in written:
                    _add_blob(archive, staging, descriptor)
                    written.add(descriptor["digest"])
        entries = [each for names, entry, _ in chosen for each in _descriptors(names, entry)]
        listed: ImageIndex = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
        _add(archive, "index.json", listed)
        _add(archive, "manifest.json", [_docker_entry(names, manifest) for names, _, manifest in chosen])
        _add(archive, "oci-layout", {"imageLayoutVersion": "1.0.0"})


def _descriptors(names: list[str], entry: Descriptor) -> list[Descriptor]:
    entry = index.abroad(entry)
    return [index.named(entry, parse(name)) for name in names] or [index.named(entry, None)]


def _docker_entry(names: list[str], manifest: ImageManifest) -> DockerImage:
    paths = [_path(layer["digest"]) for layer in manifest["layers"]]
    return {"Config": _path(manifest["config"]["digest"]), "RepoTags": names or None, "Layers": paths}


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


class _Checked:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _add_blob(archive: tarfile.TarFile, staging: Staging, descriptor: Descriptor) -> None:
    digest = descriptor["digest"]
    if not staging.take(digest):
        raise Damaged(f"blob {digest} is missing in {staging.layout.directory}")
    with open(staging.path(digest), "rb", buffering=0) as file:
        checked = _Checked(file)
        archive.addfile(_member(_path(digest), descriptor["size"]), checked)
        if file.read(1) or f"sha256:{checked.hash.hexdigest()}" != digest:
            raise Damaged(f"blob {digest} does not match its digest")


def _add(archive: tarfile.TarFile, name: str, document: object) -> None:
    data = leanjson.dumps(document).encode()
    archive.addfile(_member(name, len(data)), io.BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    # A member has no time and no owner, so the same images make the same tar.
    member = tarfile.TarInfo(name)
    member.size = size
    return member
