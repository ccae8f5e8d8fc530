"""Values of flags: tables of what is read, and of what is refused in one line that quotes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker.engine.request import devices, values
from mydocker.errors import BadInput

PARSERS: dict[str, Callable[[str], object]] = {
    "size": values.size,
    "swap": values.swap,
    "cpus": values.cpus,
    "id_list": values.id_list,
    "integer": values.integer("count", -5, 10),
    "weight": values.or_zero(values.integer("weight", 10, 1000)),
    "ulimit": values.ulimit,
    "signal": values.signal,
    "detach_keys": values.detach_keys,
    "setting": values.setting,
    "id_mapping": values.id_mapping,
    "device_rule": devices.device_rule,
    "devices": devices.devices,
    "bps": lambda text: devices.device_rate(text, True),
    "iops": lambda text: devices.device_rate(text, False),
    "device_weight": devices.device_weight,
}
INFINITY = 2**64 - 1


def nofile(soft: int, hard: int) -> dict[str, object]:
    return {"type": "RLIMIT_NOFILE", "soft": soft, "hard": hard}


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        ("size", "100", 100),
        ("size", "100b", 100),
        ("size", "64m", 64 << 20),
        ("size", "64M", 64 << 20),
        ("size", "64mb", 64 << 20),
        ("size", "64 MiB", 64 << 20),
        ("size", "1.5g", 3 << 29),
        ("size", "0.5k", 512),
        ("size", "2t", 2 << 40),
        ("size", "0", 0),
        ("swap", "-1", -1),
        ("swap", "1g", 1 << 30),
        ("cpus", "0", 0.0),
        ("cpus", "0.01", 0.01),
        ("cpus", ".5", 0.5),
        ("id_list", "0-2,7", "0-2,7"),
        ("id_list", "0-18446744073709551615", "0-18446744073709551615"),
        ("integer", "-5", -5),
        ("integer", "10", 10),
        ("weight", "0", None),
        ("weight", "1000", 1000),
        ("ulimit", "nofile=64", nofile(64, 64)),
        ("ulimit", "nofile=64:128", nofile(64, 128)),
        ("ulimit", "nofile=64:-1", nofile(64, INFINITY)),
        ("ulimit", "nofile=unlimited", nofile(INFINITY, INFINITY)),
        ("ulimit", "core=0", {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}),
        ("signal", "TERM", 15),
        ("signal", "SIGKILL", 9),
        ("signal", "sigint", 2),
        ("signal", "15", 15),
        ("signal", "64", 64),
        ("signal", "RTMIN", 34),
        ("signal", "SIGRTMIN+3", 37),
        ("signal", "RTMAX-1", 63),
        ("signal", "RTMAX", 64),
        ("signal", "IOT", 6),
        ("detach_keys", "ctrl-p,ctrl-q", b"\x10\x11"),
        ("detach_keys", "a,B,ctrl-],ctrl-@", b"aB\x1d\x00"),
        ("detach_keys", "", b""),
        ("detach_keys", "ctrl-p,DEL", b"\x10\x7f"),
        ("setting", "a=b=c", ("a", "b=c")),
        ("setting", "a=", ("a", "")),
        ("id_mapping", "0:100000:65536", {"containerID": 0, "hostID": 100000, "size": 65536}),
        ("device_rule", "c 1:3 rwm", {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}),
        ("device_rule", "a *:* m", {"allow": True, "type": "a", "access": "m"}),
        ("bps", "/dev/null:1m", {"major": 1, "minor": 3, "rate": 1 << 20}),
        ("iops", "/dev/null:100", {"major": 1, "minor": 3, "rate": 100}),
        ("device_weight", "/dev/null:500", {"major": 1, "minor": 3, "weight": 500}),
    ],
)
def test_read(parser: str, text: str, expected: object) -> None:
    assert PARSERS[parser](text) == expected


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        *(
            ("size", text)
            for text in ("", "-5", "m", "1x", "1ib", "1bb", "1kbib", "1e3", "nan", "inf", "1_0", "0x10", "²", "٣", "9999999p", "1.2.3")
        ),
        *(("swap", text) for text in ("-2", "x")),
        *(("cpus", text) for text in ("-1", "0.001", "99999", "nan", "1e0", "two", "")),
        *(("id_list", text) for text in ("", "x", "1-", "-1", "2-1", "0,,1", "²", "0-1-2", "0 ")),
        *(("integer", text) for text in ("", "-6", "11", "1.0", "1_0", " 1", "²", "9" * 5000)),
        *(("weight", text) for text in ("9", "1001", "-0x")),
        *(
            ("ulimit", text)
            for text in ("nofile", "nofile=", "nofile=-2", "nofile=2:1", "nofile=-1:5", "bogus=1", "nofile=²", f"core={2**64}")
        ),
        *(("signal", text) for text in ("", "0", "65", "-9", "FOO", "SIG9", "²", "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMIN3", "RTMIN+")),
        *(("detach_keys", text) for text in ("ctrl-", "ctrl-1", "ctrl-A", "ab", "a,,b", "é", "ctrl-ctrl-a")),
        *(("setting", text) for text in ("a", "=b", "", "a=\0")),
        *(("id_mapping", text) for text in ("", "0:1", "0:1:0", "0:1:2:3", "a:b:c", "0:²:1", f"0:{2**32 - 1}:1", "-1:0:1")),
        *(("device_rule", text) for text in ("", "c", "c 1:3", "x 1:3 r", "c 1:3 x", "c 1 rwm", "c ²:3 r", "c 1:3 r w")),
        *(("bps", text) for text in ("/dev/null", "/dev/null:x", "/dev/nosuch:1", "/etc/passwd:1", ":5", "/dev/null:-1")),
        *(("iops", text) for text in ("/dev/null", "/dev/null:1m", "/dev/null:²")),
        *(("device_weight", text) for text in ("500", "/dev/null:5", "/dev/null:x")),
        *(
            ("devices", text)
            for text in ("", "/dev/nosuch", "/etc/passwd", "/dev/null:rel:r", "/dev/null:/x:q", "/dev/null:/x:r:w", "dev/null")
        ),
    ],
)
def test_refused(parser: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        PARSERS[parser](text)
    assert "\n" not in caught.value.message
    assert not caught.value.message.endswith(".")
    assert any(repr(part)[1:-1] in caught.value.message for part in (text, *filter(None, text.split(":"))))


@given(
    st.sampled_from(sorted(PARSERS)),
    st.text(alphabet="0123456789kmgib.-+:,=/² rwcnofileTERMtx")
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
def test_any_text_is_read_or_refused(parser: str, text: str) -> None:
    try:
        PARSERS[parser](text)
    except BadInput as error:
        assert error.message.isprintable()


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_size_in_bytes_is_itself(count: int) -> None:
    assert values.size(str(count)) == count


@pytest.mark.parametrize(
    ("asked", "available", "expected"),
    [
        ("0", "0-1", True),
        ("0-1", "0-1", True),
        ("1,3", "0-1,3-9", True),
        ("2", "0-1,3-9", False),
        ("0-3", "0-1,3", False),
        ("0-99999999999", "0", False),
    ],
)
def test_within(asked: str, available: str, expected: bool) -> None:
    assert values.within(asked, available) is expected


class TestDevices:
    """--device: nodes of the host, which every Linux has."""

    @pytest.mark.parametrize(
        ("text", "path", "access"),
        [
            ("/dev/null", "/dev/null", "rwm"),
            ("/dev/null:r", "/dev/null", "r"),
            ("/dev/null:/dev/other", "/dev/other", "rwm"),
            ("/dev/null:/dev/other:rw", "/dev/other", "rw"),
        ],
    )
    def test_one(self, null_device: None, text: str, path: str, access: str) -> None:
        [(node, rule)] = devices.devices(text)
        assert node == {"path": path, "type": "c", "major": 1, "minor": 3, "fileMode": 0o666, "uid": 0, "gid": 0}
        assert rule == {"allow": True, "type": "c", "major": 1, "minor": 3, "access": access}

    def test_a_link_is_its_target(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("/dev/zero")
        [(node, _)] = devices.devices(f"{tmp_path}/link:/dev/z")
        assert (node["path"], node["major"], node["minor"]) == ("/dev/z", 1, 5)

    def test_a_directory_without_nodes(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(BadInput, match="directory that holds some"):
            devices.devices(str(tmp_path))
