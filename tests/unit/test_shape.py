"""Shapes: what fits, what is named when it does not, what is filled in, and that each says the same as the type beside it."""

from __future__ import annotations

import ast
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

import mydocker
from mydocker.errors import Damaged
from mydocker.shape import WrongShape, fit
from mydocker.store import read_document

PACKAGE = Path(mydocker.__file__).parent
MOUNT = {"type!": "text", "source": ("text", ""), "rw": ("truth", True), "size": "natural"}
RECORD = {"id!": "text", "mounts": ([MOUNT], []), "command": (["text"], None), "labels": ({"*": "text"}, {}), "delay": ("real", 0.0)}


def test_what_is_missing_gets_its_default_and_what_nobody_knows_is_kept() -> None:
    record: dict[str, Any] = {"id": "a", "mounts": [{"type": "bind", "moon": 1}], "size": None, "moon": {"x": [None]}}
    fit(record, RECORD)
    assert record == {
        "id": "a",
        "mounts": [{"type": "bind", "source": "", "rw": True, "moon": 1}],
        "command": None,
        "labels": {},
        "delay": 0.0,
        "size": None,
        "moon": {"x": [None]},
    }


def test_defaults_are_nobody_elses() -> None:
    first: dict[str, Any] = {"id": "a"}
    second: dict[str, Any] = {"id": "b"}
    for record in (first, second):
        fit(record, RECORD)
    first["mounts"].append({})
    first["labels"]["a"] = "b"
    assert second["mounts"] == [] and second["labels"] == {}


def test_null_is_missing() -> None:
    mount: dict[str, Any] = {"type": "bind", "source": None, "size": None}
    fit(mount, MOUNT)
    assert mount == {"type": "bind", "source": "", "rw": True}
    labels: dict[str, Any] = {"a": None, "b": "c"}
    fit(labels, {"*": "text"})
    assert labels == {"b": "c"}


def test_an_object_that_is_missing_gets_its_fields_defaults() -> None:
    record: dict[str, Any] = {}
    fit(record, {"rootfs": ({"type": ("text", "layers"), "ids": (["text"], [])}, {})})
    assert record == {"rootfs": {"type": "layers", "ids": []}}


def test_null_is_one_of_any() -> None:
    ports: dict[str, Any] = {"80/tcp": None, "81/tcp": {}}
    fit(ports, {"*": "any"})
    assert ports == {"80/tcp": None, "81/tcp": {}}


@pytest.mark.parametrize(
    "document, problem",
    [
        ([], "[]: expected an object"),
        ({}, "id is missing"),
        ({"id": None}, "id is missing"),
        ({"id": 5}, "id 5: expected a text"),
        ({"id": "a\0"}, "id 'a\\x00': expected a text"),
        ({"id": "a", "mounts": {}}, "mounts {}: expected a list"),
        ({"id": "a", "mounts": ["x"]}, "mounts[0] 'x': expected an object"),
        ({"id": "a", "mounts": [{"type": "bind"}, {}]}, "mounts[1].type is missing"),
        ({"id": "a", "mounts": [{"type": "bind", "rw": 1}]}, "mounts[0].rw 1: expected true or false"),
        ({"id": "a", "mounts": [{"type": "bind", "size": -1}]}, "mounts[0].size -1: expected a whole number that is not negative"),
        ({"id": "a", "mounts": [{"type": "bind", "size": True}]}, "mounts[0].size True: expected a whole number that is not negative"),
        ({"id": "a", "labels": {"a": 1}}, "labels.a 1: expected a text"),
        ({"id": "a", "labels": {"a\n": 1}}, "labels.'a\\n' 1: expected a text"),
        ({"id": "a", "labels": {"a": "\0"}}, "labels.a '\\x00': expected a text"),
        ({"id": "a", "command": ["a", "\0"]}, "command[1] '\\x00': expected a text"),
        ({"id": "a", "command": [1]}, "command[0] 1: expected a text"),
        ({"id": "a", "delay": "1"}, "delay '1': expected a number"),
    ],
)
def test_what_does_not_fit_is_named(document: Any, problem: str) -> None:
    with pytest.raises(WrongShape) as raised:
        fit(document, RECORD)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    "content, problem",
    [
        (b'{"id": 1}', "id 1: expected a text"),
        (b"{", "not valid JSON: "),
        (b"", "not valid JSON: "),
        (b'{"id": "\xff"}', "not valid JSON: "),
        (b"[" * 100_000, "not valid JSON: "),
    ],
)
def test_a_file_that_does_not_fit_is_damaged_and_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(Damaged) as raised:
        read_document(str(path), RECORD)
    assert raised.value.message.startswith(f"{path}: {problem}")


