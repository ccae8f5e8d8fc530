"""cp: files between the host and a container, and no way out of either."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import Machine

MAKE = """
mkdir -p /d/sub; echo one > /d/one; echo two > /d/sub/two; chown 5:6 /d/one
ln -s /d/one /link; ln -s one /d/rel; ln -s rel /d/chain
ln -s /etc/missing /d/dangling; ln -s ../../../etc/beyond /d/above; ln -s /etc /d/dir
"""
# What is in /d then.
FILES = ["above", "chain", "dangling", "dir", "one", "rel", "sub", "sub/two"]


KINDS = ["running", "stopped", "vfs", "userns"]


@contextmanager
def made(mydocker: Machine, name: str, kind: str, userns: str) -> Iterator[None]:
    """Have a container with some files. kind: one of KINDS; userns: why it cannot have a user namespace of its own"""
    flags = {"vfs": ["--storage-driver", "vfs"], "userns": ["--userns", "auto"]}.get(kind, [])
    if kind == "userns" and userns:
        pytest.skip(userns)
    script = f"[ -e /d ] || {{ {MAKE} }}; sleep 1000"
    mydocker("run", "-d", "--name", name, "-v", f"{name}:/volume", *flags, "busybox", "sh", "-c", script)
    mydocker.wait_until(lambda: mydocker("exec", name, "stat", "-c", "%u", "/d/one").stdout == "5\n")
    if kind == "stopped":
        mydocker("stop", "-t", "0", name)
    yield
    mydocker("rm", "-f", name)
    mydocker("volume", "rm", name)


@pytest.fixture
def files(mydocker: Machine) -> None:
    """Some files of the host."""
    mydocker.sh("mkdir -p in out; echo host > in/file; mkdir in/tree; echo leaf > in/tree/leaf; ln -s leaf in/tree/link")


@pytest.fixture(params=KINDS)
def box(mydocker: Machine, files: None, no_idmapped_mounts: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """A container of the test's own, and files of the host."""
    with made(mydocker, "box", request.param, no_idmapped_mounts):
        yield


