"""Image configurations."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.errors import BadInput, Damaged
from mydocker.images import config

if TYPE_CHECKING:
    from mydocker.images.config import ImageDocument


def test_chain_ids_by_the_formula() -> None:
    def digest(text: str) -> str:
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    a, b, c = (digest(letter) for letter in "abc")
    ab = digest(f"{a} {b}")
    assert config.chain_ids([a, b, c]) == [digest(f"{ab} {c}")[7:], ab[7:], a[7:]]
    assert config.chain_ids([]) == []


def read(document: object) -> ImageDocument:
    return config.image_document(json.dumps(document).encode(), "box")


@pytest.mark.parametrize("diff_id", ["sha256:../../../etc", "sha256:" + "A" * 64, "a" * 64, "sha512:" + "a" * 128, 1, None])
def test_a_diff_id_is_never_a_path(diff_id: object) -> None:
    with pytest.raises(Damaged, match=r"^box: rootfs\.diff_ids\[0\] .*: expected "):
        read({"rootfs": {"diff_ids": [diff_id]}})


@pytest.mark.parametrize("document", [{}, {"rootfs": None}, {"rootfs": {"diff_ids": None}}])
def test_no_diff_ids(document: dict[str, object]) -> None:
    assert read(document)["rootfs"] == {"type": "layers", "diff_ids": []}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "[]: expected an object"),
        ({"created": 5}, "created 5: expected a text"),
        ({"created": "x"}, "created 'x': expected a time by RFC 3339"),
        ({"history": [5]}, "history[0] 5: expected an object"),
        ({"history": {}}, "history {}: expected a list"),
        ({"history": [{}, {"created": "yesterday"}]}, "history[1].created 'yesterday': expected a time by RFC 3339"),
        ({"history": [{"empty_layer": 1}]}, "history[0].empty_layer 1: expected true or false"),
        ({"rootfs": []}, "rootfs []: expected an object"),
        ({"rootfs": {"diff_ids": 5}}, "rootfs.diff_ids 5: expected a list"),
        ({"architecture": 386}, "architecture 386: expected a text"),
        ({"config": 5}, "config 5: expected an object"),
        ({"config": {"Labels": 5}}, "config.Labels 5: expected an object"),
        ({"config": {"Labels": {"a": 5}}}, "config.Labels.a 5: expected a text"),
        ({"config": {"Env": 5}}, "config.Env 5: expected a list"),
        ({"config": {"Env": [5]}}, "config.Env[0] 5: expected a text"),
        ({"config": {"Cmd": "sh"}}, "config.Cmd 'sh': expected a list"),
        ({"config": {"Entrypoint": [None]}}, "config.Entrypoint[0] None: expected a text"),
        ({"config": {"User": 0}}, "config.User 0: expected a text"),
        ({"config": {"Volumes": ["/data"]}}, "config.Volumes ['/data']: expected an object"),
        ({"config": {"Healthcheck": {"Retries": -1}}}, "config.Healthcheck.Retries -1: expected a whole number that is not negative"),
        ({"config": {"ExposedPorts": {"x": {}}}}, "config.ExposedPorts 'x': expected PORT[/tcp|udp|sctp]"),
    ],
)
def test_what_is_wrong_is_named(document: object, problem: str) -> None:
    with pytest.raises(Damaged) as raised:
        read(document)
    assert raised.value.message == f"box: {problem}"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told(data: bytes) -> None:
    with pytest.raises(Damaged, match=r"^box: not valid JSON: "):
        config.image_document(data, "box")


@pytest.mark.parametrize("port", ["80", "80/tcp", "53/udp", "53/UDP", "1/sctp", "65535/tcp"])
def test_ports(port: str) -> None:
    assert read({"config": {"ExposedPorts": {port: {}}}})["config"]["ExposedPorts"] == {port: {}}


@pytest.mark.parametrize("port", ["", "0", "65536/tcp", "80/", "80/icmp", "80-90/tcp", "/tcp", "-1", " 80", "٣", "9" * 5000])
def test_what_is_no_port(port: str) -> None:
    with pytest.raises(Damaged, match=r"config\.ExposedPorts .*: expected PORT"):
        read({"config": {"ExposedPorts": {port: {}}}})


def test_null_is_what_is_not_there_and_what_nobody_knows_is_kept() -> None:
    fields = dict.fromkeys([*config.IMAGE_DOCUMENT, "moon"])
    settings = dict.fromkeys([*config.IMAGE_CONFIG, "ArgsEscaped"])
    empty: Any = {"config": {}, "rootfs": {"type": "layers", "diff_ids": []}, "history": []}
    assert read(fields) == {**empty, "moon": None}
    assert read({"config": settings, "created": ""}) == {**empty, "config": {"ArgsEscaped": None}, "created": ""}
    assert read({"config": {"Volumes": {"/data": None}}})["config"] == {"Volumes": {"/data": None}}


@pytest.mark.parametrize(
    ("platform", "fields"),
    [
        ("linux/amd64", {"architecture": "amd64", "os": "linux"}),
        ("linux/arm64/v8", {"architecture": "arm64", "os": "linux", "variant": "v8"}),
        ("linux/x86_64", {"architecture": "amd64", "os": "linux"}),
        ("linux/armv7l", {"architecture": "arm", "os": "linux", "variant": "v7"}),
        ("riscv64", {"architecture": "riscv64", "os": "linux"}),
        ("linux/sparc64", {"architecture": "sparc64", "os": "linux"}),
        ("Linux/ARM64", {"architecture": "arm64", "os": "linux"}),
        ("armhf", {"architecture": "arm", "os": "linux", "variant": "v7"}),
    ],
)
def test_platform(platform: str, fields: dict[str, str]) -> None:
    assert config.platform_fields(platform) == fields


@pytest.mark.parametrize("platform", ["", "linux/", "/amd64", "linux/a/b/c", "linux/a b", "windows/amd64", "macos", "nintendo64"])
def test_bad_platform(platform: str) -> None:
    with pytest.raises(BadInput, match="invalid platform"):
        config.platform_fields(platform)


def test_new_document() -> None:
    made: Any = config.new_document("linux/arm64", {"Cmd": ["sh"]}, "2024-01-02T03:04:05Z", "me")
    assert made == {
        "created": "2024-01-02T03:04:05Z",
        "author": "me",
        "architecture": "arm64",
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [],
    }


def test_an_image_keeps_only_what_belongs_to_it() -> None:
    assert config.image_settings({"Cmd": ["sh"], "Tty": True, "User": "", "Env": None, "Labels": {"a": "b"}}) == {
        "Cmd": ["sh"],
        "Labels": {"a": "b"},
    }


def test_history_entry() -> None:
    assert config.history_entry("t", comment="c") == {"created": "t", "comment": "c"}
