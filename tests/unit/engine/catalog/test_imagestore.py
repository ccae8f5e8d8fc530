"""import, tag and rmi: docker's rules on names, containers and blobs."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.catalog import images, importing, verbs
from mydocker.engine.catalog.importing import ImportOptions
from mydocker.errors import BadInput, Conflict, Damaged, NotFound
from mydocker.images.config import host_platform
from mydocker.images.layout import ImageLayout
from mydocker.images.reference import parse_name
from mydocker.steps.base import Run
from mydocker.storage.pack import pack_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mydocker.images.documents import Descriptor
    from mydocker.paths import Paths

    Make = Callable[..., str]


def names(paths: Paths) -> list[list[str]]:
    return sorted(image.names for image in images.all_images(paths))


def blobs(paths: Paths) -> int:
    return len(os.listdir(paths.images + "/blobs/sha256"))


def test_import_writes_config_and_history(paths: Paths, make_image: Make) -> None:
    make_image("busybox", "x", "ENV A=b", "ENTRYPOINT top")
    document = images.find(paths, "busybox").document
    assert document["config"] == {"Env": ["A=b"], "Entrypoint": ["/bin/sh", "-c", "top"]}
    assert document["history"] == [{"created": document["created"], "comment": "Imported from -"}]
    assert f"{document['os']}/{document['architecture']}" == host_platform().removesuffix("/v7").removesuffix("/v6")


def test_import_twice_shares_the_layer_and_keeps_the_older_image(paths: Paths, make_image: Make) -> None:
    first, second = make_image("busybox"), make_image("busybox")
    assert first != second
    assert names(paths) == [[], ["busybox:latest"]]
    assert blobs(paths) == 5


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("/nonexistent/file", ImportOptions(), "cannot import '/nonexistent/file'"),
        ("-", ImportOptions(changes=["RUN x"]), "run is not a valid change command"),
        ("-", ImportOptions(platform="plan9/amd64"), "invalid platform 'plan9/amd64'"),
        ("-", ImportOptions(), "standard input is not a tar archive"),
    ],
)
def test_bad_imports_leave_nothing(paths: Paths, run: Run, source: str, options: ImportOptions, message: str) -> None:
    stdin: io.BufferedReader = io.BufferedReader(io.BytesIO(b"no tar"))
    with pytest.raises(BadInput) as caught:
        importing.import_image(paths, source, stdin, parse_name("x"), options, run)
    assert caught.value.message.startswith(message)
    assert images.all_images(paths) == []
    assert not os.path.exists(paths.images) or (blobs(paths) == 0 and os.listdir(paths.images + "/staging") == [])


def test_import_of_a_file(paths: Paths, run: Run, tmp_path: Path) -> None:
    (tmp_path / "zeros.tar").write_bytes(bytes(1024))
    image_id = importing.import_image(
        paths, f"{tmp_path}/zeros.tar", io.BufferedReader(io.BytesIO()), None, ImportOptions(message="m"), run
    )
    assert images.find(paths, image_id).document["history"][0]["comment"] == "m"


@pytest.mark.parametrize("kind", ["tar", "directory"])
@pytest.mark.parametrize(("name", "reason"), [(".wh.y", "begins with .wh."), ("n" * 243, "at most 242 bytes, one has 243")])
def test_what_the_driver_cannot_show_is_not_imported(paths: Paths, run: Run, tmp_path: Path, kind: str, name: str, reason: str) -> None:
    (tmp_path / "root/d").mkdir(parents=True)
    (tmp_path / "root/d" / name).touch()
    stdin = io.BytesIO()
    pack_tree(f"{tmp_path}/root", stdin)
    stdin.seek(0)
    source = "-" if kind == "tar" else f"{tmp_path}/root"
    with pytest.raises(BadInput, match=f"d/{name}: .*{reason}"):
        importing.import_image(paths, source, io.BufferedReader(stdin), parse_name("x"), ImportOptions(longest_name=242), run)
    assert images.all_images(paths) == []


def test_tag(paths: Paths, run: Run, make_image: Make) -> None:
    make_image("a"), make_image("b", "y")
    verbs.tag(paths, "a", "c:1", run)
    verbs.tag(paths, "b", "c:1", run)
    assert names(paths) == [["a:latest"], ["b:latest", "c:1"]]
    with pytest.raises(NotFound):
        verbs.tag(paths, "nope", "x", run)
    with pytest.raises(BadInput):
        verbs.tag(paths, "a", "X", run)


def test_remove_the_last_name_removes_image_blobs_and_layers(paths: Paths, driver: object, run: Run, make_image: Make) -> None:
    image_id = make_image("busybox")
    image = images.find(paths, "busybox")
    images.ensure_layers(paths, driver, image, run)  # type: ignore[arg-type]
    lines = verbs.remove(paths, [driver], "busybox", False, run)  # type: ignore[list-item]
    assert lines == ["Untagged: busybox:latest", f"Deleted: sha256:{image_id}", f"Deleted: sha256:{image.chain_ids[0]}"]
    assert (blobs(paths), os.listdir(paths.layers + "/plain"), images.all_images(paths)) == (0, [], [])


def test_remove_one_of_several_names(paths: Paths, run: Run, make_image: Make) -> None:
    make_image("a")
    verbs.tag(paths, "a", "b", run)
    assert verbs.remove(paths, [], "a", False, run) == ["Untagged: a:latest"]
    assert (names(paths), blobs(paths)) == ([["b:latest"]], 3)


def test_a_shared_layer_stays(paths: Paths, driver: object, run: Run, make_image: Make) -> None:
    first, second = make_image("a"), make_image("b", "x", "USER y")
    images.ensure_layers(paths, driver, images.find(paths, "a"), run)  # type: ignore[arg-type]
    assert verbs.remove(paths, [driver], "a", False, run) == ["Untagged: a:latest", f"Deleted: sha256:{first}"]  # type: ignore[list-item]
    assert images.find(paths, "b").id == second
    assert os.listdir(paths.layers + "/plain") == images.find(paths, "b").chain_ids


def test_a_layer_that_is_needed_again_meanwhile_stays(paths: Paths, driver: object, run: Run, make_image: Make) -> None:
    make_image("a")
    image = images.find(paths, "a")
    images.ensure_layers(paths, driver, image, run)  # type: ignore[arg-type]
    run.apply(verbs.RemoveLayers(paths, [driver], image.chain_ids))  # type: ignore[list-item]
    assert os.listdir(paths.layers + "/plain") == image.chain_ids


def test_by_id(paths: Paths, run: Run, make_image: Make) -> None:
    image_id = make_image("a")
    assert verbs.remove(paths, [], image_id[:12], False, run)[:2] == ["Untagged: a:latest", f"Deleted: sha256:{image_id}"]
    nameless = make_image(None)
    assert verbs.remove(paths, [], nameless, False, run)[0] == f"Deleted: sha256:{nameless}"


def test_by_id_with_several_names_wants_force(paths: Paths, run: Run, make_image: Make) -> None:
    image_id = make_image("a")
    verbs.tag(paths, "a", "b", run)
    with pytest.raises(Conflict, match="without force: it has 2 names"):
        verbs.remove(paths, [], image_id, False, run)
    lines = verbs.remove(paths, [], image_id, True, run)
    assert lines[:3] == ["Untagged: a:latest", "Untagged: b:latest", f"Deleted: sha256:{image_id}"]


@pytest.mark.parametrize("by_id", [False, True])
def test_a_stopped_containers_image_wants_force(
    paths: Paths, driver: object, run: Run, make_image: Make, make_container: Callable[..., dict[str, object]], by_id: bool
) -> None:
    image_id = make_image("a")
    image = images.find(paths, "a")
    images.ensure_layers(paths, driver, image, run)  # type: ignore[arg-type]
    container = make_container(image_id, image.chain_ids)
    with pytest.raises(Conflict, match=f"without force: .*container {str(container['id'])[:12]} uses it"):
        verbs.remove(paths, [driver], image_id if by_id else "a", False, run)  # type: ignore[list-item]
    lines = verbs.remove(paths, [driver], image_id if by_id else "a", True, run)  # type: ignore[list-item]
    assert lines == ["Untagged: a:latest", f"Deleted: sha256:{image_id}"]
    assert os.listdir(paths.layers + "/plain") == image.chain_ids, "the container needs the layer"


def test_a_running_containers_image_only_loses_its_name(
    paths: Paths, run: Run, make_image: Make, make_container: Callable[..., dict[str, object]]
) -> None:
    image_id = make_image("a")
    make_container(image_id, running=True)
    with pytest.raises(Conflict, match="running container"):
        verbs.remove(paths, [], image_id, True, run)
    assert verbs.remove(paths, [], "a", True, run) == ["Untagged: a:latest"]
    assert names(paths) == [[]]


def test_a_container_without_a_record_yet_is_passed_over(paths: Paths, run: Run, make_image: Make) -> None:
    os.makedirs(paths.container("f" * 64))
    make_image("a")
    assert len(verbs.remove(paths, [], "a", False, run)) == 3


@pytest.mark.parametrize("named", [True, False])
def test_a_damaged_image_can_be_removed_by_force(paths: Paths, run: Run, make_image: Make, named: bool) -> None:
    make_image("other", "y")
    image_id = make_image("a" if named else None)
    digest = images.find(paths, image_id).manifest
    name = "a" if named else digest
    os.truncate(ImageLayout(paths.images).blob(digest), 5)
    with pytest.raises(Damaged) as caught:
        verbs.remove(paths, [], name, False, run)
    assert caught.value.hint == f"remove it: mydocker rmi -f {'a:latest' if named else digest}"
    assert verbs.remove(paths, [], name, True, run) == ["Untagged: a:latest"] * named + [f"Deleted: {digest}"]
    assert blobs(paths) == 3


def test_missing(paths: Paths, run: Run) -> None:
    with pytest.raises(NotFound, match="no such image: nope:latest"):
        verbs.remove(paths, [], "nope", True, run)


@pytest.mark.parametrize("reader", ["all", "id", "rmi", "needed"])
def test_an_image_that_vanishes_between_index_and_manifest(
    paths: Paths, run: Run, make_image: Make, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    kept = make_image("kept", "x")
    make_image("vanishing", "y")
    of_layout, left = ImageLayout.entries, [Run("cli")]

    def entries(layout: ImageLayout) -> list[Descriptor]:
        found = of_layout(layout)
        if left:
            verbs.remove(paths, [], "vanishing", False, left.pop())
        return found

    chain_ids = images.find(paths, kept).chain_ids
    monkeypatch.setattr(ImageLayout, "entries", entries)
    if reader == "rmi":
        assert verbs.remove(paths, [], kept[:12], False, run)[-1].startswith("Deleted: ")
        assert images.all_images(paths) == []
    elif reader == "needed":
        unneeded = "f" * 64
        assert verbs.unneeded_layers(paths, [*chain_ids, unneeded]) == [unneeded]
    else:
        found = images.all_images(paths) if reader == "all" else [images.find(paths, kept[:12])]
        assert [image.names for image in found] == [["kept:latest"]]


def test_what_an_index_names_that_does_not_change_is_damaged(paths: Paths, make_image: Make) -> None:
    make_image("busybox")
    os.unlink(ImageLayout(paths.images).blob(images.find(paths, "busybox").manifest))
    with pytest.raises(Damaged, match="is missing in"):
        images.find(paths, "busybox")
    [damaged] = images.survey(paths)[1]
    assert "is missing in" in damaged.problem.message
    assert images.all_images(paths) == []
