"""/etc/hosts and /etc/resolv.conf: what a container gets, and what of it is kept current."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mydocker.network import attachments, hosts
from mydocker.paths import Paths

Make = Callable[..., Any]


def test_a_container_knows_itself(make_endpoint: Make) -> None:
    text = hosts.own_hosts("box", "", [make_endpoint("172.18.0.2", "fd00::2")], [["db", "10.0.0.1"], ["host", "host-gateway"]])
    assert text.splitlines()[0] == "127.0.0.1\tlocalhost"
    assert text.splitlines()[-4:] == ["10.0.0.1\tdb", "172.18.0.1\thost", "172.18.0.2\tbox", "fd00::2\tbox"]
    assert hosts.own_hosts("box", "example.org", [], []).splitlines()[-1] == "127.0.1.1\tbox.example.org box"


def test_only_the_part_between_the_marks_changes() -> None:
    mine = "127.0.0.1\tlocalhost\n"
    one = hosts.with_others(mine, "10.0.0.2\ta\n")
    edited = one + "10.9.9.9\tadded-by-hand\n"
    two = hosts.with_others(edited, "10.0.0.3\tb\n")
    assert one.startswith(mine)
    assert "10.0.0.2" not in two
    assert "10.0.0.3\tb\n" in two
    assert two.endswith("10.9.9.9\tadded-by-hand\n")
    assert hosts.with_others(two, "") == mine + "10.9.9.9\tadded-by-hand\n"


@pytest.fixture
def paths(tmp_path: Path, make_endpoint: Make, make_attachment: Make) -> Paths:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/state")
    Path(paths.addresses).mkdir(parents=True)
    web = make_endpoint("172.19.0.2", network="back", aliases=["www", "web"])
    members = {
        "a" * 64: ("web", [make_endpoint("172.18.0.2", network="front"), web]),
        "b" * 64: ("db", [make_endpoint("172.19.0.3", "fd00::3", network="back")]),
        "c" * 64: ("other", [make_endpoint("172.17.0.2", network="bridge")]),
    }
    for identity, (name, endpoints) in members.items():
        Path(paths.container(identity)).mkdir(parents=True)
        Path(paths.container(identity), "hosts").write_text("127.0.0.1\tlocalhost\n")
        Path(paths.running(identity)).mkdir()
        attachments.save(paths, identity, make_attachment(name=name, hostname=name, endpoints=endpoints))
    return paths


def known(paths: Paths, letter: str) -> list[str]:
    return Path(paths.container(letter * 64), "hosts").read_text().splitlines()[1:]


def test_those_on_a_network_know_each_other_by_name_alias_and_id(paths: Paths) -> None:
    hosts.refresh(paths, ["back"])
    back = ["172.19.0.2\tweb www aaaaaaaaaaaa", "172.19.0.3\tdb bbbbbbbbbbbb", "fd00::3\tdb bbbbbbbbbbbb"]
    assert sorted(known(paths, "b")[1:-1]) == back
    assert sorted(known(paths, "a")[1:-1]) == ["172.18.0.2\tweb aaaaaaaaaaaa", *back]
    assert known(paths, "c") == []


def test_the_default_network_has_no_names(paths: Paths) -> None:
    hosts.refresh(paths, ["bridge"])
    assert known(paths, "c") == []


def test_who_left_is_forgotten(paths: Paths) -> None:
    hosts.refresh(paths, ["back"])
    Path(paths.running("b" * 64), "network.json").unlink()
    hosts.refresh(paths, ["back"])
    assert not any("db" in line for line in known(paths, "a"))


def test_the_file_stays_the_file_that_is_mounted(paths: Paths) -> None:
    file = Path(paths.container("a" * 64), "hosts")
    before = file.stat().st_ino
    hosts.refresh(paths, ["back"])
    assert file.stat().st_ino == before


def test_what_a_container_made_too_long_is_left_alone(paths: Paths) -> None:
    file = Path(paths.container("a" * 64), "hosts")
    file.write_text("#" * (2 << 20))
    hosts.refresh(paths, ["back"])
    assert file.stat().st_size == 2 << 20


def test_a_symlink_is_not_followed(paths: Paths, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    file = Path(paths.container("a" * 64), "hosts")
    file.unlink()
    file.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        hosts.refresh(paths, ["back"])
    assert victim.read_text() == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("nameserver 10.0.0.53\nsearch example.org\n", "nameserver 10.0.0.53\nsearch example.org\n"),
        ("nameserver 127.0.0.1\nnameserver 10.0.0.53\n", "nameserver 10.0.0.53\n"),
        ("nameserver 127.0.0.53\noptions edns0\n", "options edns0\nnameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ("nameserver ::1\n", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
        ("nameserver fe80::1%eth0\n", "nameserver fe80::1%eth0\n"),
        ("", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
    ],
)
def test_name_servers_that_only_the_host_reaches_are_replaced(tmp_path: Path, host: str, expected: str) -> None:
    (tmp_path / "resolv.conf").write_text(host)
    assert hosts.of_host(f"{tmp_path}/resolv.conf", f"{tmp_path}/none") == expected


def test_what_systemd_resolved_asks_is_asked(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\nsearch lan\n")
    (tmp_path / "resolved").write_text("nameserver 192.168.1.1\n")
    assert hosts.of_host(f"{tmp_path}/resolv.conf", f"{tmp_path}/resolved") == "nameserver 192.168.1.1\n"
    assert hosts.of_host(f"{tmp_path}/missing", f"{tmp_path}/missing") == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"


def test_flags_replace_their_part() -> None:
    host = "nameserver 10.0.0.53\nsearch example.org\noptions edns0\n"
    assert hosts.resolv_conf(host, [], [], []) == host
    assert hosts.resolv_conf(host, ["1.1.1.1", "9.9.9.9"], ["a", "b"], ["ndots:2"]) == (
        "search a b\nnameserver 1.1.1.1\nnameserver 9.9.9.9\noptions ndots:2\n"
    )
    assert hosts.resolv_conf(host, ["1.1.1.1"], ["a"], [], resolver=True) == "search a\nnameserver 127.0.0.11\noptions edns0 ndots:0\n"
    assert hosts.resolv_conf(host, [], [], ["ndots:2"], resolver=True).endswith("nameserver 127.0.0.11\noptions ndots:2\n")
    assert hosts.resolv_conf(host, [], ["."], []) == "nameserver 10.0.0.53\noptions edns0\n"


def test_whom_a_resolver_asks(tmp_path: Path) -> None:
    etc = tmp_path / "resolv.conf"
    etc.write_text("nameserver 127.0.0.53\nnameserver 10.0.0.53\nnameserver ::1\n")
    assert hosts.upstreams([], str(etc)) == [("127.0.0.53", True), ("10.0.0.53", False), ("::1", True)]
    assert hosts.upstreams(["127.0.0.1", "9.9.9.9"], str(etc)) == [("127.0.0.1", False), ("9.9.9.9", False)]
    etc.write_text("")
    assert hosts.upstreams([], str(etc)) == [("8.8.8.8", False), ("8.8.4.4", False)]
