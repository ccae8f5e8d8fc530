"""What is read from ROOT/networks and STATE: whole, older and damaged documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker import leanjson
from mydocker.errors import Damaged
from mydocker.network import attachments, records
from mydocker.paths import Paths

Make = Callable[..., Any]
ID = "c" * 64


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    Path(paths.networks).mkdir(parents=True)
    Path(paths.running(ID)).mkdir(parents=True)
    return paths


def write(path: str, document: Any) -> None:
    Path(path).write_text(leanjson.dumps(document))


def test_a_network_is_read_as_it_was_written(paths: Paths, make_network: Make) -> None:
    network = make_network("10.7.0.0/16", labels={"a": "b"}, moon=1)
    records.save_new(paths, network)
    assert records.load(paths, "net") == network


def test_a_damaged_network_is_named(paths: Paths, make_network: Make) -> None:
    records.save_new(paths, make_network())
    path = f"{records.directory(paths, 'net')}/network.json"
    write(path, make_network() | {"subnets": [{"gateway": "10.7.0.1"}]})
    with pytest.raises(Damaged) as raised:
        records.load(paths, "net")
    assert raised.value.message == f"{path}: subnets[0].subnet is missing"


def test_an_attachment_is_read_as_it_was_written(paths: Paths, make_attachment: Make, make_endpoint: Make, make_published: Make) -> None:
    result = {"cniVersion": "1.0.0", "ips": None}
    attachment = make_attachment(endpoints=[make_endpoint("10.7.0.2", result=result)], published=[make_published()])
    attachments.save(paths, ID, attachment)
    assert attachments.load(paths, ID) == attachment
    assert attachments.published(paths) == attachment["published"]


def test_an_older_endpoint_says_nothing_of_its_driver(paths: Paths, make_attachment: Make, make_endpoint: Make) -> None:
    attachment = make_attachment(endpoints=[make_endpoint("10.7.0.2")])
    for later in ("networkId", "driver"):
        del attachment["endpoints"][0][later]
    attachments.save(paths, ID, attachment)
    loaded = attachments.load(paths, ID)
    assert loaded and (loaded["endpoints"][0]["networkId"], loaded["endpoints"][0]["driver"]) == ("", "")


def test_a_damaged_attachment_is_named_and_counts_for_nothing(paths: Paths, make_attachment: Make) -> None:
    attachments.save(paths, ID, make_attachment() | {"endpoints": [{}]})
    with pytest.raises(Damaged, match=r"network\.json: endpoints\[0\]\.network is missing"):
        attachments.load(paths, ID)
    assert attachments.every(paths) == {}
