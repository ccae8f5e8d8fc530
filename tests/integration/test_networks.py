"""Networks: the verbs, who reaches whom, and what is left when they are gone."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from conftest import Machine
from wires import Network, at_once

from mydocker.engine.connection import connecting
from mydocker.errors import Conflict
from mydocker.kernel import tasks
from mydocker.network import records
from mydocker.paths import Paths
from mydocker.steps.base import Run, Step


def run(mydocker: Machine, name: str, *flags: str) -> None:
    result = mydocker("run", "-d", "--name", name, *flags, "busybox", "sleep", "300")
    assert result.rc == 0, result.stderr


def ping(mydocker: Machine, name: str, target: str) -> bool:
    return mydocker("exec", name, "ping", "-c", "1", "-W", "1", target).rc == 0


def test_a20_a_container_has_a_network_lo_names_and_a_resolver(mydocker: Machine) -> None:
    script = "ip -4 address show lo | grep -c 127.0.0.1; ip route | grep -c ^default; hostname -i; grep -c nameserver /etc/resolv.conf"
    lines = mydocker("run", "--rm", "busybox", "sh", "-c", script).stdout.split()
    assert lines[:2] == ["1", "1"]
    assert lines[2].startswith("172.")
    assert int(lines[3]) >= 1
    for mode in ("none", "host"):
        assert mydocker("run", "--rm", "--network", mode, "busybox", "ping", "-c", "1", "127.0.0.1").rc == 0


def test_the_seeds_chapter_six(mydocker: Machine) -> None:
    """mydocker network create --driver bridge --subnet …, run -net, and containers that reach each other and the world."""
    assert mydocker("network", "create", "--driver", "bridge", "--subnet", "192.168.77.0/24", "testbridge").rc == 0
    assert "testbridge" in mydocker("network", "list").stdout
    run(mydocker, "one", "-net", "testbridge")
    run(mydocker, "two", "-net", "testbridge")
    addresses = mydocker("network", "inspect", "-f", "{{range .Containers}}{{.IPv4Address}} {{end}}", "testbridge").stdout.split()
    assert sorted(addresses) == ["192.168.77.2/24", "192.168.77.3/24"]
    assert ping(mydocker, "one", "192.168.77.3")
    assert ping(mydocker, "one", "192.168.77.1")
    busy = mydocker("network", "remove", "testbridge")
    assert (busy.rc, "used by container" in busy.stderr) == (1, True)
    mydocker("rm", "-f", "one", "two")
    assert mydocker("network", "remove", "testbridge").stdout == "testbridge\n"


def test_networks_that_are_made_at_the_same_time_have_subnets_of_their_own(mydocker: Machine) -> None:
    made = mydocker.sh("for n in 1 2 3 4 5 6; do {mydocker} network create net$n & done 2>&1; wait")
    assert [len(word) for word in made.stdout.split()] == [64] * 6, made
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    subnets = mydocker("network", "inspect", "-f", form, *made.stdout.split()).stdout.split()
    assert len(set(subnets)) == 6
    assert mydocker("network", "rm", *made.stdout.split()).rc == 0


@pytest.mark.kernel
def test_containers_reach_the_world_with_the_hosts_address(mydocker: Machine, network: Network) -> None:
    """A17: ip_forward, and MASQUERADE."""
    other = network.neighbour()
    run(mydocker, "web")
    network.start(f"nsenter --net=/proc/{other.pid}/ns/net python3 traffic.py serve 7777")
    mydocker.wait_until(lambda: network.host.ask("tcp", "10.55.0.2", 7777, "PEER") == "10.55.0.1")
    assert network.inside("web").ask("tcp", "10.55.0.2", 7777, "PEER") == "10.55.0.1"
    assert network.inside("web").ask("udp", "10.55.0.2", 7777, "hello") == "hello"
    mydocker("rm", "-f", "web")


@pytest.mark.parametrize("kind", ["iptables", "nft"])
def test_a17_a_forward_policy_of_drop_is_handled(mydocker: Machine, network: Network, kind: str, request: pytest.FixtureRequest) -> None:
    """docker's and ufw's is iptables', firewalld's and many a hand-written one is nft's."""
    if kind == "nft":
        request.getfixturevalue("needs_nft")
    other = network.neighbour()
    forbid = {
        "iptables": ("iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT; nft delete table ip filter"),
        "nft": (
            "nft add table inet fw && nft 'add chain inet fw forward { type filter hook forward priority 0; policy drop; }'",
            "nft delete table inet fw",
        ),
    }[kind]
    assert mydocker.sh(forbid[0]).rc == 0
    run(mydocker, "web", "-p", "8080:80")
    network.serve("web", 80)
    assert other.ask("tcp", "10.55.0.1", 8080, "hello") == "hello"
    assert ping(mydocker, "web", "10.55.0.2")
    mydocker("rm", "-f", "web")
    assert mydocker("network", "prune", "-f").stdout.split()[-1] == "bridge"
    assert not re.search("mydocker|MYD-", mydocker.rules())
    mydocker.sh(forbid[1])
    mydocker("run", "--rm", "busybox", "true")


