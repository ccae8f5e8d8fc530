"""What port prints of docker's NetworkSettings.Ports."""

import pytest

from mydocker.cli.port import lines
from mydocker.errors import NotFound

PORTS = {
    "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
    "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
    "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "5353"}],
    "9/tcp": None,
}


def test_all_of_them_by_number() -> None:
    assert lines(PORTS, None, "web") == [
        "53/udp -> 0.0.0.0:5353",
        "80/tcp -> 0.0.0.0:8080",
        "80/tcp -> [::]:8080",
        "443/tcp -> 127.0.0.1:8443",
    ]
    assert lines({}, None, "web") == []


@pytest.mark.parametrize(("wanted", "expected"), [("80", ["0.0.0.0:8080", "[::]:8080"]), ("53/udp", ["0.0.0.0:5353"])])
def test_one_of_them(wanted: str, expected: list[str]) -> None:
    assert lines(PORTS, wanted, "web") == expected


@pytest.mark.parametrize("wanted", ["53", "9", "8080", "x"])
def test_one_that_is_not_published(wanted: str) -> None:
    with pytest.raises(NotFound, match="no public port"):
        lines(PORTS, wanted, "web")
