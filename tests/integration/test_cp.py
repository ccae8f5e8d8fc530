"""cp: files between the host and a container, and no way out of either."""

from collections.abc import Iterator

import pytest
from conftest import Machine


@pytest.fixture(params=["running", "stopped", "vfs", "userns"])
def box(mydocker: Machine, request: pytest.FixtureRequest) -> Iterator[str]:
    """A container with some files."""
    flags = ["--storage-driver", "vfs"] if request.param == "vfs" else []
    if request.param == "userns":
        flags = request.getfixturevalue("userns")
    make = "mkdir -p /d/sub; echo one > /d/one; echo two > /d/sub/two; ln -s /d/one /link; ln -s one /d/rel; chown 5:6 /d/one"
    script = f"[ -e /d ] || {{ {make}; }}; sleep 1000"
    mydocker("run", "-d", "--name", "box", "-v", "data:/volume", *flags, "busybox", "sh", "-c", script)
    mydocker.wait_until(lambda: mydocker("exec", "box", "stat", "-c", "%u", "/d/one").stdout == "5\n")
    if request.param == "stopped":
        mydocker("stop", "-t", "0", "box")
    mydocker.sh("mkdir -p in out; echo host > in/file; mkdir in/tree; echo leaf > in/tree/leaf; ln -s leaf in/tree/link")
    yield "box"
    mydocker("start", "box")
    mydocker("rm", "-f", "box")
    mydocker("volume", "rm", "data")
    mydocker.sh("rm -rf in out")


def inside(mydocker: Machine, command: str) -> str:
    mydocker("start", "box")
    return mydocker("exec", "box", "sh", "-c", command).stdout


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("box:/d/one", "out", "out/one"),
        ("box:/d/one", "out/new", "out/new"),
        ("box:d/one", "out/", "out/one"),
        ("box:/d", "out", "out/d out/d/one out/d/rel out/d/sub out/d/sub/two"),
        ("box:/d/.", "out", "out/one out/rel out/sub out/sub/two"),
        ("box:/d", "out/fresh", "out/fresh out/fresh/one out/fresh/rel out/fresh/sub out/fresh/sub/two"),
        ("box:/d/.", "out/fresh", "out/fresh out/fresh/one out/fresh/rel out/fresh/sub out/fresh/sub/two"),
    ],
)
def test_out_of_a_container(mydocker: Machine, box: str, source: str, target: str, expected: str) -> None:
    result = mydocker("cp", source, target)
    assert (result.rc, result.stderr) == (0, "")
    assert mydocker.sh("find out -mindepth 1 | sort | tr '\\n' ' '").stdout.strip() == expected
    assert mydocker.sh("find out -name one -o -name new | xargs cat").stdout in ("one\n", "")
    assert set(mydocker.sh("find out -mindepth 1 -exec stat -c %u:%g {} +").stdout.split()) == {"0:0"}


def test_links_owners_and_streams(mydocker: Machine, box: str) -> None:
    mydocker("cp", "box:/link", "out/link")
    assert mydocker.sh("readlink out/link").stdout == "/d/one\n"
    mydocker("cp", "-L", "box:/link", "out/followed")
    assert mydocker.sh("cat out/followed").stdout == "one\n"
    mydocker("cp", "-a", "box:/d/one", "out/owned")
    assert mydocker.sh("stat -c %u:%g out/owned").stdout == "5:6\n"
    assert mydocker.sh("{mydocker} cp box:/d - | tar -t | sort | tr '\\n' ' '").stdout == "d/ d/one d/rel d/sub/ d/sub/two "
    assert mydocker.sh("tar -C in -c tree | {mydocker} cp - box:/tmp").rc == 0
    assert inside(mydocker, "cat /tmp/tree/link") == "leaf\n"


@pytest.mark.parametrize(
    ("source", "target", "look", "expected"),
    [
        ("in/file", "box:/tmp", "cat /tmp/file; stat -c %u /tmp/file", "host\n0\n"),
        ("in/file", "box:/etc/new", "cat /etc/new", "host\n"),
        ("in/tree", "box:/tmp", "cat /tmp/tree/link", "leaf\n"),
        ("in/tree/.", "box:/tmp", "cat /tmp/leaf", "leaf\n"),
        ("in/tree", "box:/fresh", "cat /fresh/leaf", "leaf\n"),
        ("in/file", "box:/volume/kept", "cat /volume/kept", "host\n"),
        ("in/file", "box:/d/one", "cat /d/one", "host\n"),
    ],
)
def test_into_a_container(mydocker: Machine, box: str, source: str, target: str, look: str, expected: str) -> None:
    result = mydocker("cp", source, target)
    assert (result.rc, result.stderr) == (0, "")
    assert inside(mydocker, look) == expected


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("box:/nosuch", "out", "no such file or directory: /nosuch"),
        ("in/nosuch", "box:/tmp", "no such file or directory: "),
        ("in/file", "box:/nosuch/deep", "no such file or directory: /nosuch"),
        ("in/file", "box:/nosuch/", "no such file or directory: /nosuch/"),
        ("in/tree", "box:/d/one", "not a directory: /d/one"),
        ("in/tree", "out", "expected one of them to be CONTAINER:PATH"),
        ("box:/d", "box:/e", "expected one of them to be CONTAINER:PATH"),
        ("nosuch:/d", "out", "no such container: nosuch"),
    ],
)
def test_what_cannot_be_copied_is_told(mydocker: Machine, box: str, source: str, target: str, words: str) -> None:
    result = mydocker("cp", source, target)
    assert result.rc == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert mydocker.sh("ls out").stdout == ""


def test_a_directory_is_not_replaced_by_a_file(mydocker: Machine, box: str) -> None:
    mydocker.sh("echo x > in/sub")
    refused = mydocker("cp", "in/sub", "box:/d")
    assert (refused.rc, "cannot replace a directory by a file" in refused.stderr) == (1, True)
    assert inside(mydocker, "cat /d/sub/two") == "two\n"


def test_cve_2018_15664_symlinks_end_inside_the_container(mydocker: Machine) -> None:
    """/out leads to the host's directory, in name: what is copied there, or from there, is the container's own."""
    mydocker.sh("mkdir host; echo precious > host/file; echo evil > file")
    script = f"mkdir -p {mydocker.directory}; ln -s / /root-link; ln -s {mydocker.directory} /out; ln -s ../../../../../.. /up; sleep 1000"
    mydocker("run", "-d", "--name", "evil", "busybox", "sh", "-c", script)
    mydocker.wait_until(lambda: mydocker("exec", "evil", "readlink", "/up").rc == 0)
    for target in ("/out", f"/up{mydocker.directory}", f"/root-link{mydocker.directory}"):
        assert mydocker("cp", "file", f"evil:{target}/file").rc == 0
        assert mydocker("cp", f"evil:{target}/host", "taken").rc == 1
    assert mydocker("exec", "evil", "cat", f"{mydocker.directory}/file").stdout == "evil\n"
    assert mydocker.sh("cat host/file; cat file; ls taken").stdout == "precious\nevil\n"
    mydocker("rm", "-f", "evil")
    mydocker.sh("rm -r host file")