def test_networks_are_isolated_from_each_other(mydocker: Machine, network: Network) -> None:
    for name in ("one", "two"):
        mydocker("network", "create", name)
        run(mydocker, f"in-{name}", "--network", name, "-p", f"80{len(name)}{1 if name == 'one' else 2}:80")
    network.serve("in-two", 80)
    other = network.address("in-two", "two")
    asking = partial(network.inside("in-one").ask, "tcp", other, 80, "x")
    assert at_once(partial(ping, mydocker, "in-one", other), asking) == [False, "TimeoutError"]
    # By the host's address a published port answers all the same.
    assert network.inside("in-one").ask("tcp", network.address("in-one", "one", "Gateway"), 8032, "x") == "x"
    mydocker("network", "connect", "two", "in-one")
    assert ping(mydocker, "in-one", "in-two")
    mydocker("network", "disconnect", "two", "in-one")
    assert not ping(mydocker, "in-one", other)
    mydocker("rm", "-f", "in-one", "in-two")
    mydocker("network", "rm", "one", "two")


def test_an_internal_network_reaches_no_gateway(mydocker: Machine, network: Network) -> None:
    network.neighbour()
    mydocker("network", "create", "--internal", "inner")
    run(mydocker, "one", "--network", "inner")
    run(mydocker, "two", "--network", "inner")
    assert ping(mydocker, "one", "two")
    assert mydocker("exec", "one", "ip", "route").stdout.count("default") == 0
    gateway = json.loads(mydocker("network", "inspect", "inner").stdout)[0]["IPAM"]["Config"][0]["Gateway"]
    assert at_once(*(partial(ping, mydocker, "one", target) for target in (gateway, "10.55.0.1", "10.55.0.2"))) == [False] * 3
    inside = network.inside("one")
    inside.run(f"ip route replace default via {network.address('two', 'inner')}")
    assert not ping(mydocker, "one", "10.55.0.2")
    mydocker("rm", "-f", "one", "two")
    mydocker("network", "rm", "inner")


def test_mtu_addresses_and_aliases_as_asked(mydocker: Machine) -> None:
    flags = [
        "--subnet",
        "10.77.0.0/24",
        "--gateway",
        "10.77.0.254",
        "--ip-range",
        "10.77.0.128/25",
        "--opt",
        "mtu=1400",
        "--label",
        "tier=db",
    ]
    assert mydocker("network", "create", *flags, "mine").rc == 0
    run(mydocker, "any", "--network", "mine")
    run(mydocker, "fixed", "--network", "mine", "--ip", "10.77.0.9", "--mac-address", "02:00:00:00:00:99", "--network-alias", "db")
    shown = mydocker("exec", "fixed", "sh", "-c", "ip address show eth0; ip route").stdout
    for words in ("mtu 1400", "10.77.0.9/24", "02:00:00:00:00:99", "default via 10.77.0.254"):
        assert words in shown
    assert mydocker("exec", "any", "hostname", "-i").stdout.split() == ["10.77.0.128"]
    assert ping(mydocker, "any", "db")
    for ip, words in (("10.77.0.9", "in use by container"), ("10.78.0.1", "not for a container"), ("10.77.0.254", "gateway")):
        result = mydocker("run", "--rm", "--network", "mine", "--ip", ip, "busybox", "true")
        assert (result.rc, words in result.stderr) == (125, True)
    assert (
        mydocker("network", "ls", "-q", "--filter", "label=tier=db", "--no-trunc").stdout.strip()
        == json.loads(mydocker("network", "inspect", "mine").stdout)[0]["Id"]
    )
    mydocker("rm", "-f", "any", "fixed")
    mydocker("network", "rm", "mine")


