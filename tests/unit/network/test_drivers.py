"""What each driver does, as text; and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from errno import EADDRINUSE
from pathlib import Path
from typing import Any

import pytest

from mydocker import store
from mydocker.errors import BadInput
from mydocker.network import drivers
from mydocker.network.drivers import NAMES, SetUpChild, driver
from mydocker.paths import Paths
from mydocker.steps.interfaces import SetUp
from mydocker.steps.links import AddChild

Make = Callable[..., Any]


@pytest.fixture
def paths(tmp_path: Path, bare_network: None) -> Paths:
    (tmp_path / "proc/sys/net/ipv4/conf").mkdir(parents=True)
    (tmp_path / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    return Paths("/var/lib/mydocker", f"{tmp_path}/state", f"{tmp_path}/proc")


@pytest.fixture
def network(make_network: Make) -> Make:
    """Return a function of (driver, subnets; options) → network."""

    def make(kind: str, *subnets: str, internal: bool = False, options: dict[str, str] | None = None) -> Any:
        return make_network(*subnets, driver=kind, internal=internal, options=options or {})

    return make


def told(steps: list[Any]) -> list[str]:
    return [step.describe() for step in steps]


@pytest.mark.applies.with_args(lambda recording: recording.whole)
def test_forwarding_is_switched_on_where_it_is_off(tmp_path: Path, recorded: Paths, bare_network: None, network: Make) -> None:
    subject = driver("bridge", Paths("/var/lib/mydocker", f"{tmp_path}/state", recorded.proc))
    plan = told(subject.create(network("bridge", "10.7.0.0/16", "fd07::/64", options={"masquerade": "false"})))
    for file in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        off = Path(recorded.proc, "sys/net", file).read_text() == "0\n"
        assert any(line.startswith("write 1 to ") and line.endswith(file) for line in plan) == off


def test_a_bridge(paths: Paths, network: Make, make_endpoint: Make) -> None:
    subject = driver("bridge", paths)
    plan = told(subject.create(network("bridge", "10.7.0.0/16", "fd07::/64")))
    assert plan[:5] == [
        "ip link add mb1 alias 'mydocker /var/lib/mydocker net' up address 02:42:01:23:45:67 type bridge",
        "write 0 to /proc/sys/net/ipv6/conf/mb1/accept_ra",
        "write 0 to /proc/sys/net/ipv6/conf/mb1/accept_dad",
        "ip address add 10.7.0.1/16 dev mb1",
        "ip address add fd07::1/64 dev mb1 nodad",
    ]
    assert plan[5].startswith("write 1 to ")
    assert plan[5].endswith("/proc/sys/net/ipv4/ip_forward")
    assert plan[6].startswith("nft add table inet mydocker with masquerade")
    assert told(subject.connect(network("bridge", "10.7.0.0/16"), make_endpoint("10.7.0.2"), "/proc/7/ns/net")) == [
        "ip link add md1.0 master mb1 up type veth peer name eth0 address 02:42:0a:07:00:02 netns 7",
        "in /proc/7/ns/net write 1 to /proc/sys/net/ipv4/conf/eth0/arp_notify",
        "in /proc/7/ns/net write 1 to /proc/sys/net/ipv6/conf/eth0/disable_ipv6",
        "nsenter --net=/proc/7/ns/net ip address add 10.7.0.2/16 dev eth0",
        "nsenter --net=/proc/7/ns/net ip link set eth0 up",
        "nsenter --net=/proc/7/ns/net ip route replace default via 10.7.0.1 dev eth0",
    ]


def test_an_internal_bridge_has_no_address_and_needs_no_forwarding(paths: Paths, network: Make) -> None:
    plan = told(driver("bridge", paths).create(network("bridge", "10.7.0.0/16", internal=True)))
    assert not [line for line in plan if "address add" in line or "ip_forward" in line]
    assert "subnets4" not in plan[-1]


def test_a_tunnel(paths: Paths, network: Make, make_endpoint: Make) -> None:
    options = {"vni": "42", "peers": "10.0.0.2,10.0.0.3", "local": "10.0.0.1"}
    subject, record = driver("vxlan", paths), network("vxlan", "10.7.0.0/16", options=options)
    plan = told(subject.create(record))
    assert "mtu 1450" in plan[0]
    assert plan[3:7] == [
        "ip link add mx0123456789 alias 'mydocker /var/lib/mydocker net' up master mb1 type vxlan id 42 dstport 4789 local 10.0.0.1",
        "bridge fdb append 00:00:00:00:00:00 dev mx0123456789 dst 10.0.0.2 self permanent",
        "bridge fdb append 00:00:00:00:00:00 dev mx0123456789 dst 10.0.0.3 self permanent",
        "ip link set mx0123456789 up",
    ]
    connected = told(subject.connect(record, make_endpoint("10.7.0.2"), "/proc/7/ns/net"))
    assert "mtu 1450" in connected[0]


@pytest.mark.parametrize("kind", ["macvlan", "ipvlan"])
def test_a_wire_of_the_hosts(paths: Paths, kind: str, network: Make, make_endpoint: Make) -> None:
    record = network(kind, "10.7.0.0/16", options={"parent": "eno1"})
    subject = driver(kind, paths)
    subject.check(record)
    assert subject.create(record) == []
    first = told(subject.connect(record, make_endpoint("10.7.0.2"), "/proc/7/ns/net"))[0]
    assert (
        first
        == {
            "macvlan": "ip link add link eno1 name eth0 netns 7 address 02:42:0a:07:00:02 type macvlan mode bridge",
            "ipvlan": "ip link add link eno1 name eth0 netns 7 type ipvlan mode l2",
        }[kind]
    )


def test_none_has_nothing(paths: Paths, network: Make, make_endpoint: Make) -> None:
    subject, record = driver("none", paths), network("none")
    assert subject.create(record) == subject.connect(record, make_endpoint(), "x") == subject.delete(record) == []
    assert not subject.publishes


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("bridge", {"colour": "blue"}, "unknown option 'colour' of a bridge network: expected name, mtu, masquerade"),
        ("bridge", {"mtu": "67"}, "invalid mtu '67'"),
        ("bridge", {"name": "a/b"}, "invalid bridge name"),
        ("bridge", {"name": "sixteen-letters-"}, "invalid bridge name"),
        ("bridge", {"masquerade": "perhaps"}, "invalid masquerade"),
        ("vxlan", {"peers": "10.0.0.2"}, "invalid vni ''"),
        ("vxlan", {"vni": "16777216", "peers": "10.0.0.2"}, "invalid vni"),
        ("vxlan", {"vni": "1"}, "peers="),
        ("vxlan", {"vni": "1", "peers": "host-b"}, "invalid address 'host-b'"),
        ("vxlan", {"vni": "1", "peers": "10.0.0.2", "port": "0"}, "invalid port"),
        ("macvlan", {}, "parent=INTERFACE"),
        ("ipvlan", {"parent": "eth0", "mode": "l9"}, "invalid mode 'l9'"),
        ("none", {"mtu": "1"}, "expected none"),
    ],
)
def test_options_that_are_not_the_drivers(paths: Paths, kind: str, options: dict[str, str], words: str, network: Make) -> None:
    with pytest.raises(BadInput, match=words):
        driver(kind, paths).check(network(kind, options=options))


def test_dockers_names_of_options(paths: Paths, network: Make) -> None:
    record = network("bridge", options={"com.docker.network.bridge.name": "br7", "com.docker.network.driver.mtu": "1400"})
    driver("bridge", paths).check(record)
    assert (record["interface"], record["options"]["mtu"]) == ("br7", "1400")


def test_every_name_has_a_driver(paths: Paths) -> None:
    for name in NAMES:
        assert driver(name, paths)
    with pytest.raises(BadInput, match="expected bridge, vxlan"):
        driver("token-ring", paths)


def test_forwarding_is_remembered_and_restored(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    from mydocker.network import forwarding

    store.write_atomic(f"{paths.proc}/sys/net/ipv4/ip_forward", b"0\n")
    Path(paths.addresses).mkdir(parents=True)
    step = forwarding.EnableForwarding(paths.proc, paths.addresses, 4)
    file = Path(f"{paths.proc}/sys/net/ipv4/ip_forward")
    step.apply()
    assert (file.read_text(), forwarding.switched_on(paths.addresses)) == ("1", [4])
    monkeypatch.setattr(forwarding, "_others", lambda: False)
    forwarding.restore_sysctls(paths.proc, paths.addresses, {4})
    assert file.read_text() == "1"
    forwarding.restore_sysctls(paths.proc, paths.addresses, set())
    assert (file.read_text(), forwarding.switched_on(paths.addresses)) == ("0", [])
    file.write_text("1")
    step.apply()
    assert forwarding.switched_on(paths.addresses) == []
    forwarding.restore_sysctls(paths.proc, paths.addresses, set())
    assert file.read_text() == "1"


def test_an_interface_that_went_with_its_namespace_needs_no_undo(tmp_path: Path) -> None:
    AddChild("eth0", "macvlan", "wire", str(tmp_path / "ns/net"), "02:42:0a:37:00:40").undo()


def test_an_interface_of_its_own_waits_until_its_address_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = 2

    def apply(step: SetUp) -> None:
        nonlocal busy
        if busy:
            busy -= 1
            raise OSError(EADDRINUSE, "Address already in use")

    monkeypatch.setattr(SetUp, "apply", apply)
    SetUpChild("eth0", "").apply()
    assert busy == 0
    busy = 1
    monkeypatch.setattr(drivers, "_REMOVAL_SECONDS", 0)
    with pytest.raises(OSError, match="Address already in use"):
        SetUpChild("eth0", "").apply()
