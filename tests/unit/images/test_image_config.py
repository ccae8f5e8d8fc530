"""Image configurations."""

import hashlib

import pytest

from mydocker.errors import BadInput, Damaged
from mydocker.images import config


def test_chain_ids_by_the_formula() -> None:
    def digest(text: str) -> str:
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    a, b, c = (digest(letter) for letter in "abc")
    ab = digest(f"{a} {b}")
    assert config.chain_ids([a, b, c]) == [digest(f"{ab} {c}")[7:], ab[7:], a[7:]]
    assert config.chain_ids([]) == []


@pytest.mark.parametrize("diff_id", ["sha256:../../../etc", "sha256:" + "A" * 64, "a" * 64, "sha512:" + "a" * 128, 1, None])
def test_a_diff_id_is_never_a_path(diff_id: object) -> None:
    with pytest.raises(Damaged, match="invalid diff id"):
        config.diff_ids({"rootfs": {"diff_ids": [diff_id]}})


@pytest.mark.parametrize("document", [{}, {"rootfs": None}, {"rootfs": []}, {"rootfs": {"diff_ids": None}}])
def test_no_diff_ids(document: dict[str, object]) -> None:
    assert config.diff_ids(document) == []


@pytest.mark.parametrize(
    ("platform", "fields"),
    [
        ("linux/amd64", {"architecture": "amd64", "os": "linux"}),
        ("linux/arm64/v8", {"architecture": "arm64", "os": "linux", "variant": "v8"}),
        ("linux/x86_64", {"architecture": "amd64", "os": "linux"}),
        ("linux/armv7l", {"architecture": "arm", "os": "linux", "variant": "v7"}),
        ("riscv64", {"architecture": "riscv64", "os": "linux"}),
    ],
)
def test_platform(platform: str, fields: dict[str, str]) -> None:
    assert config.platform_fields(platform) == fields


@pytest.mark.parametrize("platform", ["", "linux/", "/amd64", "linux/a/b/c", "linux/a b", "windows/amd64"])
def test_bad_platform(platform: str) -> None:
    with pytest.raises(BadInput, match="invalid platform"):
        config.platform_fields(platform)


def test_new_document() -> None:
    assert config.new_document("linux/arm64", {"Cmd": ["sh"]}, "2024-01-02T03:04:05Z", "me") == {
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


def test_now_is_rfc_3339() -> None:
    assert len(config.now()) == len("2024-01-02T03:04:05.123456Z")