def test_a19_a_full_subnet_says_so_and_a_dead_owner_makes_room(mydocker: Machine) -> None:
    mydocker("network", "create", "--subnet", "10.77.0.0/29", "small")
    for number in range(5):
        run(mydocker, f"in{number}", "--network", "small")
    full = mydocker("run", "--rm", "--network", "small", "busybox", "true")
    assert full.rc == 125
    assert "no free address in subnet 10.77.0.0/29" in full.stderr
    victim = mydocker.record("in3")["id"]
    monitor = mydocker.sh(f"grep -o '\"monitor\": [0-9]*' state/{victim}/state.json | cut -d' ' -f2").stdout.strip()
    mydocker.sh(f"kill -9 {monitor} {mydocker.pid('in3')}")
    assert mydocker("run", "--rm", "--network", "small", "busybox", "hostname", "-i").stdout.split() == ["10.77.0.5"]
    mydocker("rm", "-f", *(f"in{number}" for number in range(5)))
    mydocker("network", "rm", "small")


def test_several_networks_and_the_way_out(mydocker: Machine) -> None:
    mydocker("network", "create", "one")
    mydocker("network", "create", "--internal", "two")
    run(mydocker, "both", "--network", "two", "--network", "one")
    shown = mydocker("exec", "both", "ip", "-4", "-o", "address").stdout
    assert [line.split()[1] for line in shown.splitlines()] == ["lo", "eth0", "eth1"]
    assert "dev eth1" in mydocker("exec", "both", "ip", "route").stdout.splitlines()[0]
    assert mydocker("ps", "--format", "{{.Networks}}").stdout == "two,one\n"
    mydocker("network", "disconnect", "one", "both")
    assert "default" not in mydocker("exec", "both", "ip", "route").stdout
    again = mydocker("network", "disconnect", "one", "both")
    assert (again.rc, "is not on network one" in again.stderr) == (1, True)
    mydocker("network", "connect", "bridge", "both")
    assert "default" in mydocker("exec", "both", "ip", "route").stdout
    mydocker("restart", "-t", "0", "both")
    assert [line.split()[1] for line in mydocker("exec", "both", "ip", "-4", "-o", "address").stdout.splitlines()] == ["lo", "eth0", "eth1"]
    mydocker("rm", "-f", "both")
    mydocker("network", "rm", "one", "two")


def test_containers_share_a_network_namespace(mydocker: Machine, network: Network) -> None:
    run(mydocker, "first", "-p", "8080:80")
    run(mydocker, "second", "--network", "container:first")
    assert mydocker("exec", "second", "hostname", "-i").stdout == mydocker("exec", "first", "hostname", "-i").stdout
    network.serve("second", 80)
    assert network.host.ask("tcp", "127.0.0.1", 8080, "shared") == "shared"
    mydocker("rm", "-f", "first")
    assert "eth0" not in mydocker("exec", "second", "ip", "-4", "-o", "address").stdout
    mydocker("rm", "-f", "second")


