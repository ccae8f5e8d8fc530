"""-v, --mount and --tmpfs: what each notation means, and what is refused."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mydocker.engine.request import mounts
from mydocker.errors import BadInput

PLAIN = {
    "name": "",
    "source": "",
    "rw": True,
    "propagation": "",
    "recursive": True,
    "create": False,
    "copy": False,
    "anonymous": False,
    "labels": {},
    "options": [],
}
NAMED = {"type": "volume", "name": "data", "destination": "/d", "copy": True, "mode": "z"}
ANONYMOUS = {"type": "volume", "destination": "/d", "copy": True, "anonymous": True}
HOST = {"type": "bind", "source": "/host", "destination": "/d", "create": True}
BIND = {"type": "bind", "source": "/host", "destination": "/d"}
IMAGE = {"type": "image", "destination": "/d", "name": "box", "rw": False}
TMPFS: dict[str, Any] = {"type": "tmpfs", "destination": "/d", "options": []}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/host:/d", {**HOST, "mode": ""}),
        ("/host/./x/../:/d//", {**HOST, "mode": ""}),
        ("/host:/d:ro", {**HOST, "rw": False, "mode": "ro"}),
        ("/host:/d:rw,z,cached", {**HOST, "mode": "rw,z,cached"}),
        ("/host:/d:ro,rslave", {**HOST, "rw": False, "propagation": "rslave", "mode": "ro,rslave"}),
        ("./sub:/d", {**HOST, "source": f"{os.getcwd()}/sub", "mode": ""}),
        ("../sub:/d", {**HOST, "source": f"{os.path.dirname(os.getcwd())}/sub", "mode": ""}),
        ("data:/d", NAMED),
        ("data:/d:ro,nocopy", {**NAMED, "rw": False, "copy": False, "mode": "ro,nocopy"}),
        ("/d", ANONYMOUS),
    ],
)
def test_volume(text: str, expected: dict[str, Any]) -> None:
    assert mounts.from_volume(text) == {**PLAIN, **expected}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected [HOST-PATH|NAME:]CONTAINER-PATH[:OPTIONS]"),
        (":/d", "expected [HOST-PATH|NAME:]"),
        ("/a:/b:ro:x", "expected [HOST-PATH|NAME:]"),
        ("/a:/b:", "expected [HOST-PATH|NAME:]"),
        ("/a:b", "invalid mount destination 'b': expected an absolute path"),
        ("/a:/", "invalid mount destination '/': expected anything but the root"),
        ("/a:/b/..", "expected anything but the root"),
        ("a/b:/d", "'a/b' is no volume name"),
        ("x:/d", "'x' is no volume name"),
        ("/a:/b:zz", "option 'zz' is unknown"),
        ("/a:/b:ro,rw", "option 'rw' contradicts an earlier one"),
        ("/a:/b:slave,shared", "option 'shared' contradicts an earlier one"),
        ("/a:/b:nocopy", "option 'nocopy' is unknown"),
        ("data:/b:shared", "option 'shared' is unknown"),
    ],
)
def test_volume_refused(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        mounts.from_volume(text)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=bind,source=/host,target=/d", BIND),
        ("type=BIND,src=/host,dst=/d,readonly", {**BIND, "rw": False}),
        ("type=bind,src=/host,destination=/d,ro=false,consistency=cached", BIND),
        ("type=bind,src=/host,dst=/d,bind-propagation=rshared,bind-nonrecursive", {**BIND, "propagation": "rshared", "recursive": False}),
        ("type=bind,src=./sub,dst=/d", {**BIND, "source": f"{os.getcwd()}/sub"}),
        ('type=bind,"src=/a,b",dst=/d', {**BIND, "source": "/a,b"}),
        ("type=volume,src=data,dst=/d", NAMED),
        ("src=data,dst=/d,volume-nocopy", {**NAMED, "copy": False}),
        ("src=data,dst=/d,volume-label=a=1,volume-label=b", {**NAMED, "labels": {"a": "1", "b": ""}}),
        ("dst=/d", {**ANONYMOUS, "mode": "z"}),
        ("type=tmpfs,dst=/d", TMPFS),
        ("type=bind,src=/host,dst=/d,bind-recursive=disabled", {**BIND, "recursive": False}),
        ("type=bind,src=/host,dst=/d,bind-recursive=writable,ro", {**BIND, "rw": False}),
        (
            "type=bind,src=/host,dst=/d,ro,bind-recursive=readonly,bind-propagation=rprivate",
            {**BIND, "rw": False, "propagation": "rprivate", "options": ["rro"]},
        ),
        ("src=data,dst=/d,volume-subpath=a/b", {**NAMED, "copy": False, "subpath": "a/b"}),
        ("src=data,dst=/d,volume-opt=type=tmpfs,volume-opt=device=x", {**NAMED, "driverOptions": {"type": "tmpfs", "device": "x"}}),
        ("type=image,src=box,dst=/d,image-subpath=bin", {**IMAGE, "subpath": "bin"}),
        ("type=image,src=box,dst=/d", IMAGE),
        (
            "type=tmpfs,dst=/d,tmpfs-size=1m,tmpfs-mode=1770,readonly=1",
            {**TMPFS, "rw": False, "options": ["size=1048576", "mode=1770", "ro"]},
        ),
    ],
)
def test_mount(text: str, expected: dict[str, Any]) -> None:
    assert mounts.from_mount(text) == {**PLAIN, **expected}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a target is required"),
        ("type=bind,", "unknown key ''"),
        ("type=bind,src=/a", "a target is required"),
        ("type=bind,dst=/d", "the source of a bind is an absolute path"),
        ("type=bind,src=a,dst=/d", "the source of a bind is an absolute path"),
        ("type=npipe,dst=/d", "type is bind, volume, tmpfs or image, not 'npipe'"),
        ("type=bind,src=/a,dst=/d,foo=1", "unknown key 'foo'"),
        ("type=bind,src=/a,dst", "dst needs a value"),
        ("type=bind,src=/a,dst=/d,ro=yes", "ro is true or false, not 'yes'"),
        ("type=bind,src=/a,dst=/d,bind-propagation=up", "bind-propagation is one of"),
        ("type=bind,src=/a,dst=/d,volume-nocopy", "volume-nocopy does not go with type bind"),
        ("type=bind,src=/a,dst=/d,volume-label=a", "volume-label does not go with type bind"),
        ("src=data,dst=/d,tmpfs-size=1m", "tmpfs-size does not go with type volume"),
        ("src=a/b,dst=/d", "invalid name 'a/b'"),
        ("src=data,dst=/d,volume-subpath=/a", "invalid subpath '/a'"),
        ("src=data,dst=/d,volume-subpath=a/../../b", "without .."),
        ("src=data,dst=/d,volume-driver=nosuch", "the only volume driver is local"),
        ("type=image,dst=/d", "the source is the name of an image"),
        ("type=bind,src=/a,dst=/d,bind-recursive=up", "bind-recursive is one of enabled, writable, disabled, readonly"),
        ("type=bind,src=/a,dst=/d,bind-recursive=readonly", "needs readonly and bind-propagation=rprivate"),
        ("type=tmpfs,src=/a,dst=/d", "a tmpfs has no source"),
        ("type=tmpfs,dst=/d,tmpfs-mode=9", "tmpfs-mode is an octal number, not '9'"),
        ("type=tmpfs,dst=/d,tmpfs-size=x", "invalid size 'x'"),
        ("type=tmpfs,dst=d", "expected an absolute path"),
    ],
)
def test_mount_refused(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        mounts.from_mount(text)
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "options", "rw"),
    [
        ("/d", [], True),
        ("/d:ro,exec", ["ro", "exec"], False),
        ("/d:size=1.5m,mode=1777,uid=5", ["size=1572864", "mode=1777", "uid=5"], True),
        ("/d:size=50%", ["size=50%"], True),
    ],
)
def test_tmpfs(text: str, options: list[str], rw: bool) -> None:
    assert mounts.from_tmpfs(text) == {**PLAIN, **TMPFS, "options": options, "rw": rw}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected an absolute path"),
        ("/d:", "unknown option ''"),
        ("/d:bogus", "unknown option 'bogus'"),
        ("/d:size", "unknown option 'size'"),
        ("/d:ro=1", "unknown option 'ro=1'"),
        ("/d:size=x", "invalid size 'x'"),
        ("/d:mode=8", "mode is an octal number, not '8'"),
        ("/d:mode=77777", "mode is an octal number, not '77777'"),
    ],
)
def test_tmpfs_refused(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        mounts.from_tmpfs(text)
    assert words in caught.value.message


def test_parents_come_before_what_lies_below() -> None:
    points = [mounts.from_volume(text) for text in ("/x:/a/b/c", "/x:/a", "/x:/b/c", "/x:/a/b")]
    assert [point["destination"] for point in mounts.unique(points)] == ["/a", "/b/c", "/a/b", "/a/b/c"]


def test_a_destination_comes_once() -> None:
    with pytest.raises(BadInput, match="duplicate mount point '/d'"):
        mounts.unique([mounts.from_volume("/x:/d"), mounts.from_tmpfs("/e/../d/")])
