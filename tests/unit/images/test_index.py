"""index.json's descriptors: who has which name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mydocker.images import index
from mydocker.images.reference import parse

if TYPE_CHECKING:
    from mydocker.images.documents import Descriptor

A: Any
B: Any
A, B = ({"mediaType": "m", "digest": f"sha256:{letter * 64}", "size": 1, "annotations": {index.SIZES: "5"}} for letter in "ab")


def shown(entries: list[Descriptor]) -> list[tuple[str, str | None]]:
    return [(e["digest"][7], index.name_of(e)) for e in entries]


def with_names(*pairs: tuple[Descriptor, str | None]) -> list[Descriptor]:
    entries: list[Descriptor] = []
    for entry, name in pairs:
        entries = index.add(entries, entry, parse(name) if name else None)
    return entries


X, Y = "docker.io/library/x:1", "docker.io/library/y:1"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(A, "x:1")], [("a", X)]),
        ([(A, "x:1"), (A, "x:1")], [("a", X)]),
        ([(A, "x:1"), (A, "y:1")], [("a", X), ("a", Y)]),
        ([(A, "x:1"), (B, "x:1")], [("a", None), ("b", X)]),
        ([(A, "x:1"), (A, "y:1"), (B, "x:1")], [("a", Y), ("b", X)]),
        ([(A, None)], [("a", None)]),
        ([(A, None), (A, None)], [("a", None)]),
        ([(A, None), (A, "x:1")], [("a", X)]),
        ([(A, "x:1"), (A, None)], [("a", X)]),
    ],
)
def test_add(pairs: list[tuple[Descriptor, str | None]], expected: list[tuple[str, str | None]]) -> None:
    assert shown(with_names(*pairs)) == expected


def test_a_name_that_the_image_has_changes_nothing() -> None:
    entries = with_names((A, "x:1"), (B, "y:1"))
    assert index.add(entries, A, parse("x:1")) is entries
    assert shown(index.add([*entries, index.named(A, None)], A, parse("x:1"))) == [("b", Y), ("a", X)]


def test_a_name_knows_since_when_the_image_has_it() -> None:
    first, second = "2026-12-01T10:00:00.000000Z", "2026-12-02T10:00:00.000000Z"
    entries = index.add([], A, parse("x:1"), first)
    assert index.add(entries, A, parse("x:1"), second) is entries
    entries = index.add(entries, entries[0], parse("y:1"), second)
    assert [(index.name_of(e), index.tagged(e)) for e in entries] == [(X, first), (Y, second)]
    entries = index.remove_name(index.remove_name(entries, Y), X)
    assert [index.tagged(e) for e in entries] == [""]
    entries[0]["annotations"][index.TAGGED] = "today"
    assert index.tagged(entries[0]) == ""


def test_remove_name() -> None:
    entries = with_names((A, "x:1"), (A, "y:1"), (B, "z:1"))
    fewer = index.remove_name(entries, X)
    assert shown(fewer) == [("a", Y), ("b", "docker.io/library/z:1")]
    assert shown(index.remove_name(fewer, Y)) == [("b", "docker.io/library/z:1"), ("a", None)]


def test_remove_unnamed_leaves_names() -> None:
    assert shown(index.remove_unnamed(with_names((A, "x:1"), (B, None)), B["digest"])) == [("a", X)]
    assert shown(index.remove_unnamed(with_names((A, "x:1")), A["digest"])) == [("a", X)]


def test_annotations_are_those_other_tools_read() -> None:
    assert index.named(A, parse("x:1"))["annotations"] == {
        "org.opencontainers.image.ref.name": "x:1",
        "io.containerd.image.name": X,
        "mydocker.sizes": "5",
    }
    bare: Any = {"digest": "d"}
    assert index.named(bare, None) == bare == {"digest": "d"}


@pytest.mark.parametrize(("ref_name", "name"), [("x", "docker.io/library/x:latest"), ("not a name", None), ("", None)])
@pytest.mark.parametrize("key", [index.REF_NAME, index.CONTAINERD_NAME])
def test_names_by_other_tools(key: str, ref_name: str, name: str | None) -> None:
    entry: Any = {"digest": "d", "annotations": {key: ref_name}}
    assert index.name_of(entry) == name


def test_notes_of_our_own_do_not_travel() -> None:
    entry = {"digest": "sha256:1", "size": 1, "annotations": {index.PARENT: "1", index.SIZES: "1", index.REF_NAME: "a:1", "org.x": "y"}}
    away = index.abroad(entry)  # type: ignore[arg-type]
    assert away["annotations"] == {index.REF_NAME: "a:1", "org.x": "y"}
    assert index.PARENT in entry["annotations"]  # type: ignore[operator]