def test_names_are_kept_current(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    run(mydocker, "watcher", "--network", "net", "--dns", "127.0.0.1")  # which refuses at once
    run(mydocker, "db", "--network", "net", "--network-alias", "store")
    identity = mydocker.record("db")["id"][:12]
    for name in ("db", "store", identity):
        assert ping(mydocker, "watcher", name), name
    mydocker("rename", "db", "sql")
    assert ping(mydocker, "watcher", "sql")
    assert not ping(mydocker, "watcher", "db")
    mydocker("exec", "watcher", "sh", "-c", "echo 10.1.2.3 mine >> /etc/hosts")
    mydocker("stop", "-t", "0", "sql")
    assert not ping(mydocker, "watcher", "sql")
    mydocker("start", "sql")
    assert ping(mydocker, "watcher", "sql")
    assert "10.1.2.3 mine" in mydocker("exec", "watcher", "cat", "/etc/hosts").stdout
    assert mydocker("diff", "watcher").stdout == ""
    mydocker("rm", "-f", "watcher", "sql")
    mydocker("network", "rm", "net")


def test_resolver_and_hosts_flags(mydocker: Machine) -> None:
    flags = ["--dns", "10.9.9.9", "--dns-search", "example.org", "--dns-option", "ndots:3", "--add-host", "db:10.1.1.1"]
    flags += ["--add-host", "host.docker.internal:host-gateway", "-h", "box", "--domainname", "example.org"]
    text = mydocker("run", "--rm", *flags, "busybox", "sh", "-c", "cat /etc/hosts /etc/resolv.conf /etc/hostname; ip route").stdout
    gateway = text.partition("default via ")[2].split()[0]
    for line in ("nameserver 10.9.9.9", "search example.org", "options ndots:3", "10.1.1.1\tdb", f"{gateway}\thost.docker.internal", "box"):
        assert line in text.splitlines()
    assert "\tbox.example.org box\n" in text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--subnet", "10.77.0.1/24", "n1"], "expected 10.77.0.0/24"),
        (["--subnet", "10.77.0.0/31", "n1"], "too small"),
        (["--subnet", "10.77.0.0/24", "--gateway", "10.78.0.1", "n1"], "invalid gateway"),
        (["--subnet", "10.77.0.0/24", "--ip-range", "10.78.0.0/25", "n1"], "invalid --ip-range"),
        (["--ip-range", "10.77.0.0/25", "n1"], "needs a --subnet"),
        (["--driver", "token-ring", "n1"], "unknown network driver"),
        (["--opt", "colour=blue", "n1"], "unknown option 'colour'"),
        (["--driver", "macvlan", "n1"], "parent="),
        (["--driver", "vxlan", "--opt", "vni=0", "n1"], "invalid vni '0'"),
        (["bridge"], "pre-defined"),
        (["a/b"], "invalid name"),
    ],
)
def test_a_network_that_cannot_be(mydocker: Machine, flags: list[str], words: str) -> None:
    before = mydocker.snapshot()
    result = mydocker("network", "create", *flags)
    assert result.rc == 1
    assert words in result.stderr
    assert not mydocker.left_since(before)


def test_overlapping_subnets_and_routes_are_refused(mydocker: Machine) -> None:
    mydocker("network", "create", "--subnet", "10.77.0.0/24", "first")
    for subnet in ("10.77.0.128/25", "10.0.0.0/8"):
        result = mydocker("network", "create", "--subnet", subnet, "second")
        assert "overlaps 10.77.0.0/24" in result.stderr
    mydocker.sh("ip link add br9 up type bridge; ip address add 10.88.0.1/24 dev br9")
    assert (
        "overlaps 10.88.0.0/24, to which this host has a route"
        in mydocker("network", "create", "--subnet", "10.88.0.0/16", "second").stderr
    )
    mydocker.sh("ip link delete br9")
    mydocker("network", "rm", "first")


def test_the_table_and_the_bridge_come_back_when_somebody_removed_them(mydocker: Machine, network: Network) -> None:
    run(mydocker, "old", "-p", "8080:80")
    mydocker.delete_rules()
    run(mydocker, "new", "-p", "8081:80")
    for name, port in (("old", 8080), ("new", 8081)):
        network.serve(name, 80)
        assert network.host.ask("tcp", "127.0.0.1", port, name) == name
    mydocker("rm", "-f", "old", "new")
    mydocker.sh("ip link delete $(ip -o link show type bridge | cut -d: -f2)")
    assert mydocker("run", "--rm", "busybox", "ping", "-c", "1", "-W", "1", "172.17.0.1").rc == 0


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_macvlan_and_ipvlan_are_on_the_wire(mydocker: Machine, network: Network, driver: str) -> None:
    other = network.neighbour()
    if mydocker.sh(f"ip link add probe link wire type {driver} && ip link delete probe").rc:
        pytest.skip(f"this kernel has no {driver}")
    flags = [
        "--driver",
        driver,
        "--opt",
        "parent=wire",
        "--subnet",
        "10.55.0.0/24",
        "--gateway",
        "10.55.0.2",
        "--ip-range",
        "10.55.0.64/28",
    ]
    assert mydocker("network", "create", *flags, "lan").rc == 0
    run(mydocker, "box", "--network", "lan")
    assert ping(mydocker, "box", "10.55.0.2")
    network.serve("box", 80)
    assert other.ask("tcp", network.address("box", "lan"), 80, "PEER") == "10.55.0.2"
    refused = mydocker("run", "--rm", "--network", "lan", "-p", "80:80", "busybox", "true")
    assert (refused.rc, "cannot be published" in refused.stderr) == (125, True)
    # What is left in its namespace keeps that, and with it the MAC address, for a while after the end.
    mydocker.sh(f"kill -9 {network.started[-1]}")
    left = network.start(f"nsenter --net=/proc/{mydocker.pid('box')}/ns/net sleep 1")
    mydocker.wait_until(lambda: tasks.name(left) == "sleep")
    restarted = mydocker("restart", "-t", "0", "box")
    assert (restarted.rc, restarted.stderr) == (0, "")
    assert ping(mydocker, "box", "10.55.0.2")
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "lan")


