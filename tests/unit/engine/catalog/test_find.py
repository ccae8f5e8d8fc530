"""From a name to an image, from an image to layers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.engine.catalog import images, verbs
from mydocker.errors import BadInput, Conflict, Damaged, NotFound
from mydocker.images.config import new_document
from mydocker.images.draft import Draft
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import parse_name
from mydocker.images.times import now
from mydocker.steps.base import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.paths import Paths


def test_by_every_name(paths: Paths, run: Run, make_image: Callable[..., str]) -> None:
    image_id = make_image("busybox", "x", 'CMD ["sh"]')
    make_image("other", "y")
    verbs.tag(paths, "busybox", "here.example/b:1", run)
    image = images.find(paths, "busybox")
    names = ["busybox:latest", "docker.io/library/busybox", "here.example/b:1", image_id, f"sha256:{image_id}", image_id[:12]]
    names += [f"busybox@{image.manifest}", f"sha256:{image_id[:10]}", image.manifest]
    assert {images.find(paths, name).id for name in names} == {image_id}
    assert (image.id, image.config, image.names) == (image_id, {"Cmd": ["sh"]}, ["busybox:latest", "here.example/b:1"])
    assert (len(image.chain_ids), image.size) == (1, 10240)
    assert image.created.endswith("Z")


@pytest.mark.parametrize("name", ["nope", "busybox:other", "f" * 64, "abcdef", "sha256:" + "0" * 64, "busybox@sha256:" + "0" * 64])
def test_missing(paths: Paths, make_image: Callable[..., str], name: str) -> None:
    make_image("busybox")
    with pytest.raises(NotFound, match=r"^no such image: ") as caught:
        images.find(paths, name)
    assert caught.value.hint == (
        images.LIST_HINT if "0000" in name or "ffff" in name else f"{images.PULL_HINT} {caught.value.message[15:]}"
    )


def test_too_short_a_beginning_of_an_id_is_a_name(paths: Paths, make_image: Callable[..., str]) -> None:
    image_id = make_image("busybox")
    assert images.find(paths, image_id[:12], 12).id == image_id
    assert images.find(paths, "busybox", 12).id == image_id
    with pytest.raises(NotFound, match=f"^no such image: {image_id[:3]}:latest$"):
        images.find(paths, image_id[:3], 12)


def test_missing_before_any_image_was_made(paths: Paths) -> None:
    with pytest.raises(NotFound, match=r"^no such image: busybox:latest$"):
        images.find(paths, "busybox")
    assert images.all_images(paths) == []


def test_bad_names_are_bad_input(paths: Paths) -> None:
    with pytest.raises(BadInput, match="must be lowercase"):
        images.find(paths, "BusyBox")


def test_a_name_goes_before_an_id_prefix(paths: Paths, run: Run, make_image: Callable[..., str]) -> None:
    first, second = make_image("one", "1"), make_image("two", "2")
    verbs.tag(paths, "two", first[:4], run)
    assert images.find(paths, first[:4]).id == second


def test_a_prefix_of_several_ids_is_told(paths: Paths, make_image: Callable[..., str]) -> None:
    ids = {make_image(None, str(number))[0] for number in range(17)}
    ambiguous = next(digit for digit in ids if sum(i.id[0] == digit for i in images.all_images(paths)) > 1)
    with pytest.raises(Conflict, match=f"'{ambiguous}' is the beginning of"):
        images.find(paths, ambiguous)


def test_an_id_is_found_without_reading_every_image(
    paths: Paths, run: Run, make_image: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker-py's images.list() asks for each by its id: with 170 images, which had 400 names, that took 45 seconds."""
    ids = [make_image(f"image{number}", str(number)) for number in range(4)]
    verbs.tag(paths, "image2", "another", run)
    os.utime(f"{paths.images}/index.json", (1, 1))  # one that was written just now is read again
    read: list[str] = []
    for kind in ("entries", "manifest", "configuration"):
        monkeypatch.setattr(ImageLayout, kind, _noting(getattr(ImageLayout, kind), kind, read))
    assert images.find(paths, ids[2]).id == ids[2]
    assert (read.count("manifest"), read.count("configuration")) == (len(ids) + 1, 1)
    read.clear()
    assert images.find(paths, ids[1]).id == ids[1]
    assert read == ["manifest", "configuration"]
    verbs.tag(paths, "image1", "changed", run)
    assert images.find(paths, "changed").id == ids[1]


