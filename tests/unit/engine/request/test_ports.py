"""Published ports in docker's notations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mydocker.engine.request import ports
from mydocker.errors import BadInput

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Binding


def binding(container: int, first: int = 0, last: int | None = None, ip: str = "", protocol: str = "tcp") -> Binding:
    return {"ip": ip, "first": first, "last": first if last is None else last, "container": container, "protocol": protocol}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", [binding(80)]),
        ("8080:80", [binding(80, 8080)]),
        ("8080:80/UDP", [binding(80, 8080, protocol="udp")]),
        ("127.0.0.1:8080:80/sctp", [binding(80, 8080, ip="127.0.0.1", protocol="sctp")]),
        ("127.0.0.1::80", [binding(80, ip="127.0.0.1")]),
        ("[::1]:8080:80", [binding(80, 8080, ip="::1")]),
        ("[fd00::2]::80", [binding(80, ip="fd00::2")]),
        ("8000-8002:80-82", [binding(80, 8000), binding(81, 8001), binding(82, 8002)]),
        ("8000-8010:80", [binding(80, 8000, 8010)]),
        ("80-81", [binding(80), binding(81)]),
        ("1:65535", [binding(65535, 1)]),
        ("0:80", [binding(80)]),
        ("127.0.0.1:0:80", [binding(80, ip="127.0.0.1")]),
        ("0:80/udp", [binding(80, protocol="udp")]),
        ("0-1:80-81", [binding(80), binding(81)]),
    ],
)
def test_published(text: str, expected: list[Binding]) -> None:
    assert ports.parse(text) == expected


REFUSED = (
    "|x|80:0|0|80-0:80|80:65536|-1:80|8080:|:80:|80/icmp|80/|9-8:80|0-1:80|8000-8001:80-82|1.2.3:80:80|::1:80:80|host:80:80|[1.2.3.4]:80:80"
    "|80:80:80:80|٣:80|8 0:80"
)


@pytest.mark.parametrize("text", REFUSED.split("|"))
def test_refused(text: str) -> None:
    with pytest.raises(BadInput, match="port"):
        ports.parse(text)


def test_exposed() -> None:
    assert ports.exposed("80-82/udp") == ["80/udp", "81/udp", "82/udp"]
    with pytest.raises(BadInput, match="exposed"):
        ports.exposed("80:80")


def test_as_docker() -> None:
    bindings = [*ports.parse("8080:80"), *ports.parse("127.0.0.1:81:80"), *ports.parse("9000-9001:90/udp"), *ports.parse("70")]
    assert ports.as_docker(bindings) == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "81"}],
        "90/udp": [{"HostIp": "", "HostPort": "9000-9001"}],
        "70/tcp": [{"HostIp": "", "HostPort": ""}],
    }
