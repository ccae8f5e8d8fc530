"""Lesson 10: an OCI layout of two layers whose every digest is right, and a container that runs from it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib

from mydocker.learn.facts import Fact, best, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene, nobody
from mydocker.learn.texts import Text, manual, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOK = text(
    "Follow index.json to the manifest, and that to the config and the layers. sha256sum says what each blob must be called.",
    "从 index.json 找到 manifest，再找到 config 和各层。每个 blob 该叫什么名字，用 sha256sum 算。",
)
MANUAL = manual(
    "sha256sum(1), tar(1)",
    "the OCI image specification: image-layout.md, manifest.md, config.md",
    "OCI 镜像规范里的 image-layout.md、manifest.md 和 config.md",
)
NEEDS: tuple[str, ...] = ("overlay",)
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "^(unpack|mount overlay|mount aufs)"
_MOST = 64 << 20  # bytes of a blob that are looked at


def facts(scene: Scene) -> list[Fact]:
    layout = next((above for above, _, files in os.walk(scene.work) if "oci-layout" in files), None)
    found = fact(
        layout is not None,
        text("there is an OCI layout in the lab's directory", "实验室目录里有一个 OCI 布局"),
        text(
            'no directory below has a file oci-layout: it says {"imageLayoutVersion": "1.0.0"}',
            '没有哪个目录里有 oci-layout 文件：它的内容是 {"imageLayoutVersion": "1.0.0"}',
        ),
    )
    if layout is None:
        return [found]
    return [found, *_digests(layout), *best(scene.marked("images"), lambda process: _judge(scene, process), nobody("images"))]


def _digests(layout: str) -> list[Fact]:
    """Return what is true of a layout: the first thing that is wrong is the hint of what depends on it."""
    problem, layers = None, 0
    try:
        layers = _walk(layout)
    except WrongImage as error:
        problem = error.text
    return [
        fact(
            problem is None,
            text("every blob is what its digest says, down to the layers", "从上到下，每个 blob 都与它的摘要相符"),
            problem or text("", ""),
        ),
        fact(
            layers >= 2,
            text("the image has two layers", "镜像有两层"),
            text(f"the manifest names {layers}", f"manifest 里有 {layers} 层"),
        ),
    ]


class WrongImage(Exception):
    """Something of a layout is not as it must be."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text: Text = text(en, zh)


def _walk(layout: str) -> int:
    """Return the number of layers of a layout's image. Raises WrongImage for the first thing that is wrong."""
    index = _parsed(_content(f"{layout}/index.json"), "index.json")
    manifest = _parsed(_blob(layout, _part(index, "manifests", "index.json")[0], "manifest"), "manifest")
    config = _parsed(_blob(layout, manifest.get("config"), "config"), "config")
    layers = _part(manifest, "layers", "manifest")
    named = config.get("rootfs", {}).get("diff_ids", []) if isinstance(config.get("rootfs", {}), dict) else []
    for number, layer in enumerate(layers):
        digest = "sha256:" + hashlib.sha256(_unpacked(_blob(layout, layer, "layer"))).hexdigest()
        if named[number : number + 1] != [digest]:
            raise WrongImage(
                f"diff_ids of the config is the digest of each tar before compression: number {number + 1} must be {digest[:19]}...",
                f"config 里的 diff_ids 是每层压缩之前的 tar 的摘要：第 {number + 1} 个应该是 {digest[:19]}...",
            )
    return len(layers)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST)
    except OSError as error:
        name = os.path.basename(path)[:12]
        raise WrongImage(f"{name}... cannot be read: {error.strerror}", f"{name}... 读不出来：{error.strerror}") from error


def _blob(layout: str, descriptor: Any, what: str) -> bytes:
    digest = str(descriptor.get("digest", "")) if isinstance(descriptor, dict) else ""
    if not digest.startswith("sha256:") or "/" in digest:
        raise WrongImage(f"the descriptor of the {what} has no digest sha256:...", f"{what} 的描述符里没有 sha256:... 的摘要")
    data = _content(f"{layout}/blobs/sha256/{digest[7:]}")
    really = hashlib.sha256(data).hexdigest()
    if really != digest[7:] or descriptor.get("size") != len(data):
        raise WrongImage(
            f"the {what} is called {digest[:19]}... of {descriptor.get('size')} bytes, and is sha256:{really[:12]}... of {len(data)}",
            f"{what} 写的是 {digest[:19]}...、{descriptor.get('size')} 字节，实际是 sha256:{really[:12]}...、{len(data)} 字节",
        )
    return data


def _parsed(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise WrongImage(f"the {what} is not JSON: {error}", f"{what} 不是 JSON：{error}") from error
    if not isinstance(found, dict):
        raise WrongImage(f"the {what} is no JSON object", f"{what} 不是 JSON 对象")
    return found


def _part(document: dict[str, Any], name: str, what: str) -> list[Any]:
    found = document.get(name)
    if not isinstance(found, list) or not found:
        raise WrongImage(f"{what} has no list {name!r}", f"{what} 里没有列表 {name!r}")
    return found


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise WrongImage(f"a layer is broken: {error}", f"有一层已损坏：{error}") from error


def _judge(scene: Scene, process: Process) -> list[Fact]:
    mounted = process.mount_at("/")
    options = mounted.super_options if mounted and mounted.fstype == "overlay" else []
    lower = [each for word in options if word.startswith("lowerdir") for each in word.partition("=")[2].split(":")]
    return [
        fact(
            not scene.is_hosts(process, "mnt") and len(lower) >= 2,
            text("a container runs whose root has two layers below", "有一个容器在运行，它的根下面有两层"),
            text(
                f"its root has {len(lower)}: mydocker load -i layout.tar, and run that image",
                f"它的根下面有 {len(lower)} 层：mydocker load -i layout.tar，再运行这个镜像",
            ),
        )
    ]
