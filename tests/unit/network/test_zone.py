"""The names that a container can look up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker.network import attachments, records
from mydocker.network.zone import Zones, zone
from mydocker.paths import Paths

Make = Callable[..., Any]
ASKING, WEB, OTHER = "a" * 64, "b" * 64, "c" * 64


def attachment(name: str, **networks: list[str]) -> attachments.Attachment:
    """Return an attachment: {network: [address, alias, …]}."""
    return {
        **attachments.blank(name, name),
        "endpoints": [
            {"network": network, "aliases": words[1:], "addresses": [{"address": words[0], "prefix": 24, "gateway": ""}]}  # type: ignore[typeddict-item]
            for network, words in networks.items()
        ],
    }


def test_those_on_the_same_networks_are_known_by_every_name() -> None:
    everybody = {
        ASKING: attachment("asking", net1=["10.0.1.2"], net2=["10.0.2.2"]),
        WEB: attachment("Web", net1=["10.0.1.3", "www", "all"], bridge=["172.17.0.9"]),
        OTHER: attachment("other", net2=["10.0.2.4", "all"], net3=["10.0.3.4"]),
    }
    found = zone(ASKING, everybody, set())
    assert found.addresses["web"] == found.addresses["www"] == found.addresses[WEB[:12]] == ["10.0.1.3"]
    assert found.addresses["web.net1"] == found.addresses["www.net1"] == ["10.0.1.3"]
    assert found.addresses["all"] == ["10.0.1.3", "10.0.2.4"]
    assert found.addresses["asking"] == ["10.0.1.2", "10.0.2.2"]
    assert found.owners == {"10.0.1.2": "asking.net1", "10.0.2.2": "asking.net2", "10.0.1.3": "Web.net1", "10.0.2.4": "other.net2"}


def test_a_link_is_a_name_that_one_container_alone_has_for_another() -> None:
    everybody = {ASKING: attachment("asking", net1=["10.0.1.2"]), WEB: attachment("web", net1=["10.0.1.3"], net2=["10.0.2.3"])}
    everybody[ASKING]["endpoints"][0]["links"] = ["web:DB", "gone:nobody", WEB[:12]]
    found = zone(ASKING, everybody, set()).addresses
    assert found["db"] == ["10.0.1.3"]
    assert "nobody" not in found
    assert "db" not in zone(WEB, everybody, set()).addresses


@pytest.mark.parametrize(
    ("networks", "is_closed"), [(["net1"], True), (["net1", "net2"], True), (["net1", "net3"], False), (["net1", "bridge"], False)]
)
def test_nobody_else_is_asked_if_all_networks_are_internal(networks: list[str], is_closed: bool) -> None:
    everybody = {ASKING: attachment("asking", **{name: ["10.0.0.2"] for name in networks})}
    assert zone(ASKING, everybody, {"net1", "net2"}).is_closed is is_closed


def test_a_zone_is_read_again_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_endpoint: Make) -> None:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    monkeypatch.setattr(records, "every", lambda paths: [])
    for name in (ASKING, WEB):
        os.makedirs(paths.running(name))
    os.makedirs(paths.container(ASKING))
    hosts = Path(f"{paths.container(ASKING)}/hosts")
    hosts.write_text("")
    asking = {**attachments.blank("asking", ""), "endpoints": [make_endpoint("10.0.1.2", network="net1")]}
    web = {**attachments.blank("web", ""), "endpoints": [make_endpoint("10.0.1.3", network="net1")]}
    attachments.save(paths, ASKING, asking)  # type: ignore[arg-type]
    zones = Zones(paths, ASKING)
    assert "web" not in zones.current().addresses
    assert zones.current() is zones.current()
    attachments.save(paths, WEB, web)  # type: ignore[arg-type]
    hosts.write_text("10.0.1.3 web\n")
    os.utime(hosts, ns=(0, 1))
    assert zones.current().addresses["web"] == ["10.0.1.3"]
    attachments.forget(paths, ASKING)
    with pytest.raises(OSError, match=r"network\.json"):
        zones.current()
