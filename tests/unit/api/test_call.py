"""What an endpoint is asked: queries, filters and documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mydocker.api.call import Answer, Call, field, mapping, texts
from mydocker.errors import BadInput


@pytest.mark.parametrize(
    ("query", "expected"),
    [("a=1", True), ("a=true", True), ("a=True", True), ("a=0", False), ("a=false", False), ("a=False", False), ("a=", False), ("", False)],
)
def test_flags(call: Callable[..., Call], query: str, expected: bool) -> None:
    assert call(query).flag("a") is expected


@pytest.mark.parametrize(("query", "expected"), [("t=10", 10), ("t=-1", -1), ("t=", None), ("", None)])
def test_numbers(call: Callable[..., Call], query: str, expected: int | None) -> None:
    assert call(query).number("t") == expected


@pytest.mark.parametrize("text", ["x", "1.5", "1e3", "٣", "9" * 30])
def test_numbers_that_are_none(call: Callable[..., Call], text: str) -> None:
    with pytest.raises(BadInput, match="expected a number"):
        call(f"t={text}").number("t")


@pytest.mark.parametrize(
    "text",
    [
        '{"label":{"a=b":true},"status":{"exited":true}}',
        '{"label":["a=b"],"status":["exited"]}',
        '{"label":{"a=b":true,"c=d":false},"status":["exited"]}',
    ],
)
def test_filters_come_in_two_shapes(call: Callable[..., Call], text: str) -> None:
    assert call(f"filters={text}").filters() == ("label=a=b", "status=exited")


@pytest.mark.parametrize("text", ["x", "[]", '"a"', '{"a":1}', '{"a":[1]}', '{"a":"b"}', "[" * 100_000])
def test_filters_that_are_none(call: Callable[..., Call], text: str) -> None:
    with pytest.raises(BadInput, match="invalid filter"):
        call(f"filters={text}").filters()


@pytest.mark.parametrize(("body", "expected"), [(b"", {}), (b"null", {}), (b"{}", {}), (b'{"a": 1}', {"a": 1})])
def test_documents(call: Callable[..., Call], body: bytes, expected: object) -> None:
    assert call(body=body).document() == expected


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b'{"a": ["\\u0000"]}', b"[" * 100_000])
def test_documents_that_are_none(call: Callable[..., Call], body: bytes) -> None:
    with pytest.raises(BadInput, match="invalid JSON"):
        call(body=body).document()


def test_a_document_that_is_needed(call: Callable[..., Call]) -> None:
    with pytest.raises(BadInput, match="EOF"):
        call().document(is_needed=True)


def test_a_document_of_another_type(call: Callable[..., Call]) -> None:
    with pytest.raises(BadInput, match="unsupported Content-Type"):
        call(body=b"{}", kind="text/plain").document()


def test_a_query_with_too_many_fields(call: Callable[..., Call]) -> None:
    with pytest.raises(BadInput, match="invalid query"):
        call("&".join(f"a{number}=1" for number in range(2000)))


@pytest.mark.parametrize(("kind", "value"), [(str, 1), (int, "1"), (int, True), (bool, 1), (list, {}), (dict, []), (int, 1.5)])
def test_a_field_of_another_kind(kind: type, value: object) -> None:
    with pytest.raises(BadInput, match="invalid Field"):
        field({"Field": value}, "Field", kind, None)


def test_fields() -> None:
    assert field({"A": None}, "A", int, 3) == 3
    assert field({"detachKeys": "x"}, "DetachKeys", str, "") == "x"
    assert field({"a": 1, "A": 2}, "A", int, 3) == 2
    assert texts({"A": ["x"]}, "A") == ["x"]
    assert mapping({"A": {"x": "y"}}, "A") == {"x": "y"}
    with pytest.raises(BadInput, match="a list of texts"):
        texts({"A": [1]}, "A")
    with pytest.raises(BadInput, match="an object of texts"):
        mapping({"A": {"x": 1}}, "A")


def test_answers() -> None:
    assert Answer({"a": 1}).body == b'{"a":1}\n'
    assert Answer(None).body == b"null\n"
