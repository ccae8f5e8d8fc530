"""The options of volumes: what they mean as a mount of the container's, and what is refused."""

from __future__ import annotations

import pytest

from mydocker.engine.request.mounts import volume_point
from mydocker.engine.volume import options
from mydocker.errors import BadInput


@pytest.mark.parametrize(
    ("texts", "is_writable", "expected"),
    [
        (["type=tmpfs", "device=tmpfs", "o=size=1m,mode=700"], True, ("tmpfs", "tmpfs", ["size=1m", "mode=700"])),
        (["type=nfs4", "device=:/export", "o=addr=10.0.0.1"], False, ("nfs4", ":/export", ["addr=10.0.0.1", "ro"])),
        (["type=ext4", "device=/dev/sdb1"], True, ("ext4", "/dev/sdb1", [])),
        (["type=none", "device=/srv", "o=bind"], True, ("bind", "/srv", ["bind"])),
        (["type=none", "device=/srv", "o=rbind,ro"], True, ("bind", "/srv", ["rbind", "ro"])),
    ],
)
def test_mount(texts: list[str], is_writable: bool, expected: tuple[str, str, list[str]]) -> None:
    point = volume_point("/d", "data")
    point |= {"rw": is_writable, "driverOptions": options.parse(texts)}
    mount = options.mount(point)
    assert (mount["type"], mount["source"], mount["options"], mount["destination"]) == (*expected, "/d")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["type"], "invalid --opt 'type': expected KEY=VALUE"),
        (["type=tmpfs"], "missing option device"),
        (["device=/srv", "o=bind"], "missing option type"),
        (["type=none", "device=/srv"], "invalid option type=none: expected o=bind"),
        (["type=none", "device=srv", "o=bind"], "invalid option device=srv: expected an absolute path"),
        (["size=1m"], "invalid option size=1m: no directory here has a quota"),
        (["x=y"], "invalid option x=y: expected type, device, o"),
    ],
)
def test_refused(texts: list[str], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        options.parse(texts)
    assert words in caught.value.message