def test_explain_tells_the_commands(mydocker: Machine) -> None:
    text = mydocker("--explain", "run", "--rm", "-p", "8080:80", "busybox", "true").stderr
    for words in ("claim the address", "ip link add md", "ip address add", "ip route replace default", "nft add element"):
        assert words in text
    told = mydocker("network", "create", "--dry-run", "--subnet", "10.77.0.0/24", "net").stdout
    for words in ("write the record of network net", "ip link add mb", "ip address add 10.77.0.1/24", "nft add"):
        assert words in told
    assert "net\n" not in mydocker("network", "ls", "--format", "{{.Name}}").stdout


def test_connect_and_disconnect_tell_what_they_do(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    run(mydocker, "box", "-p", "8080:80")
    before = mydocker.snapshot()
    told = mydocker("network", "connect", "--dry-run", "net", "box").stdout
    assert not mydocker.left_since(before)
    done = mydocker("--explain", "network", "connect", "net", "box").stderr
    for words in ("claim the address 172.", "ip link add md", "into /etc/hosts"):
        assert words in told
        assert words in done
    before = mydocker.snapshot()
    told = mydocker("network", "disconnect", "--dry-run", "bridge", "box").stdout
    assert not mydocker.left_since(before)
    done = mydocker("--explain", "network", "disconnect", "bridge", "box").stderr
    for words in ("nft delete", "ip link delete md", "release the address", "ip route replace default", "nft add element"):
        assert words in told
        assert words in done
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "net")


@pytest.mark.parametrize("verb", ["connect", "disconnect"])
def test_a_container_that_ends_meanwhile(mydocker: Machine, verb: str) -> None:
    """connect says so and has changed nothing; disconnect has done what is left to do."""
    mydocker("network", "create", "net")
    run(mydocker, "box", "-p", "8080:80")
    paths = Paths(f"{mydocker.directory}/root", f"{mydocker.directory}/state")
    record, pid = mydocker.record("box"), mydocker.pid("box")

    def end(who: str, step: Step, seconds: float) -> None:
        with suppress(ProcessLookupError):  # this is called after each step
            os.kill(pid, signal.SIGKILL)
        mydocker.wait_until(lambda: tasks.is_ending(pid) and not os.path.exists(f"/proc/{pid}/ns/net"))

    try:
        if verb == "connect":
            wanted: Any = {"aliases": [], "ip": "", "ip6": "", "mac": ""}
            with pytest.raises(Conflict, match=r"^container box ended meanwhile$"):
                connecting.connect(paths, records.load(paths, "net"), record["id"], wanted, Run("cli", end))
        else:
            connecting.disconnect(paths, records.load(paths, "bridge"), record["id"], Run("cli", end))
    finally:
        mydocker.wait_until(lambda: "Exited (137)" in mydocker("ps", "-a").stdout)
        networks = sorted(mydocker.record("box")["endpoints"])
        mydocker("rm", "-f", "box")
        mydocker("network", "rm", "net")
    assert networks == (["bridge"] if verb == "connect" else [])


VERBS = {
    "create": ("network", "create", "--subnet", "10.77.0.0/24", "--ipv6", "net"),
    "connect": ("network", "connect", "net", "box"),
    "disconnect": ("network", "disconnect", "bridge", "box"),
    "rm": ("network", "rm", "net"),
}