@pytest.fixture(scope="module", params=KINDS)
def kept_box(
    host: Any, program: str, directory: str, image_imported: None, no_idmapped_mounts: str, request: pytest.FixtureRequest
) -> Iterator[None]:
    """A container that is not written to, for all the tests that only look."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    mydocker = Machine(host, program, directory)
    before = mydocker.snapshot()
    with made(mydocker, "kept", request.param, no_idmapped_mounts):
        yield
    assert mydocker.left_since(before) == []


def inside(mydocker: Machine, command: str) -> str:
    mydocker("start", "box")
    return mydocker("exec", "box", "sh", "-c", command).stdout


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("kept:/d/one", "out", ["out/one"]),
        ("kept:/d/one", "out/new", ["out/new"]),
        ("kept:d/one", "out/", ["out/one"]),
        ("kept:/d", "out", ["out/d", *(f"out/d/{name}" for name in FILES)]),
        ("kept:/d/.", "out", [f"out/{name}" for name in FILES]),
        ("kept:/d", "out/fresh", ["out/fresh", *(f"out/fresh/{name}" for name in FILES)]),
        ("kept:/d/.", "out/fresh", ["out/fresh", *(f"out/fresh/{name}" for name in FILES)]),
    ],
)
def test_out_of_a_container(kept_box: None, mydocker: Machine, files: None, source: str, target: str, expected: list[str]) -> None:
    result = mydocker("cp", source, target)
    assert (result.rc, result.stderr) == (0, "")
    assert mydocker.sh("find out -mindepth 1 | sort").stdout.splitlines() == expected
    assert mydocker.sh("find out -name one -o -name new | xargs cat").stdout in ("one\n", "")
    assert set(mydocker.sh("find out -mindepth 1 -exec stat -c %u:%g {} +").stdout.split()) == {"0:0"}


def test_links_owners_and_streams(mydocker: Machine, box: None) -> None:
    mydocker("cp", "box:/link", "out/link")
    assert mydocker.sh("readlink out/link").stdout == "/d/one\n"
    mydocker("cp", "-L", "box:/link", "out/followed")
    assert mydocker.sh("cat out/followed").stdout == "one\n"
    mydocker.sh("rm out/link")
    mydocker("cp", "-L", "box:/link", "out/")
    assert mydocker.sh("cat out/link").stdout == "one\n"
    mydocker("cp", "-a", "box:/d/one", "out/owned")
    assert mydocker.sh("stat -c %u:%g out/owned").stdout == "5:6\n"
    assert (
        mydocker.sh("{mydocker} cp box:/d - | tar -t | sort | tr '\\n' ' '").stdout
        == "d/ d/above d/chain d/dangling d/dir d/one d/rel d/sub/ d/sub/two "
    )
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
        # A symlink is followed, and stays: absolute, relative, by way of another one, to nothing.
        ("in/file", "box:/link", "readlink /link; cat /d/one", "/d/one\nhost\n"),
        ("in/file", "box:/d/rel", "readlink /d/rel; cat /d/one", "one\nhost\n"),
        ("in/file", "box:/d/chain", "readlink /d/chain; cat /d/one", "rel\nhost\n"),
        ("in/file", "box:/d/dangling", "readlink /d/dangling; cat /etc/missing", "/etc/missing\nhost\n"),
        ("in/file", "box:/d/above", "readlink /d/above; cat /etc/beyond", "../../../etc/beyond\nhost\n"),
        ("in/file", "box:/d/dir", "readlink /d/dir; cat /etc/file", "/etc\nhost\n"),
        ("in/tree", "box:/d/dir/", "cat /etc/tree/leaf", "leaf\n"),
    ],
)
def test_into_a_container(mydocker: Machine, box: None, source: str, target: str, look: str, expected: str) -> None:
    result = mydocker("cp", source, target)
    assert (result.rc, result.stderr) == (0, "")
    assert inside(mydocker, look) == expected


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("kept:/nosuch", "out", "no such file or directory: /nosuch"),
        ("in/nosuch", "kept:/tmp", "no such file or directory: "),
        ("in/file", "kept:/nosuch/deep", "no such file or directory: /nosuch"),
        ("in/file", "kept:/nosuch/", "no such file or directory: /nosuch/"),
        ("in/tree", "kept:/d/one", "not a directory: /d/one"),
        ("in/tree", "out", "expected one of them to be CONTAINER:PATH"),
        ("kept:/d", "kept:/e", "expected one of them to be CONTAINER:PATH"),
        ("nosuch:/d", "out", "no such container: nosuch"),
        ("kept:", "out", "invalid path 'kept:': expected CONTAINER:PATH"),
        ("in/file", "kept:", "invalid path 'kept:': expected CONTAINER:PATH"),
        ("in/file/", "kept:/tmp/new", "not a directory: "),
        ("kept:/d/one/", "out", "not a directory: /d/one/"),
    ],
)
def test_what_cannot_be_copied_is_told(kept_box: None, mydocker: Machine, files: None, source: str, target: str, words: str) -> None:
    result = mydocker("cp", source, target)
    assert result.rc == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert mydocker.sh("ls out").stdout == ""


def test_owners(mydocker: Machine, box: None, request: pytest.FixtureRequest) -> None:
    """As with docker, what goes in keeps its owners, as numbers. With a user namespace they mean other users, so root gets it."""
    mydocker.sh("chown 1234:2345 in/file; tar -C in --owner=55 --group=66 -cf tar file")
    is_mapped = "userns" in request.node.name
    assert mydocker("cp", "in/file", "box:/etc/own").rc == 0
    assert inside(mydocker, "stat -c %u:%g /etc/own") == ("0:0\n" if is_mapped else "1234:2345\n")
    assert mydocker.sh("{mydocker} cp - box:/etc < tar").rc == 0
    assert inside(mydocker, "stat -c %u:%g /etc/file") == "55:66\n"


@pytest.mark.parametrize("flag", ["-z", "-j", "-J", "--zstd"])
def test_a_compressed_tar_is_unpacked(mydocker: Machine, flag: str) -> None:
    mydocker("create", "--name", "box", "busybox")
    mydocker.sh(f"echo host > file; tar {flag} -cf tar file")
    assert mydocker.sh("{mydocker} cp - box:/etc < tar").rc == 0
    assert mydocker.sh("{mydocker} cp box:/etc/file - | tar -xO").stdout == "host\n"
    assert mydocker.sh("{mydocker} cp - box:/etc < /dev/null").rc == 0
    mydocker("rm", "box")


def test_a_read_only_container_is_not_written_to(mydocker: Machine) -> None:
    mydocker.sh("echo host > file")
    mydocker("create", "--name", "box", "--read-only", "-v", "data:/volume", "busybox")
    refused = mydocker("cp", "file", "box:/etc/")
    assert (refused.rc, "Read-only file system" in refused.stderr) == (1, True)
    assert mydocker("cp", "file", "box:/volume/").rc == 0
    assert mydocker("cp", "box:/volume/file", "out").rc == 0
    mydocker("rm", "box")
    mydocker("volume", "rm", "data")


@pytest.mark.parametrize(("link", "target"), [("file", "file"), ("$PWD/file", "file"), ("missing", "missing")])
def test_a_symlink_of_the_host_is_followed(mydocker: Machine, link: str, target: str) -> None:
    mydocker.sh(f'mkdir -p in; cd in; echo old > file; ln -s "{link}" link')
    mydocker("create", "--name", "box", "busybox")
    assert mydocker("cp", "box:/etc/passwd", "in/link").rc == 0
    assert mydocker.sh(f"[ -L in/link ] && head -c 4 in/{target}").stdout == "root"
    mydocker("rm", "box")


def test_a_directory_is_not_replaced_by_a_file(mydocker: Machine, box: None) -> None:
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


def test_what_is_mounted_in_a_container_is_not_its_files(mydocker: Machine) -> None:
    """But for its volumes, which docker copies too."""
    script = "echo in > /t/file; sleep 1000"
    mydocker("run", "-d", "--name", "full", "-v", "data:/volume", "--tmpfs", "/t", "busybox", "sh", "-c", script)
    mydocker.wait_until(lambda: mydocker("exec", "full", "cat", "/t/file").rc == 0)
    mydocker("exec", "full", "touch", "/volume/kept")
    names = mydocker.sh("{mydocker} cp full:/ - | tar -tf -")
    assert (names.rc, names.stderr) == (0, "")
    listed = names.stdout.split()
    assert {"proc/", "sys/", "dev/", "t/", "volume/", "volume/kept", "etc/passwd"} <= set(listed)
    assert not [name for name in listed if name.startswith(("proc/", "sys/", "dev/", "t/")) and name.count("/") + (name[-1] != "/") > 1]
    # What is asked for by its own name is copied.
    assert mydocker.sh("{mydocker} cp full:/t/file - | tar -xO").stdout == "in\n"
    mydocker("rm", "-f", "full")
    mydocker("volume", "rm", "data")


def test_the_files_that_name_it_are_there_before_it_runs_and_after(mydocker: Machine) -> None:
    mydocker("create", "--name", "box", "--hostname", "the-host", "busybox", "true")
    try:
        for _ in ("before", "after"):
            assert mydocker.sh("{mydocker} cp box:/etc/hostname - | tar -xO").stdout == "the-host\n"
            assert "localhost" in mydocker.sh("{mydocker} cp box:/etc/hosts - | tar -xO").stdout
            assert mydocker("diff", "box").stdout == ""
            mydocker("start", "-a", "box")
    finally:
        mydocker("rm", "-f", "box")
