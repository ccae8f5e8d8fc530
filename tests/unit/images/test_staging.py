"""What killed writers leave is recognised, what living ones write is not touched."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from mydocker.images.layout import ImageLayout
from mydocker.images.staging import Staging, leftovers


@pytest.fixture
def layout(tmp_path: Path) -> ImageLayout:
    return ImageLayout(str(tmp_path / "images"))


def killed(work: Callable[[], None]) -> None:
    """Do work in a child that is killed by SIGKILL right after it."""
    child = os.fork()
    if child == 0:
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def tree(layout: ImageLayout) -> list[str]:
    return sorted(os.path.relpath(f"{top}/{name}", layout.directory) for top, _, names in os.walk(layout.directory) for name in names)


WHOLE = ["index.json", "lock", "oci-layout"]


def test_there_need_be_no_layout(layout: ImageLayout) -> None:
    assert leftovers(layout, remove=True) == []
    assert not os.path.exists(layout.directory)


def test_a_killed_writers_blobs_go(layout: ImageLayout) -> None:
    def half() -> None:
        staging = Staging(layout)
        staging.put(b"whole")
        staging.writer().write(b"half")

    killed(half)
    assert len(tree(layout)) == 5
    assert [os.path.dirname(path) for path in leftovers(layout, remove=True)] == [layout.directory + "/staging"]
    assert tree(layout) == WHOLE
    assert leftovers(layout, remove=True) == []


def test_killed_between_blobs_and_index(layout: ImageLayout) -> None:
    def die(_: object) -> NoReturn:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it lives")

    def half() -> None:
        staging = Staging(layout)
        staging.put(b"content")
        staging.publish(die)

    killed(half)
    assert any(path.startswith("blobs/") for path in tree(layout))
    assert len(leftovers(layout, remove=True)) == 2
    assert tree(layout) == WHOLE


def test_killed_while_writing_the_index(layout: ImageLayout) -> None:
    layout.create()
    temporary = Path(layout.directory, "index.json.4711.tmp")
    temporary.write_text('{"manif')
    assert leftovers(layout, remove=True) == [str(temporary)]


def test_a_living_writer_is_left_alone(layout: ImageLayout) -> None:
    with Staging(layout) as staging:
        blob = staging.put(b"content")
        child = os.fork()
        if child == 0:
            os._exit(len(leftovers(layout, remove=True)))
        assert os.waitpid(child, 0)[1] == 0
        staging.publish(lambda entries: [*entries, {"digest": blob.digest, "size": 7, "mediaType": "layer"}])
    assert layout.read(layout.entries()[0]) == b"content"


def test_two_writers_of_the_same_content(layout: ImageLayout) -> None:
    with Staging(layout) as one, Staging(layout) as two:
        blobs = [staging.put(b"same") for staging in (one, two)]
        for staging in (one, two):
            staging.publish(lambda _: [{"digest": blobs[0].digest, "size": 4, "mediaType": "layer"}])
    assert layout.read(layout.entries()[0]) == b"same"


def test_concurrent_writers_lose_no_entry(layout: ImageLayout) -> None:
    def write(number: int) -> None:
        with Staging(layout) as staging:
            blob = staging.put(b"%d" % number)
            staging.publish(lambda entries: [*entries, {"digest": blob.digest, "size": blob.size, "mediaType": "layer"}])

    children = []
    for number in range(8):
        children.append(os.fork())
        if children[-1] == 0:
            write(number)
            os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert sorted(layout.read(entry) for entry in layout.entries()) == [b"%d" % n for n in range(8)]
