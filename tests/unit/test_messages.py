"""The messages between processes: each kind one thing, and their order checked where somebody waits."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator

import pytest

from mydocker import errors, messages
from mydocker.kernel.channel import Channel

KINDS = {name: value for name, value in vars(messages).items() if name.isupper() and isinstance(value, str)}


def test_a_kind_is_one_letter_that_means_one_thing() -> None:
    letters = {name: letter for name, letter in KINDS.items() if name != "GONE"}
    assert all(len(letter.encode()) == 1 for letter in letters.values())
    assert max(Counter(letters.values()).values()) == 1


def test_every_kind_is_in_the_drawing() -> None:
    drawing = ast.get_docstring(ast.parse(inspect.getsource(messages))) or ""
    assert [name for name in KINDS if name != "GONE" and f"{name} " not in drawing.replace(",", " ")] == []


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Error)])
def test_an_error_is_of_the_same_kind_in_another_process(kind: type[errors.Error]) -> None:
    assert type(messages.error_from(messages.failure(kind("x")))) is kind


@pytest.fixture
def ends() -> Iterator[tuple[Channel, messages.Inbox]]:
    sender, ours = Channel.pair()
    inbox = messages.Inbox(ours, "init", errors.StepFailed("it is gone"), {})
    yield sender, inbox
    sender.close()
    ours.close()


def test_what_comes_early_is_kept_for_who_wants_it(ends: tuple[Channel, messages.Inbox]) -> None:
    sender, inbox = ends
    sender.send(messages.ISOLATED, b"1")
    sender.send(messages.BUILT, b"2")
    sender.send(messages.BORN, b"3")
    assert inbox.wait(messages.BORN, before=messages.ISOLATED + messages.BUILT) == (messages.BORN, b"3", [])
    assert inbox.wait(messages.BUILT)[1] == b"2"
    assert inbox.wait(messages.ISOLATED)[1] == b"1"


def test_what_has_a_handler_is_not_kept(ends: tuple[Channel, messages.Inbox]) -> None:
    sender, inbox = ends
    told: list[bytes] = []
    inbox.handlers[messages.EXPLAIN] = lambda payload, _: told.append(payload)
    sender.send(messages.EXPLAIN, b"step")
    sender.send(messages.READY)
    assert inbox.take(messages.READY, messages.EXPLAIN) is None
    assert (told, inbox.kept) == ([b"step"], [])
    assert inbox.take(messages.READY)


def test_what_may_not_come_is_an_error_that_names_both(ends: tuple[Channel, messages.Inbox]) -> None:
    sender, inbox = ends
    sender.send(messages.READY)
    sender.send("?")
    with pytest.raises(errors.Error, match=r"^init sent READY where BORN was awaited$"):
        inbox.wait(messages.BORN, before=messages.ISOLATED)
    with pytest.raises(errors.Error, match=r"^init sent message '\?' where STARTED or END was awaited$"):
        inbox.wait(messages.STARTED + messages.END)
    sender.send(messages.BORN)
    with pytest.raises(errors.Error, match=r"^init sent BORN where GONE was awaited$"):
        inbox.wait(messages.GONE)


def test_the_end_of_the_sender_is_awaited_or_an_error(ends: tuple[Channel, messages.Inbox]) -> None:
    sender, inbox = ends
    sender.close()
    assert inbox.wait(messages.GONE)[0] == messages.GONE
    with pytest.raises(errors.StepFailed, match="it is gone"):
        inbox.wait(messages.READY, before=messages.EXPLAIN)


@pytest.mark.parametrize("wanted", [messages.BORN, messages.GONE])
def test_a_failure_is_raised_wherever_it_comes(ends: tuple[Channel, messages.Inbox], wanted: str) -> None:
    sender, inbox = ends
    sender.put(messages.FAILURE, messages.failure(errors.CommandNotFound("no such thing", "look for it")))
    with pytest.raises(errors.CommandNotFound, match="no such thing"):
        inbox.wait(wanted)


def test_a_message_is_late_if_a_test_wants_that(ends: tuple[Channel, messages.Inbox], monkeypatch: pytest.MonkeyPatch) -> None:
    sender, inbox = ends
    slept: list[float] = []
    monkeypatch.setattr(messages, "sleep", slept.append)
    monkeypatch.setenv("MYDOCKER_DELAY", "send:BUILT:0.5")
    sender.send(messages.ISOLATED)
    assert slept == []
    sender.send(messages.BUILT)
    assert slept == [0.5]
    monkeypatch.setenv("MYDOCKER_DELAY", "receive:ISOLATED:2")
    inbox.wait(messages.BUILT, before=messages.ISOLATED)
    assert slept == [0.5, 2]


@pytest.mark.parametrize(
    "text", ["x", "send:BUILT", "send:BUILT:", "send:BUILT:soon", "late:BUILT:1", "send:KINDS:1", "send:errors:1", "send:BUILT:-1"]
)
def test_a_delay_that_is_none_is_named(text: str) -> None:
    with pytest.raises(errors.BadInput, match=f"^MYDOCKER_DELAY '{text}': expected "):
        messages.parse_delay(text)