@pytest.mark.parametrize("verb", ["create", "disconnect", "rm"])
def test_a_verb_that_dies_half_way_can_be_done_again_or_undone(mydocker: Machine, network: Network, verb: str) -> None:
    before = mydocker.snapshot()
    for number in range(1, 40):
        if verb != "create":
            mydocker(*VERBS["create"])
        if verb == "disconnect":
            run(mydocker, "box", "-p", "8080:80")
            network.serve("box", 80)
            mydocker(*VERBS["connect"])
        result = mydocker(*VERBS[verb], env={"MYDOCKER_CRASH_AFTER": f"cli:{number}"})
        mydocker(*VERBS[verb])  # again: that it is done already may be an error
        if verb == "disconnect":
            assert network.host.ask("tcp", "127.0.0.1", 8080, "hello") == "hello", number
            assert mydocker("ps", "--format", "{{.Networks}}").stdout == "net\n", number
            network.close()
            mydocker("rm", "-f", "box")
        mydocker("network", "rm", "-f", "net")
        assert mydocker("system", "check", "--repair").rc == 0
        assert not mydocker.left_since(before), (number, result.stderr)
        if result.rc == 0:
            break
    assert number > {"create": 5, "disconnect": 8, "rm": 3}[verb]


def test_a_connect_that_dies_half_way_is_undone_by_disconnect(mydocker: Machine, network: Network) -> None:
    mydocker(*VERBS["create"])
    run(mydocker, "box", "-p", "8080:80")
    network.serve("box", 80)
    for words in (VERBS["connect"], ("network", "disconnect", "net", "box")):
        assert mydocker(*words).rc == 0  # the first one makes the directory of the network's claims
    before = mydocker.snapshot()
    for number in range(1, 40):
        result = mydocker(*VERBS["connect"], env={"MYDOCKER_CRASH_AFTER": f"cli:{number}"})
        mydocker(*VERBS["connect"])  # again: that it is done already may be an error
        assert network.host.ask("tcp", "127.0.0.1", 8080, "hello") == "hello", number
        assert mydocker("ps", "--format", "{{.Networks}}").stdout == "bridge,net\n", number
        assert mydocker("network", "disconnect", "net", "box").rc == 0, number
        assert mydocker("system", "check").stdout == "", number
        assert mydocker.left_since(before) == [], (number, result.stderr)
        if result.rc == 0:
            break
    assert number > 4
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "-f", "net")


