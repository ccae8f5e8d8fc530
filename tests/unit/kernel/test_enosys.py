from __future__ import annotations

from struct import iter_unpack

from mydocker.kernel.enosys import enosys_stub

NAMES = {0x20: "ld", 0x05: "ja", 0x15: "jeq", 0x25: "jgt", 0x35: "jge", 0x06: "ret"}


def listing(program: bytes) -> list[str]:
    return [f"{NAMES[code]} {k:#x} {jt} {jf}" for code, jt, jf, k in iter_unpack("HBBI", program)]


def test_one_architecture() -> None:
    assert listing(enosys_stub({0xC00000B7: 450})) == [
        "ld 0x4 0 0",
        "jeq 0xc00000b7 0 4",
        "ld 0x0 0 0",
        "jgt 0x1c2 0 1",
        "ret 0x50026 0 0",
        "ja 0x0 0 0",
    ]


def test_x86_64_with_x32_and_i386() -> None:
    assert listing(enosys_stub({0xC000003E: 450, 0x40000003: 451, 0x4000003E: 0x40000223})) == [
        "ld 0x4 0 0",
        "jeq 0x40000003 0 4",
        "ld 0x0 0 0",
        "jgt 0x1c3 0 1",
        "ret 0x50026 0 0",
        "ja 0x7 0 0",
        "jeq 0xc000003e 0 6",
        "ld 0x0 0 0",
        "jge 0x40000000 0 1",
        "jgt 0x40000223 1 2",
        "jgt 0x1c2 0 1",
        "ret 0x50026 0 0",
        "ja 0x0 0 0",
    ]


def test_x86_64_without_x32_leaves_x32_to_the_filter() -> None:
    assert "jgt 0xffffffff 1 2" in listing(enosys_stub({0xC000003E: 450}))


def test_nothing_is_known_of_any_architecture() -> None:
    assert enosys_stub({0xC000003E: -1, 0x40000003: 0}) == b""
