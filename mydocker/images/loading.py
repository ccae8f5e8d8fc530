"""The images in an archive, for `load`, whichever tool wrote the archive.

    OCI image layout     index.json, blobs/…                         skopeo, podman, buildah, docker since 25, mydocker
    docker's archive     manifest.json, HEX.json, HEX/layer.tar      docker, podman, skopeo, kaniko, nix

All files are first stored in staging as blobs, because the file that lists the images may be the last member of the tar.
"""

from __future__ import annotations

import tarfile
from posixpath import dirname, join, normpath

from mydocker import leanjson
from mydocker.errors import BadInput, Damaged, Unsupported
from mydocker.images import documents, index, manifests
from mydocker.images.compression import Decompressed
from mydocker.images.documents import CONFIG_TYPE, DOCUMENT_MAX, MANIFEST_TYPE
from mydocker.images.manifests import Manifest
from mydocker.images.reference import parse
from mydocker.tarreader import damaged, members, open_tar
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader
    from typing import TypedDict

    from mydocker.images.documents import Descriptor, ImageManifest, Platform
    from mydocker.images.reference import Reference
    from mydocker.images.staging import Staging
    from mydocker.shape import Shape

    class DockerImage(TypedDict):
        """An image in docker's manifest.json, which is a list of them."""

        Config: str
        RepoTags: list[str] | None
        Layers: list[str]


DOCKER_IMAGE: Shape = {
    "Config!": "text",  # a path in the archive
    "RepoTags": (["text"], None),  # the names
    "Layers": (["text"], []),  # paths in the archive, the lowest layer first
}

_CHUNK = 1 << 18
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
# More files than any archive of images has. Each takes a file in staging.
_MOST_FILES = 100_000


class Found(Value):
    """An image of an archive."""

    manifest: Manifest
    config: bytes  # byte by byte as in the archive
    names: list[Reference]  # as the archive says
    made: bool = False  # whether we made the manifest, because docker's archives have none


class Archive:
    """An archive whose files are in staging.

    name: what error messages call it.
    files: {path: (digest, size)}.
    links: {path: the path to which it leads}.
    """

    def __init__(self, staging: Staging, name: str) -> None:
        self.staging = staging
        self.name = name
        self.files: dict[str, tuple[str, int]] = {}
        self.links: dict[str, str] = {}

    def read(self, stream: BufferedReader) -> None:
        """Store every file of a tar, plain or compressed, in staging. Raises BadInput if it is not a tar, Damaged if it is damaged."""
        try:
            with open_tar(Decompressed(stream, self.name).as_binary()) as tar:
                for member in members(tar):
                    self._add(tar, member)
        except tarfile.TarError as error:
            raise damaged(error) from error

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = normpath("/" + member.name).lstrip("/")
        if len(self.files) + len(self.links) > _MOST_FILES:
            raise Damaged(f"{self.name} has more than {_MOST_FILES} files: this is no archive of images")
        if member.issym() or member.islnk():
            base = dirname("/" + path) if member.issym() else "/"
            self.links[path] = normpath(join(base, member.linkname)).lstrip("/")
        elif member.isfile():
            source = tar.extractfile(member)
            assert source
            blob = self.staging.writer()
            while chunk := source.read(_CHUNK):
                blob.write(chunk)
            blob.finish()
            self.files[path] = (blob.digest, blob.size)

    def images(self, platform: Platform) -> list[Found]:
        """Return the images. Of an image for several platforms, return the one for `platform`.

        Raises BadInput if this is not an archive of images, Unsupported if its format is too old, Damaged if something is missing or wrong.
        """
        if "index.json" in self.files and "oci-layout" in self.files:
            return self._of_layout(platform)
        if self._file("manifest.json"):
            return self._of_docker()
        if "repositories" in self.files:
            raise Unsupported(f"{self.name}: an archive of docker before 1.10")
        raise BadInput(f"{self.name} is no archive of images", "make an image of a root file system: mydocker import FILE")

    def _file(self, path: str) -> tuple[str, int] | None:
        """Return the digest and the size of a file, or None. Follows links."""
        for _ in range(8):
            if path in self.files:
                return self.files[path]
            path = self.links.get(path, "")
        return None

    def _blob(self, digest: str, size: int) -> bytes:
        """Return the content of a small blob. Raises Damaged if the archive has none of that digest and size, or if it is too large."""
        if (digest, size) not in self.files.values():
            raise Damaged(f"{self.name}: blob {digest} of {size} bytes is missing")
        if size > DOCUMENT_MAX:
            raise Damaged(f"{self.name}: {digest} is {size} bytes long, more than a manifest or config may be")
        with open(self.staging.path(digest), "rb") as file:
            return file.read()

    def _of_layout(self, platform: Platform) -> list[Found]:
        listed = manifests.read_index(self._blob(*self.files["index.json"]), f"{self.name}: index.json")
        found: dict[str, Found] = {}
        for entry in manifests.images_of(listed, platform) if listed else []:
            image = self._image(entry, platform)
            known = found.setdefault(image.manifest.descriptor["digest"], image)
            name = index.name_of(entry)
            known.names += [parse(name)] if name else []
        if not found:
            raise BadInput(f"{self.name} has no image in it")
        return list(found.values())

    def _image(self, entry: Descriptor, platform: Platform) -> Found:
        data = self._blob(entry["digest"], entry["size"])
        several = manifests.read_index(data, entry["digest"])
        if several:
            return self._image(manifests.choose(several, platform, entry["digest"]), platform)
        manifest = Manifest(data, entry["digest"])
        return Found(manifest=manifest, config=self._blob(manifest.config["digest"], manifest.config["size"]), names=[])

    def _of_docker(self) -> list[Found]:
        file = self._file("manifest.json")
        assert file
        listed: list[DockerImage] = documents.read(self._blob(*file), [DOCKER_IMAGE], f"{self.name}: manifest.json")
        return [self._docker_image(image) for image in listed]

    def _docker_image(self, image: DockerImage) -> Found:
        config = self._part(image["Config"], CONFIG_TYPE)
        parts = [self._part(path, "") for path in image["Layers"]]
        document: ImageManifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": parts}
        manifest = Manifest(leanjson.dumps(document).encode(), self.name)
        names = [parse(tag).with_default_tag() for tag in image["RepoTags"] or []]
        return Found(manifest=manifest, config=self._blob(config["digest"], config["size"]), names=names, made=True)

    def _part(self, path: str, kind: str) -> Descriptor:
        file = self._file(normpath("/" + path).lstrip("/"))
        if not file:
            raise Damaged(f"{self.name}: {path} is missing, which manifest.json names")
        digest, size = file
        return {"mediaType": kind or self._layer_type(digest), "digest": digest, "size": size}

    def _layer_type(self, digest: str) -> str:
        with open(self.staging.path(digest), "rb") as file:
            start = file.read(4)
        return _LAYER_TYPE + ("+gzip" if start[:2] == b"\x1f\x8b" else "+zstd" if start == b"\x28\xb5\x2f\xfd" else "")
