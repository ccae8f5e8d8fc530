"""Published ports: they answer from everywhere they should, to nobody they should not, and nothing of them outlives the container."""

from collections.abc import Iterator
from functools import partial

import pytest
from conftest import Machine
from wires import MANY_BYTES, Network, at_once


@pytest.fixture
def web(mydocker: Machine, network: Network) -> Iterator[Network]:
    """A container whose port 80 is published at 8080 (TCP and UDP), with a server in it."""
    flags = ["-p", "8080:80", "-p", "8080:80/udp", "-p", "127.0.0.1:8081:80", "-p", "10.55.0.1:8082:80"]
    network.other = network.neighbour()
    assert mydocker("run", "-d", "--name", "web", *flags, "busybox", "sleep", "300").rc == 0
    network.serve("web", 80)
    yield network
    mydocker("rm", "-f", "web")


@pytest.mark.kernel
def test_a16_a_published_port_answers_from_everywhere(mydocker: Machine, web: Network) -> None:
    """#91: DNAT in PREROUTING alone leaves out the host itself."""
    assert mydocker("run", "-d", "--name", "client", "busybox", "sleep", "300").rc == 0
    gateway = mydocker("inspect", "-f", "{{.NetworkSettings.Gateway}}", "client").stdout.strip()
    for who, address in (
        (web.other, "10.55.0.1"),
        (web.host, "10.55.0.1"),
        (web.host, "127.0.0.1"),
        (web.host, gateway),
        (web.inside("client"), "10.55.0.1"),
        (web.inside("client"), gateway),
        (web.inside("web"), "10.55.0.1"),
        (web.inside("web"), gateway),
    ):
        assert (who.ask("tcp", address, 8080, "hello"), who.ask("udp", address, 8080, "hello")) == ("hello", "hello"), (who.pid, address)
    mydocker("rm", "-f", "client")


def test_a16_nothing_but_the_hosts_own_port_is_led_to_the_container(mydocker: Machine, web: Network) -> None:
    """Without a match on the destination, containers' own traffic to that port number of others is hijacked."""
    web.start(f"nsenter --net=/proc/{web.other.pid}/ns/net python3 traffic.py serve 8080")
    mydocker.wait_until(lambda: web.host.ask("tcp", "10.55.0.2", 8080, "PEER") == "10.55.0.1")
    assert web.inside("web").ask("tcp", "10.55.0.2", 8080, "PEER") == "10.55.0.1"


def test_a_port_on_one_address_answers_there_only(web: Network) -> None:
    assert web.host.ask("tcp", "127.0.0.1", 8081, "local") == "local"
    assert web.host.ask("tcp", "10.55.0.1", 8081, "local") == "ConnectionRefusedError"
    assert web.other.ask("tcp", "10.55.0.1", 8081, "local") == "ConnectionRefusedError"
    assert web.other.ask("tcp", "10.55.0.1", 8082, "outer") == "outer"
    assert web.host.ask("tcp", "127.0.0.1", 8082, "outer") == "ConnectionRefusedError"


def test_nobody_outside_reaches_the_hosts_loopback_or_an_unpublished_port(mydocker: Machine, web: Network) -> None:
    """CVE-2020-8558, and moby #45610: a neighbour that sends to 127.0.0.1 by our MAC address."""
    web.start("python3 traffic.py serve 9999")
    mydocker.wait_until(lambda: web.host.ask("tcp", "127.0.0.1", 9999, "own") == "own")
    container = web.address("web")
    assert mydocker("run", "-d", "--name", "bad", "busybox", "sleep", "300").rc == 0
    bad = web.inside("bad")
    for who, gateway in ((web.other, "10.55.0.1"), (bad, mydocker("inspect", "-f", "{{.NetworkSettings.Gateway}}", "bad").stdout.strip())):
        who.run("sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet'")
        for line in (
            "ip addr del 127.0.0.1/8 dev lo",
            f"ip route add 127.0.0.1 via {gateway} src 10.55.0.2",
            f"ip route add 127.0.0.1 via {gateway}",
        ):
            who.run(line)
    web.other.run(f"ip route add {container} via 10.55.0.1")
    loopback = [partial(who.ask, "tcp", "127.0.0.1", port, "in") for who in (web.other, bad) for port in (9999, 8081)]
    *answers, direct = at_once(*loopback, partial(web.other.ask, "tcp", container, 80, "direct"))
    assert set(answers) <= {"TimeoutError", "ConnectionRefusedError", "OSError"}, answers
    assert direct == "TimeoutError"
    mydocker("rm", "-f", "bad")