def documents() -> list[tuple[str, str, str]]:
    """Return (module, constant, name of its type) of every shape of an object in the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(["mydocker", *path.relative_to(PACKAGE).with_suffix("").parts])
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and ast.unparse(node.annotation) == "Shape":
                constant = node.target.id
                if isinstance(node.value, ast.Dict) and [ast.unparse(key) for key in node.value.keys if key] != ["'*'"]:
                    found.append((name, constant, constant.title().replace("_", "")))
    return found


class WithTypes(SourceFileLoader):
    """Loads a module as a type checker sees it, with what it says about types only."""

    def get_code(self, fullname: str) -> types.CodeType:
        return compile(Path(self.path).read_text().replace("TYPE_CHECKING = False", "TYPE_CHECKING = True", 1), self.path, "exec")


class Finder:
    """Finds the package's modules for WithTypes."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name.startswith("mydocker.") else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = WithTypes(spec.loader.name, spec.loader.path)
        return spec


@pytest.fixture(scope="module")
def with_types() -> Iterator[None]:
    """Have the package imported anew, with the types; afterwards all is as before."""
    before = {name: module for name, module in sys.modules.items() if name.startswith("mydocker")}
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, Finder)
    yield
    sys.meta_path.remove(Finder)
    for name in [name for name in sys.modules if name.startswith("mydocker")]:
        del sys.modules[name]
    sys.modules.update(before)


def is_optional(kind: Any) -> bool:
    # typing itself sees no NotRequired in annotations that are kept as text.
    return typing.get_origin(kind) is typing.NotRequired


def shape_of(kind: Any) -> Any:
    """Return a type as a shape; (shape, None) where it may be None; a TypedDict as {name: (is required, shape)}."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if type(None) in arguments:
        (other,) = [argument for argument in arguments if argument is not type(None)]
        return (shape_of(other), None)
    if typing.is_typeddict(kind):
        fields = typing.get_type_hints(kind, include_extras=True)
        return {name: (name in kind.__required_keys__ and not is_optional(value), shape_of(value)) for name, value in fields.items()}
    if is_optional(kind):
        return shape_of(arguments[0])
    if origin is list:
        return [shape_of(arguments[0])]
    if origin is dict:
        return {"*": shape_of(arguments[1])}
    return {str: "text", int: "number", float: "real", bool: "truth", object: "any", Any: "any"}[kind]


def type_of(shape: Any) -> Any:
    """Return a shape in the same words as shape_of()."""
    if isinstance(shape, list):
        return [type_of(shape[0])]
    if not isinstance(shape, dict):
        return "number" if shape == "natural" else shape
    if "*" in shape:
        return {"*": type_of(shape["*"])}
    found = {}
    for name, inner in shape.items():
        has_default = isinstance(inner, tuple)
        kind = type_of(inner[0] if has_default else inner)
        may_be_none = has_default and inner[1] is None
        found[name.removesuffix("!")] = (name.endswith("!") or has_default, (kind, None) if may_be_none else kind)
    return found


@pytest.mark.parametrize("module, constant, kind", documents(), ids=lambda value: str(value))
def test_a_shape_and_the_type_beside_it_say_the_same(with_types: None, module: str, constant: str, kind: str) -> None:
    loaded = import_module(module)
    assert shape_of(getattr(loaded, kind)) == type_of(getattr(loaded, constant))
