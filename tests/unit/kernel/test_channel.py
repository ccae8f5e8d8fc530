"""Messages between our processes."""

import os
from collections.abc import Iterator

import pytest

from mydocker.kernel.channel import LIMIT, Channel

Pair = tuple[Channel, Channel]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ends = Channel.pair()
    yield ends
    for end in ends:
        end.close()


def test_a_message_arrives_whole(pair: Pair) -> None:
    one, other = pair
    one.send("I", b"x" * LIMIT)
    one.send("I")
    assert other.receive() == ("I", b"x" * LIMIT, [])
    assert other.receive() == ("I", b"", [])


def test_the_end_of_the_peer_is_the_end_of_file(pair: Pair) -> None:
    one, other = pair
    one.send("S")
    one.close()
    assert other.receive()[0] == "S"
    assert other.receive() == ("", b"", [])


def test_descriptors_travel_and_are_close_on_exec(pair: Pair) -> None:
    one, other = pair
    read, write = os.pipe()
    one.put("T", {"a": (1, "é", None)}, (write,))
    kind, _, (received,) = other.receive()
    os.write(received, b"through")
    assert (kind, os.read(read, 10), os.get_inheritable(received)) == ("T", b"through", False)
    for descriptor in (read, write, received):
        os.close(descriptor)


def test_a_full_channel_does_not_wait_when_it_may_not(pair: Pair) -> None:
    one, _other = pair
    with pytest.raises(BlockingIOError):
        for _ in range(1000):
            one.send("O", b"x" * LIMIT, wait=False)


def test_sending_to_nobody_is_an_error(pair: Pair) -> None:
    one, other = pair
    other.close()
    with pytest.raises(BrokenPipeError):
        one.send("O", b"x")


def test_the_last_words_of_a_peer_that_did_not_listen(pair: Pair) -> None:
    """It closed with our message unread, which the kernel answers by ECONNRESET before it gives what the peer had sent."""
    one, other = pair
    one.send("G")
    other.send("F", b"why")
    other.close()
    assert one.receive() == ("F", b"why", [])
    assert one.receive() == ("", b"", [])
