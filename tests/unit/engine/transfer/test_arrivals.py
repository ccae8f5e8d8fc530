"""Images from outside: a configuration that is wrong is refused before anything is stored."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import leanjson
from mydocker.engine.transfer.arrivals import Arrival, Source
from mydocker.errors import Damaged
from mydocker.images.documents import CONFIG_TYPE, sha256
from mydocker.images.layout import ImageLayout
from mydocker.images.manifests import Manifest

if TYPE_CHECKING:
    from mydocker.paths import Paths


def arrival(paths: Paths, driver: Any, document: object) -> Arrival:
    """Return what load and pull make of an image without layers."""
    config = leanjson.dumps(document).encode()
    described = {"mediaType": CONFIG_TYPE, "digest": sha256(config), "size": len(config)}
    manifest = Manifest(leanjson.dumps({"schemaVersion": 2, "config": described}).encode(), "x")

    def never(descriptor: object) -> Any:
        raise AssertionError

    return Arrival(paths, driver, ImageLayout(paths.images), manifest, config, Source(words="x.tar", open=never), lambda *event: None)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "[]: expected an object"),
        ({"created": 5}, "created 5: expected a text"),
        ({"created": "x"}, "created 'x': expected a time by RFC 3339"),
        ({"history": [5]}, "history[0] 5: expected an object"),
        ({"config": {"Labels": 5}}, "config.Labels 5: expected an object"),
        ({"config": {"Env": 5}}, "config.Env 5: expected a list"),
        ({"config": {"ExposedPorts": {"x": {}}}}, "config.ExposedPorts 'x': expected PORT[/tcp|udp|sctp]"),
        ({"rootfs": {"diff_ids": ["x"]}}, "rootfs.diff_ids[0] 'x': expected sha256: and 64 hexadecimal digits"),
    ],
)
def test_a_configuration_that_is_wrong_is_refused(paths: Paths, driver: object, document: object, problem: str) -> None:
    with pytest.raises(Damaged) as raised:
        arrival(paths, driver, document)
    digest = sha256(leanjson.dumps(document).encode())
    assert raised.value.message == f"x.tar: config {digest}: {problem}"
    assert not os.path.exists(paths.images)


def test_what_is_stored_is_what_came(paths: Paths, driver: Any) -> None:
    driver.independent = True
    document = {"os": "linux", "author": None, "config": None, "history": None, "moon": {"x": None}}
    with arrival(paths, driver, document) as coming:
        coming.staging.begin()
        for step in coming.store_steps(None):
            step.apply()
    layout = ImageLayout(paths.images)
    (entry,) = layout.entries()
    assert leanjson.loads(layout.read(layout.manifest(entry)["config"]).decode()) == document
    assert entry["platform"] == {"os": "linux"}