def test_a_thousand_connections_and_a_hundred_megabytes(web: Network) -> None:
    assert web.other.traffic("many", "10.55.0.1", 8080, 1000).stdout == "1000\n"
    size, digest = web.other.traffic("take", "10.55.0.1", 8080, MANY_BYTES).stdout.split()
    assert int(size) == MANY_BYTES
    assert digest == web.inside("web").traffic("take", "127.0.0.1", 80, MANY_BYTES).stdout.split()[1]


def test_ipv6(mydocker: Machine, network: Network) -> None:
    other = network.neighbour("fd55::2", "fd55::1")
    mydocker("network", "create", "--ipv6", "six")
    assert mydocker("run", "-d", "--name", "web", "--network", "six", "-p", "8080:80", "busybox", "sleep", "300").rc == 0
    network.serve("web", 80)
    for address in ("fd55::1", network.address("web", "six", "IPv6Gateway")):
        assert network.host.ask("tcp", address, 8080, "hello") == "hello"
        assert network.inside("web").ask("tcp", address, 8080, "hello") == "hello"
    assert other.ask("tcp", "fd55::1", 8080, "hello") == "hello"
    assert network.host.ask("tcp", "127.0.0.1", 8080, "hello") == "hello"
    assert mydocker("port", "web").stdout.splitlines() == ["80/tcp -> 0.0.0.0:8080", "80/tcp -> [::]:8080"]
    mydocker("rm", "-f", "web")
    network.close()  # what forwards packets for somebody else is not switched off
    mydocker("network", "rm", "six")


def test_ranges_random_ports_and_every_exposed_one(mydocker: Machine, network: Network) -> None:
    assert (
        mydocker(
            "run", "-d", "--name", "web", "-p", "7000-7002:80-82", "-p", "90", "-P", "--expose", "91/udp", "busybox", "sleep", "300"
        ).rc
        == 0
    )
    lines = mydocker("port", "web").stdout.splitlines()
    assert lines[:3] == [f"8{n}/tcp -> 0.0.0.0:700{n}" for n in range(3)]
    ports = dict(line.split(" -> 0.0.0.0:") for line in lines)
    assert 1024 < int(ports["90/tcp"]) < 65536
    network.serve("web", 91)
    assert network.host.ask("udp", "127.0.0.1", ports["91/udp"], "exposed") == "exposed"
    assert "0.0.0.0:7000-7002->80-82/tcp" in mydocker("ps", "--format", "{{.Ports}}").stdout
    assert mydocker("ps", "-q", "--filter", "publish=7001").stdout
    assert not mydocker("ps", "-q", "--filter", "publish=7003").stdout
    mydocker("rm", "-f", "web")


def test_one_of_a_range_is_chosen(mydocker: Machine) -> None:
    for name in ("one", "two"):
        assert mydocker("run", "-d", "--name", name, "-p", "7000-7001:80", "busybox", "sleep", "300").rc == 0
    full = mydocker("run", "--rm", "-p", "7000-7001:80", "busybox", "true")
    assert (full.rc, full.stderr) == (125, "mydocker: port 7000-7001/tcp is in use on this host: port is already allocated\n")
    assert {mydocker("port", name, "80").stdout for name in ("one", "two")} == {"0.0.0.0:7000\n", "0.0.0.0:7001\n"}
    mydocker("rm", "-f", "one", "two")


def test_a_port_that_is_taken_is_an_error_at_once_and_leaves_nothing(mydocker: Machine, network: Network) -> None:
    network.start("python3 traffic.py serve 8080")
    mydocker.wait_until(lambda: network.host.ask("tcp", "127.0.0.1", 8080, "own") == "own")
    before = mydocker.snapshot()
    for flag in ("8080:80", "127.0.0.1:8080:80", "8080:80/udp"):
        result = mydocker("run", "--rm", "-p", flag, "busybox", "true")
        assert result.rc == 125
        assert "8080" in result.stderr
        assert "in use" in result.stderr
    away = mydocker("run", "--rm", "-p", "10.99.0.1:1:80", "busybox", "true")
    assert (away.rc, "no interface has this address" in away.stderr) == (125, True)
    assert not mydocker.left_since(before)


