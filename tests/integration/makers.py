"""Images in the forms that other tools give them, made here: what their archives have, and what they put into a registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Callable
from functools import cache
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
# The times that makers of reproducible images use: none, the epoch, the first of zip.
NEVER, EPOCH, ZIP = "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z"
ANNOTATED = {"org.opencontainers.image.ref.name": "made:1", "io.containerd.image.name": "docker.io/library/made:1"}

Files = dict[str, bytes]


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(files: dict[str, bytes | str | None], mtime: int = 0) -> bytes:
    """Return a tar. {name: content, target of a symlink, or None for a directory}."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.lstrip("/"))
            member.name, member.mtime, member.mode = name, mtime, 0o755
            if content is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
            else:
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return data.getvalue()


@cache
def base() -> bytes:
    """Return the layer that has a program."""
    program = shutil.which("busybox")
    assert program
    with open(program, "rb") as file:
        return layer({"bin": None, "bin/busybox": file.read(), "bin/sh": "busybox", "bin/cat": "busybox"})


@cache
def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def zstd(data: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-1", "-c"], input=data, check=True, capture_output=True).stdout


def in_members(data: bytes) -> bytes:
    """Return gzip data of several members, as stargz writes it: each can be read by itself."""
    return b"".join(gzip.compress(data[start : start + 65536], 1, mtime=0) for start in range(0, len(data), 65536))


class Image:
    """An image of which each maker makes something else."""

    def __init__(self, layers: list[bytes], architecture: str, created: str = "2024-01-02T03:04:05.678901234Z", **config: Any) -> None:
        self.layers = layers
        self.document: dict[str, Any] = {
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["cat", "/made"], "Env": ["PATH=/bin"], **config},
            "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]},
            "history": [{"created": created, "created_by": f"step {number}"} for number, _ in enumerate(layers)],
        }

    @property
    def config(self) -> bytes:
        return json.dumps(self.document).encode()


class Layout:
    """An OCI image layout."""

    def __init__(self) -> None:
        self.files: Files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def put(self, data: bytes, kind: str, **more: Any) -> dict[str, Any]:
        self.files["blobs/sha256/" + digest(data).removeprefix("sha256:")] = data
        return {"mediaType": kind, "digest": digest(data), "size": len(data), **more}

    def manifest(self, image: Image, pack: Callable[[bytes], bytes] = gzipped, suffix: str = "+gzip", **more: Any) -> dict[str, Any]:
        notes = more.pop("layer_annotations", {})
        layers = [self.put(pack(each), LAYER + suffix, **notes) for each in image.layers]
        document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self.put(image.config, CONFIG), "layers": layers, **more}
        return self.put(json.dumps(document).encode(), MANIFEST)

    def index(self, *entries: dict[str, Any]) -> Files:
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        return self.files


def of_docker(image: Image, names: Callable[[int, bytes], str], config: str, pack: Callable[[bytes], bytes] = bytes) -> Files:
    """Return the files of an archive that has only docker's manifest.json. names: (position, layer) → path."""
    paths = [names(position, each) for position, each in enumerate(image.layers)]
    entry = {"Config": config, "RepoTags": ["made:1"], "Layers": paths}
    files: Files = {path: pack(each) for path, each in zip(paths, image.layers, strict=True)}
    return {**files, config: image.config, "manifest.json": json.dumps([entry]).encode()}


def hexadecimal(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar_of(files: Files) -> bytes:
    return layer(dict(files))


def upload(host: str, repository: str, files: Files, tag: str) -> None:
    """Store the blobs and manifests of a layout in a registry, and its first image or index under a tag."""
    index = json.loads(files["index.json"])
    blobs = {f"sha256:{path.rpartition('/')[2]}": data for path, data in files.items() if path.startswith("blobs/")}
    for name, data in blobs.items():
        _send(host, repository, name, data)
    for name, data in sorted(blobs.items(), key=lambda blob: b'"manifests"' in blob[1]):
        kind = _kind(data)
        if kind:
            _put(f"http://{host}/v2/{repository}/manifests/{name}", data, kind)
    top = index["manifests"][0] if len(index["manifests"]) == 1 else None
    data = blobs[top["digest"]] if top else files["index.json"]
    _put(f"http://{host}/v2/{repository}/manifests/{tag}", data, _kind(data))


def _kind(data: bytes) -> str:
    try:
        return str(json.loads(data).get("mediaType", ""))
    except ValueError:
        return ""


def _send(host: str, repository: str, name: str, data: bytes) -> None:
    begun = urllib.request.urlopen(urllib.request.Request(f"http://{host}/v2/{repository}/blobs/uploads/", data=b"", method="POST"))
    place = begun.headers["Location"]
    _put(place + ("&" if "?" in place else "?") + f"digest={name}", data, "application/octet-stream")


def _put(url: str, data: bytes, kind: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT", headers={"Content-Type": kind}))
