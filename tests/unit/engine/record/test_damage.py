"""What is known of a container whose record is damaged, and what is taken to be so because it is not known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker import store
from mydocker.engine.record import bundle, containers, damage
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.paths import Paths

if TYPE_CHECKING:
    from tests.unit.conftest import MakeRecord

WHOLE, BROKEN = "a" * 64, "b" * 64


@pytest.fixture
def paths(tmp_path: Path, save_record: MakeRecord) -> Paths:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    save_record(paths, id=WHOLE, name="whole", mounts=[{"type": "volume", "destination": "/data", "name": "data"}])
    save_record(paths, id=BROKEN, name="broken")
    os.makedirs(paths.names, exist_ok=True)
    Path(paths.names, "broken").write_text(BROKEN)
    os.makedirs(paths.container(BROKEN) + "/bundle")
    Path(paths.container(BROKEN), "config.json").write_text("{")
    return paths


def test_lists_go_on_past_it(paths: Paths) -> None:
    assert [record["name"] for record in containers.every(paths)] == ["whole"]
    assert containers.survey(paths)[1] == [BROKEN]


def test_the_stand_in_has_the_name_that_is_claimed(paths: Paths) -> None:
    known = damage.stand_in(paths, BROKEN)
    assert (known["id"], known["name"], known["status"]) == (BROKEN, "broken", damage.DEAD)
    os.unlink(f"{paths.names}/broken")
    assert damage.name_of(paths, BROKEN) == BROKEN[:12]


@pytest.mark.parametrize(
    ("mounts", "users"), [([], {WHOLE}), ([{"source": "/x/volumes/data/_data"}], {WHOLE, BROKEN}), (None, {WHOLE, BROKEN})]
)
def test_its_bundle_says_what_it_mounts_and_without_one_it_may_be_anything(paths: Paths, mounts: object, users: set[str]) -> None:
    if mounts is not None:
        store.write_json(bundle.path(paths, BROKEN), {"mounts": mounts})
    assert damage.mounting(paths, "data").keys() == users
    os.makedirs(f"{paths.damaged}/container-broken-TIME")
    os.rename(paths.container(BROKEN), f"{paths.damaged}/container-broken-TIME/{BROKEN}")
    assert damage.mounting(paths, "data").keys() == users


def test_a_record_is_lost_only_where_more_than_a_lock_is(paths: Paths) -> None:
    os.unlink(f"{paths.container(BROKEN)}/config.json")
    with pytest.raises(Damaged, match=r"config\.json: is missing"):
        containers.load(paths, BROKEN)
    os.rmdir(f"{paths.container(BROKEN)}/bundle")
    Path(paths.container(BROKEN), "lock").touch()
    with pytest.raises(NotFound):
        containers.load(paths, BROKEN)


@pytest.mark.parametrize("content", ["", "half", None])
def test_a_name_whose_claim_is_damaged_or_gone_still_finds_its_container(paths: Paths, content: str | None) -> None:
    claim = Path(paths.names, "whole")
    claim.unlink(missing_ok=True)
    if content is not None:
        claim.write_text(content)
    assert containers.resolve(paths, "whole") == WHOLE


def test_a_name_with_a_damaged_claim_is_not_free(paths: Paths) -> None:
    from mydocker.engine.container.claim import ClaimName

    Path(paths.names, "broken").write_text("half")
    with pytest.raises(Conflict, match=r"its claim .* is damaged"):
        ClaimName(paths, "broken", WHOLE).apply()
    assert Path(paths.names, "broken").read_text() == "half"
