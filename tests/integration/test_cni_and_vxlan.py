"""Networks that others make, or that span hosts: CNI chains and vxlan."""

import json
from collections.abc import Iterator

import pytest
from conftest import Machine
from wires import Network

PLUGINS = "/usr/lib/cni"


@pytest.fixture
def chain(mydocker: Machine) -> Iterator[str]:
    """A chain of Debian's plugins; returns its path."""
    if mydocker.sh(f"test -x {PLUGINS}/bridge").rc:
        pytest.skip("containernetworking-plugins is not installed")
    plugins = [
        {
            "type": "bridge",
            "bridge": "cnibr0",
            "isGateway": True,
            "ipMasq": True,
            "ipam": {
                "type": "host-local",
                "dataDir": f"{mydocker.directory}/cni",
                "ranges": [[{"subnet": "10.66.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    path = f"{mydocker.directory}/test.conflist"
    mydocker.sh(f"printf %s {mydocker.quote(json.dumps({'cniVersion': '0.4.0', 'name': 'test', 'plugins': plugins}))} > {path}")
    before = mydocker.sh("iptables-save > rules-before; cat /proc/sys/net/ipv4/ip_forward").stdout
    yield path
    # What the plugins themselves leave behind, and would on any engine.
    by_nft = "for table in nat filter raw; do nft delete table ip $table; nft delete table ip6 $table; done 2>/dev/null"
    mydocker.sh(f"ip link delete cnibr0; if nft --version; then {by_nft}; else iptables-restore rules-before; fi")
    mydocker.sh(f"printf %s {before.split()[0]} > /proc/sys/net/ipv4/ip_forward")


def test_a_cni_chain_connects_a_container_and_publishes_its_ports(mydocker: Machine, network: Network, chain: str) -> None:
    assert mydocker("network", "create", "--driver", "cni", "--opt", f"conf={chain}", "cni").rc == 0
    run = mydocker("run", "-d", "--name", "web", "--network", "cni", "-p", "8080:80", "busybox", "sleep", "300")
    assert run.rc == 0, run.stderr
    address = network.address("web", "cni")
    assert address.startswith("10.66.0.")
    network.serve("web", 80)
    assert network.host.ask("tcp", "127.0.0.1", 8080, "cni") == "cni"
    assert mydocker("run", "--rm", "--network", "cni", "busybox", "ping", "-c", "1", "-W", "1", "web").rc == 0
    assert mydocker("port", "web").stdout == "80/tcp -> 0.0.0.0:8080\n"
    claims = mydocker.sh("ls cni/test | grep -c ^10.66").stdout
    mydocker("restart", "-t", "0", "web")
    assert mydocker.sh("ls cni/test | grep -c ^10.66").stdout == claims
    mydocker("rm", "-f", "web")
    assert mydocker.sh("ls cni/test | grep -c ^10.66").stdout == "0\n"
    mydocker("network", "rm", "cni")


def test_a_plugin_that_fails_is_told_in_its_own_words_and_undone(mydocker: Machine, chain: str) -> None:
    text = json.loads(mydocker.sh(f"cat {chain}").stdout)
    text["plugins"][1] = {"type": "tuning", "sysctl": {"net.no.such": "1"}}
    mydocker.sh(f"printf %s {mydocker.quote(json.dumps(text))} > {chain}")
    mydocker("network", "create", "--driver", "cni", "--opt", f"conf={chain}", "cni")
    result = mydocker("run", "--rm", "--network", "cni", "busybox", "true")
    assert result.rc == 125
    assert "CNI plugin tuning ADD" in result.stderr
    assert mydocker.sh("ls cni/test | grep -c ^10.66").stdout == "0\n"
    for options, words in ((["conf=/no/such"], "no such CNI configuration"), ([f"conf={chain}", "path=/tmp"], "no such CNI plugin")):
        refused = mydocker("network", "create", "--driver", "cni", *[w for o in options for w in ("--opt", o)], "other")
        assert (refused.rc, words in refused.stderr) == (1, True)
    mydocker("network", "rm", "cni")


def test_two_hosts_share_a_subnet_by_vxlan(mydocker: Machine, network: Network) -> None:
    """This host and another one, with a root of its own, on a wire; both have containers in 10.50.0.0/16."""
    other = network.neighbour()
    roots = f"MYDOCKER_ROOT={mydocker.directory}/root2 MYDOCKER_STATE={mydocker.directory}/state2"
    there = f"nsenter --net=/proc/{other.pid}/ns/net env {roots} {mydocker.command}"
    assert mydocker.sh(f"{mydocker.prefixed} export $({mydocker.prefixed} create --name tar busybox) | {there} import - busybox").rc == 0
    mydocker("rm", "tar")
    shared = "--driver vxlan --subnet 10.50.0.0/16 --opt vni=42"
    assert mydocker.sh(f"{mydocker.prefixed} network create {shared} --ip-range 10.50.1.0/24 --opt peers=10.55.0.2 wide").rc == 0
    assert mydocker.sh(f"{there} network create {shared} --ip-range 10.50.2.0/24 --opt peers=10.55.0.1 wide").rc == 0
    assert mydocker("run", "-d", "--name", "here", "--network", "wide", "-p", "8080:80", "busybox", "sleep", "300").rc == 0
    assert mydocker.sh(f"{there} run -d --name there --network wide busybox sleep 300").rc == 0
    address = network.address("here", "wide")
    far = mydocker.sh(f"{there} inspect -f '{{{{.NetworkSettings.Networks.wide.IPAddress}}}}' there").stdout.strip()
    assert (address, far) == ("10.50.1.1", "10.50.2.1")
    assert mydocker("exec", "here", "ping", "-c", "1", "-W", "2", far).rc == 0
    assert mydocker.sh(f"{there} exec there ping -c 1 -W 2 {address}").rc == 0
    assert "mtu 1450" in mydocker("exec", "here", "ip", "link", "show", "eth0").stdout
    network.serve("here", 80)
    pid = mydocker.sh(f"{there} inspect -f '{{{{.State.Pid}}}}' there").stdout.strip()
    assert mydocker.sh(f"nsenter --net=/proc/{pid}/ns/net python3 traffic.py ask tcp {address} 80 PEER").stdout.strip() == far
    assert mydocker.sh(f"nsenter --net=/proc/{pid}/ns/net python3 traffic.py take {address} 80 1000000").stdout.startswith("1000000 ")
    mydocker.sh(f"{there} rm -f there; {there} network rm wide; {there} network prune -f")
    mydocker("rm", "-f", "here")
    assert mydocker("network", "rm", "wide").rc == 0