def _noting(method: Callable[..., Any], kind: str, read: list[str]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        read.append(kind)
        return method(*arguments)

    return noted


@pytest.mark.parametrize("part", ["manifest", "config"])
def test_damage_is_told(paths: Paths, make_image: Callable[..., str], part: str) -> None:
    image_id = make_image("busybox")
    digest = images.find(paths, "busybox").manifest if part == "manifest" else f"sha256:{image_id}"
    blob = Path(ImageLayout(paths.images).blob(digest))
    blob.write_bytes(blob.read_bytes().replace(b"sha256", b"sha265"))
    with pytest.raises(Damaged, match="does not match its digest"):
        images.find(paths, "busybox")


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"created": 5}, "created 5: expected a text"),
        ({"created": "x"}, "created 'x': expected a time by RFC 3339"),
        ({"history": [5]}, "history[0] 5: expected an object"),
        ({"config": {"Labels": 5}}, "config.Labels 5: expected an object"),
        ({"config": {"Env": 5}}, "config.Env 5: expected a list"),
        ({"config": {"ExposedPorts": {"x": {}}}}, "config.ExposedPorts 'x': expected PORT[/tcp|udp|sctp]"),
    ],
)
def test_a_stored_configuration_that_is_wrong_is_told(paths: Paths, wrong: Any, problem: str) -> None:
    with Draft(ImageLayout(paths.images), {**new_document("linux", {}, now()), **wrong}, [], []) as draft:
        Run("test").execute(draft.store_steps(parse_name("box")))
    with pytest.raises(Damaged) as raised:
        images.find(paths, "box")
    assert raised.value.message == f"image box:latest: config sha256:{draft.image_id}: {problem}"
    assert raised.value.hint == "remove it: mydocker rmi -f box:latest"


def test_layers_are_unpacked_once(paths: Paths, driver: object, make_image: Callable[..., str]) -> None:
    make_image("busybox", "content")
    image = images.find(paths, "busybox")
    steps: list[str] = []
    run = Run("cli", lambda who, step, seconds: steps.append(step.describe()))
    for _ in range(2):
        images.ensure_layers(paths, driver, image, run)  # type: ignore[arg-type]
    assert steps == [f"unpack layer {image.layers[0]['digest']} to {paths.layers}/plain/{image.chain_ids[0]}"]
    assert Path(paths.layers, "plain", image.chain_ids[0], "file").read_text() == "content"


def test_a_layer_that_is_not_what_its_image_says_does_not_count(paths: Paths, driver: object, make_image: Callable[..., str]) -> None:
    make_image("busybox")
    image = images.find(paths, "busybox")
    image.diff_ids = ["sha256:" + "0" * 64]
    with pytest.raises(Damaged, match="diff id"):
        images.ensure_layers(paths, driver, image, Run("cli"))  # type: ignore[arg-type]
    assert not driver.has(image.chain_ids[0])  # type: ignore[attr-defined]


def test_parents_are_told_topmost_first(paths: Paths, driver: object, make_image: Callable[..., str]) -> None:
    for content in "abc":
        make_image(content, content)
    a, b, c = (images.find(paths, name) for name in "abc")
    from mydocker.images.config import chain_ids

    a.layers, a.diff_ids = [i.layers[0] for i in (a, b, c)], [i.diff_ids[0] for i in (a, b, c)]
    a.chain_ids = top, middle, lowest = chain_ids(a.diff_ids)
    images.ensure_layers(paths, driver, a, Run("cli"))  # type: ignore[arg-type]
    assert driver.applied == [(lowest, []), (middle, [lowest]), (top, [middle, lowest])]  # type: ignore[attr-defined]


def test_finding_an_image_imports_little() -> None:
    heavy = {"re", "json", "hashlib", "tarfile", "typing", "dataclasses", "enum", "tempfile", "shutil", "datetime"}
    code = f"""
import sys
sys.path.insert(0, {str(Path(images.__file__).parents[3])!r})
before = set(sys.modules)
import mydocker.engine.catalog.images
print(sorted((set(sys.modules) - before) & {heavy}))
"""
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
