"""The mount option idmap=, which crun has and podman passes on."""

from __future__ import annotations

import pytest

from mydocker.errors import BadInput
from mydocker.oci.idmapping import with_mappings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Linux, Mount

OWN = [{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1, "hostID": 5000, "size": 10}]


def linux() -> Linux:
    made: Linux = {"uidMappings": OWN, "gidMappings": OWN[:1]}  # type: ignore[typeddict-item]
    return made


def bind(*options: str) -> Mount:
    return {"destination": "/x", "type": "bind", "source": "/y", "options": list(options)}


def test_triplets_become_mappings_and_the_other_options_stay() -> None:
    mount = with_mappings(bind("rbind", "idmap=uids=0-2-10#10-100-5;gids=3-4-1", "ro"), linux())
    assert mount["options"] == ["rbind", "ro", "idmap"]
    assert mount["uidMappings"] == [{"containerID": 0, "hostID": 2, "size": 10}, {"containerID": 10, "hostID": 100, "size": 5}]
    assert mount["gidMappings"] == [{"containerID": 3, "hostID": 4, "size": 1}]


def test_a_relative_triplet_counts_from_what_the_user_namespace_maps() -> None:
    mount = with_mappings(bind("idmap=uids=@0-0-1#@1-3-2;gids=0-7-1"), linux())
    assert [line["hostID"] for line in mount["uidMappings"]] == [1000, 5002]
    assert [line["hostID"] for line in mount["gidMappings"]] == [7]


def test_other_mounts_stay_as_they_are() -> None:
    mount = bind("rbind", "idmap")
    assert with_mappings(mount, linux()) is mount


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("idmap=", "idmap=uids=0-1000-1"),
        ("idmap=uids=0-1", "idmap=uids=0-1000-1"),
        ("idmap=uids=0-x-1;gids=0-1-1", "idmap=uids=0-1000-1"),
        ("idmap=users=0-1-1", "idmap=uids=0-1000-1"),
        (f"idmap=uids=0-{'9' * 5000}-1;gids=0-1-1", "idmap=uids=0-1000-1"),
        ("idmap=uids=@11-0-1;gids=0-1-1", "id 11 is not mapped"),
        ("idmap=uids=0-1-1;gids=@1-0-1", "id 1 is not mapped"),
    ],
)
def test_a_text_that_says_no_mapping_is_refused(option: str, named: str) -> None:
    with pytest.raises(BadInput) as caught:
        with_mappings(bind(option), linux())
    assert option in caught.value.message
    assert named in caught.value.message