def test_many_at_once_get_different_addresses_and_ports_and_know_each_other(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    identity = mydocker("network", "inspect", "-f", "{{.Id}}", "net").stdout[:12]
    one = f"{mydocker.prefixed} run -d --name many$n --network {identity} -p 80 -p 53/udp busybox sleep 300"
    assert mydocker.sh(f"seq 24 | xargs -P 6 -n 1 sh -c 'n=$1; {one}' one | wc -l").stdout == "24\n"
    names = [f"many{number}" for number in range(1, 25)]
    addresses = mydocker("inspect", "-f", "{{.NetworkSettings.Networks.net.IPAddress}}", *names).stdout.split()
    assert len(set(addresses)) == 24
    ports = [line for name in names for line in mydocker("port", name).stdout.splitlines()]
    assert len(ports) == len({line.split(" -> ")[0].partition("/")[2] + line.rpartition(":")[2] for line in ports}) == 48
    for name in ("many1", "many24"):
        known = mydocker("exec", name, "cat", "/etc/hosts").stdout
        assert all(f"\t{other} " in known for other in names)
    removed = mydocker.sh(f"echo {' '.join(names)} | xargs -P 6 -n 4 {mydocker.prefixed} rm -f")
    assert sorted(removed.stdout.split()) == sorted(names), removed
    assert mydocker("system", "check").stdout == ""
    mydocker("network", "rm", "net")


def test_ports_need_a_network_that_has_a_way_in(mydocker: Machine) -> None:
    mydocker("network", "create", "--internal", "inner")
    refused = mydocker("run", "--rm", "--network", "inner", "-p", "80:80", "busybox", "true")
    assert (refused.rc, refused.stderr) == (125, "mydocker: ports cannot be published on network inner: it is internal\n")
    run(mydocker, "both", "--network", "inner", "--network", "bridge", "-p", "8080:80")
    assert mydocker("port", "both").stdout == "80/tcp -> 0.0.0.0:8080\n"
    mydocker("rm", "-f", "both")
    mydocker("network", "rm", "inner")


def test_events_of_networks(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    mydocker("run", "--rm", "--name", "box", "--network", "net", "busybox", "true")
    mydocker("network", "rm", "net")
    form = '{{.Action}} {{index .Actor.Attributes "name"}}'
    told = mydocker("events", "--since", "1m", "--until", "0s", "--filter", "type=network", "--filter", "network=net", "--format", form)
    assert told.stdout.splitlines()[-4:] == ["create net", "connect net", "disconnect net", "destroy net"]


def test_a_container_leaves_a_network_that_is_gone(mydocker: Machine) -> None:
    """docker's disconnect -f. Without it the container could never start again."""
    mydocker("network", "create", "net")
    mydocker("create", "--name", "box", "--network", "net", "busybox", "true")
    assert mydocker("network", "rm", "net").rc == 0
    assert mydocker("start", "box").rc == 1
    assert mydocker("network", "disconnect", "net", "box").rc == 1
    assert mydocker("network", "disconnect", "-f", "net", "box").rc == 0
    again = mydocker("network", "disconnect", "-f", "net", "box")
    assert (again.rc, again.stderr) == (1, "mydocker: container box is not on network net\n")
    assert mydocker("start", "box").rc == 0
    mydocker("wait", "box")
    mydocker("rm", "box")


def test_reserved_addresses_go_to_no_container(mydocker: Machine) -> None:
    made = mydocker("network", "create", "--subnet", "10.77.0.0/24", "--aux-address", "router=10.77.0.2", "--attachable", "net")
    assert made.rc == 0, made.stderr
    assert " 10.77.0.3/24 " in mydocker("run", "--rm", "--network", "net", "busybox", "ip", "-o", "addr", "show", "eth0").stdout
    refused = mydocker("run", "--rm", "--network", "net", "--ip", "10.77.0.2", "busybox", "true")
    assert refused.rc == 125 and "is reserved for router" in refused.stderr
    form = "{{range .IPAM.Config}}{{.AuxiliaryAddresses.router}}{{end}} {{.Attachable}}"
    assert mydocker("network", "inspect", "-f", form, "net").stdout == "10.77.0.2 true\n"
    mydocker("network", "rm", "net")
    assert mydocker("network", "create", "--subnet", "10.77.0.0/24", "--aux-address", "a=10.78.0.1", "net").rc == 1


def test_a_network_without_ipv4(mydocker: Machine) -> None:
    assert mydocker("network", "create", "--ipv4=false", "net").rc == 1
    made = mydocker("network", "create", "--ipv4=false", "--ipv6", "--subnet", "fd00:77::/64", "net")
    assert made.rc == 0, made.stderr
    shown = mydocker("run", "--rm", "--network", "net", "busybox", "ip", "-o", "addr", "show", "eth0").stdout
    assert "inet6 fd00:77::2/64" in shown and "inet " not in shown
    assert mydocker("network", "ls", "--filter", "name=net", "--format", "{{.IPv4}} {{.IPv6}}").stdout == "false true\n"
    mydocker("network", "rm", "net")


def test_the_network_with_the_highest_priority_is_the_way_out(mydocker: Machine) -> None:
    """For each family by itself: at the start, when one more comes, and when it goes. An interface can have a name of its own."""
    for name, more in (("first", ()), ("second", ()), ("six", ("--ipv4=false", "--ipv6"))):
        assert mydocker("network", "create", *more, name).rc == 0
    ifname = "com.docker.network.endpoint.ifname"
    networks = ("--network", "first", "--network", f"name=six,gw-priority=5,driver-opt={ifname}=six0")
    assert mydocker("run", "-d", "--name", "box", *networks, "busybox", "sleep", "1000").rc == 0

    def ways() -> list[str]:
        shown = mydocker("exec", "box", "sh", "-c", "ip route | grep default; ip -6 route | grep default").stdout
        return [line.split()[4] for line in shown.splitlines()]

    assert ways() == ["eth0", "six0"]
    connected = mydocker("network", "connect", "--gw-priority", "1", "--driver-opt", f"{ifname}=up0", "second", "box")
    assert connected.rc == 0, connected.stderr
    assert ways() == ["up0", "six0"]
    form = "{{.NetworkSettings.Networks.second.GwPriority}} {{.NetworkSettings.Networks.second.DriverOpts}}"
    assert mydocker("inspect", "-f", form, "box").stdout == f"1 map[{ifname}:up0]\n"
    mydocker("restart", "-t", "0", "box")
    assert ways() == ["up0", "six0"]
    mydocker("network", "disconnect", "second", "box")
    assert ways() == ["eth0", "six0"]
    assert mydocker("network", "connect", "--driver-opt", f"{ifname}=six0", "second", "box").rc == 1
    mydocker("network", "disconnect", "second", "box")
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "first", "second", "six")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--driver-opt", "com.docker.network.x=y"), "unknown option 'com.docker.network.x=y'"),
        (("--driver-opt", "x"), "invalid option 'x' of an endpoint"),
        (("--link-local-ip", "10.0.0.1"), "invalid link-local address '10.0.0.1'"),
        (("--driver-opt", "com.docker.network.endpoint.ifname=a/b"), "invalid interface name 'a/b'"),
        (("--gw-priority", "high"), "invalid gw-priority 'high'"),
    ],
)
def test_what_an_endpoint_cannot_be_asked(mydocker: Machine, words: tuple[str, ...], message: str) -> None:
    refused = mydocker("network", "connect", *words, "bridge", "nosuch")
    assert refused.rc == 1 and message in refused.stderr


