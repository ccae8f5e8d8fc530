"""--user and --group-add, looked up in an image's passwd and group."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydocker.errors import BadInput
from mydocker.runtime.init import resolved_user
from mydocker.runtime.spec import SPEC
from mydocker.runtime.users import lookup
from mydocker.shape import fit

PASSWD = """\
# accounts
root:x:0:0:root:/root:/bin/sh
www:x:33:34:www:/srv:/bin/false
homeless:x:40:40::::
1000:x:7:7:a name of digits:/seven:/bin/sh
short:x:1:1
bad:x:²:1::/bad:
large:x:4294967296:1::/:/bin/sh
"""
GROUP = """\
root:x:0:root
wheel:x:10:root,www
web:x:34:
staff:x:50:www,other
broken:x:y:www
1000:x:60:1000
"""


@pytest.mark.parametrize(
    ("user", "extra", "expected"),
    [
        ("", [], (0, 0, [0, 10], "/root")),
        ("root", [], (0, 0, [0, 10], "/root")),
        ("0", [], (0, 0, [0, 10], "/root")),
        ("www", [], (33, 34, [34, 10, 50], "/srv")),
        ("33", [], (33, 34, [34, 10, 50], "/srv")),
        ("www:staff", [], (33, 50, [50], "/srv")),
        ("www:50", [], (33, 50, [50], "/srv")),
        ("www:999", ["wheel"], (33, 999, [999, 10], "/srv")),
        (":staff", [], (0, 50, [50], "/root")),
        ("4711", [], (4711, 0, [0], "/")),
        ("4711:4712", [], (4711, 4712, [4712], "/")),
        # What is a number is a number, whatever the image calls its users and groups (CVE-2016-3697).
        ("1000", [], (1000, 0, [0], "/")),
        ("1000:1000", [], (1000, 1000, [1000], "/")),
        ("7", [], (7, 7, [7, 60], "/seven")),
        ("033", [], (33, 34, [34, 10, 50], "/srv")),
        ("5:1000", ["1000"], (5, 1000, [1000], "/")),
        ("homeless", [], (40, 40, [40], "/")),
        ("www", ["staff", "77", "77"], (33, 34, [34, 10, 50, 77], "/srv")),
        ("2147483647", [], (2147483647, 0, [0], "/")),
    ],
)
def test_found(user: str, extra: list[str], expected: tuple[int, int, list[int], str]) -> None:
    assert lookup(user, PASSWD, GROUP, extra) == expected


def test_a_user_called_0_is_not_the_default() -> None:
    assert lookup("", "0:x:4242:4242::/evil:/bin/sh\n", "", []) == (0, 0, [0], "/")


def test_an_image_without_accounts() -> None:
    assert lookup("", "", "", []) == (0, 0, [0], "/")
    assert lookup("5:6", "", "", ["7"]) == (5, 6, [6, 7], "/")


@pytest.mark.parametrize(
    ("user", "extra", "message"),
    [
        ("nobody", [], "unable to find user nobody: no matching entries in passwd file"),
        ("short", [], "unable to find user short: no matching entries in passwd file"),
        ("bad", [], "unable to find user bad: no matching entries in passwd file"),
        ("-1", [], "unable to find user -1: no matching entries in passwd file"),
        ("²", [], "unable to find user ²: no matching entries in passwd file"),
        ("www:nogroup", [], "unable to find group nogroup: no matching entries in group file"),
        ("www", ["broken"], "unable to find group broken: no matching entries in group file"),
        ("2147483648", [], "user or group 2147483648: expected a number from 0 to 2147483647"),
        ("0:2147483648", [], "user or group 2147483648: expected a number from 0 to 2147483647"),
        ("large", [], "user or group 4294967296: expected a number from 0 to 2147483647"),
    ],
)
def test_not_found(user: str, extra: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        lookup(user, PASSWD, GROUP, extra)
    assert caught.value.message == message


@given(st.text(alphabet="root:x0²9,\n#-") | st.text(st.characters(exclude_categories=["Cs"])), st.text(alphabet="root:x0²9,\n#-"))
def test_an_images_files_cannot_break_it(user: str, text: str) -> None:
    try:
        uid, gid, groups, home = lookup(user, text, text, [])
    except BadInput:
        return
    assert 0 <= uid < 2**31
    assert groups[0] == gid
    assert home


@pytest.mark.parametrize(
    ("user", "annotations", "expected"),
    [
        ({"uid": 33, "gid": 5}, {}, (33, 5, [], "/srv")),
        ({"uid": 33, "gid": 5, "additionalGids": [6]}, {}, (33, 5, [6], "/srv")),
        ({}, {}, (0, 0, [], "/root")),
        ({"uid": 0, "gid": 0}, {"mydocker.user": "www", "mydocker.groups": "77"}, (33, 34, [34, 10, 50, 77], "/srv")),
        ({"uid": 0, "gid": 0}, {"mydocker.user": "", "mydocker.groups": ""}, (0, 0, [0, 10], "/root")),
    ],
)
def test_a_bundles_numbers_are_taken_as_they_are(
    user: dict[str, int], annotations: dict[str, str], expected: tuple[int, int, list[int], str]
) -> None:
    spec: Any = {"process": {"user": user}, "annotations": annotations}
    fit(spec, SPEC)
    assert resolved_user(spec, PASSWD, GROUP) == expected
