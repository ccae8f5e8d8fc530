"""The order in which clients of docker's API make networks and containers, and what of it may be done twice or later."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Machine
from services import Service


def made(service: Service, network: str, **body: Any) -> str:
    """Make a container on a network, and return its id."""
    host = {"NetworkMode": network, **body.pop("HostConfig", {})}
    status, answer = service.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["sleep", "1000"], "HostConfig": host, **body})
    assert status == 201, answer
    return str(answer["Id"])


def networks_of(service: Service, container: str) -> dict[str, Any]:
    shown: dict[str, Any] = service.ask("GET", f"/containers/{container}/json")[1]["NetworkSettings"]["Networks"]
    return shown


def remove(service: Service, container: str, network: str = "") -> None:
    assert service.ask("DELETE", f"/containers/{container}?force=1")[0] == 204
    assert not network or service.ask("DELETE", f"/networks/{network}")[0] == 204


def test_a_network_may_be_made_after_its_container(mydocker: Machine, service: Service) -> None:
    """compose 1 creates containers before there is any network."""
    box = made(service, "later", NetworkingConfig={"EndpointsConfig": {"later": {"Aliases": ["box"]}}})
    status, told = service.ask("POST", f"/containers/{box}/start")
    assert (status, told["message"]) == (404, "No such network: later")
    assert list(networks_of(service, box)) == ["later"]
    assert [each["Id"] for each in service.ask("GET", "/containers/json?all=1")[1]] == [box]
    assert mydocker("system", "check").rc == 0
    assert service.ask("POST", "/networks/create", {"Name": "later"})[0] == 201
    assert service.ask("POST", f"/containers/{box}/start")[0] == 204
    assert networks_of(service, box)["later"]["IPAddress"]
    remove(service, box, "later")


def test_an_address_is_checked_once_its_network_is_there(service: Service) -> None:
    box = made(service, "later", NetworkingConfig={"EndpointsConfig": {"later": {"IPAMConfig": {"IPv4Address": "10.1.2.3"}}}})
    wanted = {"Name": "later", "IPAM": {"Config": [{"Subnet": "10.99.7.0/24"}]}}
    assert service.ask("POST", "/networks/create", wanted)[0] == 201
    status, told = service.ask("POST", f"/containers/{box}/start")
    assert (status, "10.1.2.3" in told["message"]) == (400, True), told
    remove(service, box, "later")


def test_a_container_on_a_network_that_never_comes_can_be_removed(mydocker: Machine, service: Service) -> None:
    before = mydocker.snapshot()
    remove(service, made(service, "never"))
    assert mydocker.left_since(before) == []


@pytest.mark.parametrize("network", ["bridge", "own"])
def test_a_container_that_does_not_run_may_be_connected_again(service: Service, network: str) -> None:
    """testcontainers for Node connects each container to the network of its port forwarder, before its start."""
    if network == "own":
        assert service.ask("POST", "/networks/create", {"Name": network})[0] == 201
    box = made(service, network)
    for _ in range(2):
        assert service.ask("POST", f"/networks/{network}/connect", {"Container": box, "EndpointConfig": {"Aliases": []}}) == (200, None)
    assert list(networks_of(service, box)) == [network]
    assert service.ask("POST", f"/containers/{box}/start")[0] == 204
    status, told = service.ask("POST", f"/networks/{network}/connect", {"Container": box})
    name = service.ask("GET", f"/containers/{box}/json")[1]["Name"].removeprefix("/")
    assert (status, told["message"]) == (403, f"endpoint with name {name} already exists in network {network}")
    remove(service, box, "own" if network == "own" else "")