def test_link_local_addresses(mydocker: Machine) -> None:
    """More addresses of an interface: of IPv4 on every network that gives out addresses, of IPv6 where there is IPv6."""
    assert mydocker("network", "create", "four").rc == 0
    assert mydocker("network", "create", "--ipv6", "both").rc == 0
    flags = ("--network", "four", "--link-local-ip", "169.254.8.8")
    assert mydocker("run", "-d", "--name", "box", *flags, "busybox", "sleep", "1000").rc == 0
    connected = mydocker("network", "connect", "--link-local-ip", "169.254.8.9", "--link-local-ip", "fe80::88", "both", "box")
    assert connected.rc == 0, connected.stderr
    for _ in range(2):
        shown = mydocker("exec", "box", "ip", "-o", "addr").stdout
        assert all(address in shown for address in ("169.254.8.8/16", "169.254.8.9/16", "fe80::88/64")), shown
        mydocker("restart", "-t", "0", "box")
    form = "{{.NetworkSettings.Networks.both.IPAMConfig.LinkLocalIPs}}"
    assert mydocker("inspect", "-f", form, "box").stdout == "[169.254.8.9 fe80::88]\n"
    mydocker("network", "disconnect", "four", "box")
    refused = mydocker("network", "connect", "--link-local-ip", "fe80::8", "four", "box")
    assert refused.rc == 1 and "network four has no IPv6" in refused.stderr
    assert mydocker("inspect", "-f", "{{len .NetworkSettings.Networks}}", "box").stdout == "1\n"
    mydocker("rm", "-f", "box")
    mydocker("network", "rm", "four", "both")


def test_a_network_s_name_may_have_blanks(mydocker: Machine) -> None:
    """As docker's. Its containers find each other by name, and an address is found by a name with a blank in it (RFC 1035, 5.1)."""
    assert mydocker("network", "create", "--subnet", "10.81.0.0/24", "my net 1").rc == 0
    assert mydocker("run", "-d", "--name", "web", "--network", "my net 1", "--ip", "10.81.0.9", "busybox", "sleep", "1000").rc == 0
    asked = mydocker("run", "--rm", "--network", "my net 1", "busybox", "sh", "-c", "nslookup web; nslookup 10.81.0.9")
    assert "Address: 10.81.0.9" in asked.stdout and "name = web.my net 1" in asked.stdout.replace("\\032", " "), asked
    assert mydocker("network", "ls", "-q", "--filter", "name=my net").stdout == mydocker("network", "ls", "-q", "--filter", "name=1").stdout
    assert mydocker("network", "disconnect", "my net 1", "web").rc == 0
    assert mydocker("network", "connect", "my net 1", "web").rc == 0
    mydocker("rm", "-f", "web")
    assert mydocker("system", "check").rc == 0
    assert mydocker("network", "rm", "my net 1").rc == 0


@pytest.mark.parametrize("name", [" ab", "ab ", "ab  cd", "ab\tcd", "ab\ncd", "", " ", "a", ".ab c", "ab /x"])
def test_names_that_no_network_has(mydocker: Machine, name: str) -> None:
    refused = mydocker("network", "create", name)
    assert refused.rc == 1 and len(refused.stderr.splitlines()) == 1 and "invalid name" in refused.stderr