def test_a_restart_keeps_the_port(mydocker: Machine, network: Network) -> None:
    mydocker("run", "-d", "--name", "web", "-p", "80", "--restart", "always", "busybox", "sleep", "300")
    port = mydocker("port", "web", "80").stdout.strip().rpartition(":")[2]
    mydocker("restart", "-t", "0", "web")
    assert mydocker("port", "web", "80").stdout == f"0.0.0.0:{port}\n"
    mydocker.sh(f"kill -9 {mydocker.pid('web')}")
    mydocker.wait_until(lambda: mydocker("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "web").stdout == "1 running\n")
    assert mydocker("port", "web", "80").stdout == f"0.0.0.0:{port}\n"
    network.serve("web", 80)
    assert network.host.ask("tcp", "127.0.0.1", port, "again") == "again"
    mydocker("rm", "-f", "web")


@pytest.mark.parametrize("elsewhere", ["bridge", "other"])
def test_a_port_comes_back_with_a_network(mydocker: Machine, web: Network, elsewhere: str) -> None:
    """As docker's: taken off its network the container's ports lead nowhere, and to whatever network it is connected to next."""
    assert mydocker("network", "create", "other").rc == 0
    before = mydocker("port", "web").stdout
    assert mydocker("network", "disconnect", "bridge", "web").rc == 0
    assert mydocker("port", "web").stdout == ""
    mydocker.wait_until(lambda: web.host.ask("tcp", "127.0.0.1", 8080, "gone") == "ConnectionRefusedError")
    assert mydocker("network", "connect", elsewhere, "web").rc == 0
    assert mydocker("port", "web").stdout == before
    mydocker.wait_until(lambda: web.host.ask("tcp", "127.0.0.1", 8080, "back") == "back")
    assert web.other.ask("tcp", "10.55.0.1", 8080, "back") == "back"
    mydocker("rm", "-f", "web")
    mydocker("network", "rm", "other")


def test_a_dead_monitor_frees_the_port(mydocker: Machine, network: Network) -> None:
    """The rule of a container that lives on without its monitor gives way to the next one that asks for the port."""
    mydocker("run", "-d", "--name", "old", "-p", "8080:80", "busybox", "sleep", "300")
    network.serve("old", 80)
    mydocker.sh(f"kill -9 $(grep -o '\"monitor\": [0-9]*' state/{mydocker.record('old')['id']}/state.json | cut -d' ' -f2)")
    assert network.host.ask("tcp", "127.0.0.1", 8080, "still") == "still"
    assert mydocker("run", "-d", "--name", "new", "-p", "8080:80", "busybox", "sleep", "300").rc == 0
    assert network.host.ask("tcp", "127.0.0.1", 8080, "nobody") == "ConnectionRefusedError"
    network.serve("new", 80)
    assert network.host.ask("tcp", "127.0.0.1", 8080, "new") == "new"
    mydocker("rm", "-f", "old")
    assert network.host.ask("tcp", "127.0.0.1", 8080, "new") == "new"
    mydocker("rm", "-f", "new")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-p", "99999:80"], "invalid port '99999:80'"),
        (["-p", "80/icmp"], "invalid protocol"),
        (["-p", "1-3:80-81"], "different lengths"),
        (["-p", "1.2.3:80:80"], "invalid address"),
        (["-p", "[fd00::1]:80:80"], "no interface has this address"),
        (["-p", "[::1]:80:80"], "no address of that family"),
        (["--network", "nosuch"], "no such network: nosuch"),
        (["--ip", "172.17.0.9"], "--ip needs a network of yours"),
        (["--network", "none", "--network", "host"], "exclude others"),
        (["--mac-address", "01:00:00:00:00:00"], "invalid MAC address"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(mydocker: Machine, flags: list[str], words: str) -> None:
    before = mydocker.snapshot()
    result = mydocker("run", "--rm", *flags, "busybox", "true")
    assert result.rc == 125
    assert words in result.stderr.splitlines()[0]
    assert not mydocker.left_since(before)


def test_sctp(mydocker: Machine, network: Network) -> None:
    if mydocker.sh("python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)'").rc:
        pytest.skip("this kernel has no SCTP")
    other = network.neighbour()
    assert mydocker("run", "-d", "--name", "web", "-p", "8080:80/sctp", "busybox", "sleep", "300").rc == 0
    network.serve("web", 80)
    for who, address in ((other, "10.55.0.1"), (network.host, "10.55.0.1"), (network.host, "127.0.0.1")):
        assert who.ask("sctp", address, 8080, "hello") == "hello", address
    mydocker("rm", "-f", "web")


# In it there is no nft, and iptables is of one kind. nft goes last: the test waits for that.
WITHOUT_NFT = """
iptables=$(readlink -f $(command -v iptables))
mount --bind $(dirname $iptables)/xtables-KIND-multi $iptables && mount --bind /dev/null $(command -v nft) && exec sleep 300
"""


@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["nft", "legacy"])
def test_without_nft_iptables_does_the_same(
    mydocker: Machine, network: Network, needs_root_mount: None, needs_nft: None, kind: str
) -> None:
    """In a mount namespace without nft: everything that mydocker starts there is without it too."""
    if mydocker.sh(f"xtables-{kind}-multi iptables -t nat -S && xtables-{kind}-multi ip6tables -t nat -S").rc:
        pytest.skip(f"this kernel has no iptables-{kind}")
    other = network.neighbour()
    assert mydocker("network", "prune", "-f").rc == 0
    mydocker.sh(f"cat > without-nft <<'END'\n{WITHOUT_NFT.replace('KIND', kind)}END")
    keeper = network.start(f"unshare -m sh {mydocker.directory}/without-nft")
    without = f"nsenter --mount=/proc/{keeper}/ns/mnt {mydocker.prefixed}"
    mydocker.wait_until(lambda: mydocker.sh(f"nsenter --mount=/proc/{keeper}/ns/mnt sh -c 'nft --version'").rc)
    try:
        iptables = f"nsenter --mount=/proc/{keeper}/ns/mnt iptables"
        assert mydocker.sh(f"cd /; {iptables} -P FORWARD DROP").rc == 0
        told = mydocker.sh(f"cd /; {without} --explain network create six --ipv6")
        assert (told.rc, "(done by iptables instead: nft is not installed)" in told.stderr) == (0, True), told.stderr
        assert "iptables, as nft is not installed" in mydocker.sh(f"cd /; {without} info").stdout
        started = mydocker.sh(f"cd /; {without} run -d --name web --network six -p 8080:80 -p 127.0.0.1:8081:80 busybox sleep 300")
        assert started.rc == 0, started.stderr
        network.serve("web", 80)
        gateway = network.address("web", "six", "Gateway")
        for who, address in ((other, "10.55.0.1"), (network.host, "127.0.0.1"), (network.host, gateway), (network.inside("web"), gateway)):
            assert who.ask("tcp", address, 8080, "hello") == "hello", address
        assert network.host.ask("tcp", network.address("web", "six", "IPv6Gateway"), 8080, "six") == "six"
        assert network.host.ask("tcp", "127.0.0.1", 8081, "local") == "local"
        assert other.ask("tcp", "10.55.0.1", 8081, "local") == "ConnectionRefusedError"
        other.run(f"ip route add {network.address('web', 'six')} via 10.55.0.1")
        assert other.ask("tcp", network.address("web", "six"), 80, "direct") == "TimeoutError"
        assert "mydocker" not in mydocker.sh("nft list tables").stdout
        assert mydocker.sh(f"cd /; {without} rm -f web").rc == 0
        saved = f"cd /; {iptables}-save && nsenter --mount=/proc/{keeper}/ns/mnt ip6tables-save"
        assert "8080" not in mydocker.sh(saved).stdout
        network.started.remove(keeper)
        network.close()
        assert mydocker.sh(f"cd /; {without} network rm six").rc == 0
        assert "MYD" not in mydocker.sh(saved).stdout
    finally:
        mydocker.sh(f"cd /; {iptables} -P FORWARD ACCEPT; kill -9 {keeper}; rm {mydocker.directory}/without-nft")
        mydocker.sh("for table in filter nat raw; do nft delete table ip $table; nft delete table ip6 $table; done")
    mydocker("run", "--rm", "busybox", "true")
