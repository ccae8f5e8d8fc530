from __future__ import annotations

import pytest

from mydocker.engine.request.capabilities import DEFAULT, select
from mydocker.errors import BadInput, Unsupported
from mydocker.kernel.capabilities import NAMES

LACKING = [name for name in NAMES if name != "CAP_SYS_RESOURCE"]


def names(*words: str) -> list[str]:
    return ["CAP_" + word for word in words]


@pytest.mark.parametrize(
    ("add", "drop", "privileged", "chosen"),
    [
        ([], [], False, list(DEFAULT)),
        (["ALL"], [], False, LACKING),
        (["all"], ["all"], False, LACKING),
        (["ALL"], ["chown"], False, [name for name in LACKING if name != "CAP_CHOWN"]),
        ([], ["ALL"], False, []),
        (["net_admin", "CAP_CHOWN"], ["ALL"], False, names("CHOWN", "NET_ADMIN")),
        (["cap_net_admin"], ["MKNOD", "cap_kill"], False, sorted({*DEFAULT, "CAP_NET_ADMIN"} - {"CAP_MKNOD", "CAP_KILL"}, key=NAMES.index)),
        (["CHOWN"], ["CHOWN"], False, list(DEFAULT)),
        ([], ["SYS_RESOURCE"], False, list(DEFAULT)),
        ([], ["ALL"], True, LACKING),
    ],
)
def test_select(add: list[str], drop: list[str], privileged: bool, chosen: list[str]) -> None:
    assert select(add, drop, privileged, LACKING) == chosen


def test_docker_has_fourteen_by_default() -> None:
    assert len(DEFAULT) == 14


def test_defaults_that_the_host_lacks_are_left_out() -> None:
    assert select([], [], False, ["CAP_CHOWN", "CAP_SYS_ADMIN"]) == ["CAP_CHOWN"]


@pytest.mark.parametrize(("add", "drop"), [(["SYS_ADMINS"], []), ([], ["SYS_ADMINS"]), (["ALL", "SYS_ADMINS"], [])])
@pytest.mark.parametrize("privileged", [False, True])
def test_unknown(add: list[str], drop: list[str], privileged: bool) -> None:
    with pytest.raises(BadInput, match="unknown capability 'SYS_ADMINS'"):
        select(add, drop, privileged, LACKING)


def test_not_available() -> None:
    with pytest.raises(Unsupported, match="capability 'CAP_SYS_RESOURCE' is not available on this host"):
        select(["sys_resource"], [], False, LACKING)
