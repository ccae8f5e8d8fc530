"""The resolver at 127.0.0.11: what a container on a network of a user's can look up, and whom else it asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Machine
from wires import Network

SERVER = Path(__file__).with_name("nameserver.py").read_text()
SLEEP = ("busybox", "sleep", "600")


@pytest.fixture
def net(mydocker: Machine) -> Iterator[Network]:
    network = Network(mydocker)
    mydocker.sh(f"cat > nameserver.py <<'END'\n{SERVER}END")
    mydocker("network", "create", "--subnet", "10.80.0.0/24", "net1")
    yield network
    network.close()
    mydocker("rm", "-f", *mydocker("ps", "-aq").stdout.split())
    mydocker("network", "rm", *mydocker("network", "ls", "-q", "--filter", "type=custom").stdout.split())


def run(mydocker: Machine, name: str, *flags: str) -> None:
    assert mydocker("run", "-d", "--name", name, *flags, *SLEEP).rc == 0


def found(mydocker: Machine, container: str, name: str) -> list[str]:
    """Return the addresses that nslookup finds, in their order."""
    text = mydocker("exec", container, "nslookup", name).stdout
    return [line.split()[1] for line in text.split("\n\n", 1)[1].splitlines() if line.startswith("Address:")]


def test_containers_find_each_other_by_every_name(mydocker: Machine, net: Network) -> None:
    run(mydocker, "asking", "--network", "net1", "--ip", "10.80.0.10")
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11", "--network-alias", "www", "--network-alias", "all")
    run(mydocker, "db", "--network", "net1", "--ip", "10.80.0.12", "--network-alias", "all")
    run(mydocker, "elsewhere")
    short = mydocker.record("web")["id"][:12]
    for name in ("web", "WEB", "www", "web.net1", short):
        assert found(mydocker, "asking", name) == ["10.80.0.11"], name
    assert found(mydocker, "asking", "asking") == ["10.80.0.10"]
    orders = {tuple(found(mydocker, "asking", "all")) for _ in range(20)}
    assert orders == {("10.80.0.11", "10.80.0.12"), ("10.80.0.12", "10.80.0.11")}
    assert "name = db.net1" in mydocker("exec", "asking", "nslookup", "10.80.0.12").stdout
    # What comes later, and what goes, is known at once.
    run(mydocker, "late", "--network", "net1", "--ip", "10.80.0.13")
    assert found(mydocker, "asking", "late") == ["10.80.0.13"]
    mydocker("rename", "late", "later")
    assert found(mydocker, "asking", "later") == ["10.80.0.13"]
    mydocker("rm", "-f", "db")
    assert found(mydocker, "asking", "all") == ["10.80.0.11"]
    assert "127.0.0.11" not in mydocker("exec", "elsewhere", "cat", "/etc/resolv.conf").stdout


def test_the_c_library_finds_them(mydocker: Machine, net: Network) -> None:
    """getaddrinfo of this machine's library asks for A and AAAA at once, and then has an address of the first without waiting."""
    libraries = mydocker.sh("ldd $(command -v getent) | grep -o '/[^ ]*' | sort -u; command -v getent").stdout.split()
    mounted = [word for path in libraries for word in ("-v", f"{mydocker.sh(f'readlink -f {path}').stdout.strip()}:{path}:ro")]
    plugin = mydocker.sh("ls -d /usr/lib/*/libnss_dns.so.2 | head -n 1").stdout.strip()
    mounted += ["-v", f"{plugin}:{plugin}:ro"] if plugin else []
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11")
    run(mydocker, "asking", "--network", "net1", *mounted)
    script = "echo 'hosts: dns' > /etc/nsswitch.conf; time -p getent ahosts web"
    answer = mydocker("exec", "asking", "sh", "-c", script)
    assert answer.stdout.split()[0] == "10.80.0.11", answer
    assert float(answer.stderr.split()[1]) < 4  # a question without an answer takes 5 seconds


@pytest.fixture
def resolve(mydocker: Machine) -> str:
    """The path of a static program that resolves a name with musl, the C library of Alpine's images."""
    if not mydocker.host.exists("musl-gcc"):
        pytest.skip("musl-gcc is not installed")
    made = mydocker.sh(f"musl-gcc -static -o resolve {Path(__file__).with_name('resolve.c')}")
    assert made.rc == 0, made.stderr
    return f"{mydocker.directory}/resolve"


def test_musl_finds_them(mydocker: Machine, net: Network, resolve: str) -> None:
    """getaddrinfo of musl asks for A and AAAA at once, and gives up a name for which one of the answers is that it does not exist.

    It reads /etc/hosts first, where the names are too, so that is emptied: what is left is the resolver.
    """
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.4", "--network-alias", "www", "--network-alias", "all")
    run(mydocker, "db", "--network", "net1", "--ip", "10.80.0.5", "--network-alias", "all")
    run(mydocker, "asking", "--network", "net1", "--ip", "10.80.0.20", "-v", f"{resolve}:/resolve:ro")
    mydocker("exec", "asking", "sh", "-c", "echo > /etc/hosts")
    for words in (["web"], ["WEB"], ["www"], ["web.net1"], ["web", "4"]):
        answer = mydocker("exec", "asking", "/resolve", *words)
        assert (answer.rc, answer.stdout) == (0, "10.80.0.4\n"), words
    # There is no AAAA: that is said at once, and is no failure of the resolver (EAI_AGAIN).
    answer = mydocker("exec", "asking", "sh", "-c", "time -p /resolve web 6")
    assert answer.rc == 1 and "Try again" not in answer.stdout and float(answer.stderr.split()[-5]) < 4, answer
    # musl sorts by how much of an address is as its own: of these two as much.
    orders = {mydocker("exec", "asking", "/resolve", "all").stdout for _ in range(20)}
    assert orders == {"10.80.0.4\n10.80.0.5\n", "10.80.0.5\n10.80.0.4\n"}


def test_musl_goes_through_the_search_domains(mydocker: Machine, net: Network, resolve: str) -> None:
    """With ndots:1, as without a resolver of ours. A domain that knows nothing of a name is not the end of the search."""
    run(mydocker, "ns", "--network", "net1", "--ip", "10.80.0.53")
    serve(mydocker, net, "ns")
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.4")
    flags = ("--dns", "10.80.0.53", "--dns-search", "net1", "--dns-search", "test", "--dns-opt", "ndots:1")
    run(mydocker, "asking", "--network", "net1", *flags, "-v", f"{resolve}:/resolve:ro")
    mydocker("exec", "asking", "sh", "-c", "echo > /etc/hosts")
    assert mydocker("exec", "asking", "/resolve", "web").stdout == "10.80.0.4\n"
    assert mydocker("exec", "asking", "/resolve", "there").stdout == "192.0.2.7\n"
    asked = set(mydocker.sh("cat started.log").stdout.split())
    assert {"udp:there.net1", "udp:there.test"} <= asked and "udp:web.net1" not in asked


def serve(mydocker: Machine, net: Network, container: str) -> None:
    """Have a name server listen inside a container's network, at port 53 of all its addresses."""
    net.start(f"nsenter --net=/proc/{mydocker.pid(container)}/ns/net python3 nameserver.py")
    mydocker.wait_until(lambda: "ready" in mydocker.sh("cat started.log").stdout)


def test_what_is_not_known_is_asked_of_others(mydocker: Machine, net: Network) -> None:
    """The name server is a container on the same network, which has a resolver itself: each has its own port 53."""
    run(mydocker, "ns", "--network", "net1", "--ip", "10.80.0.53")
    serve(mydocker, net, "ns")
    run(mydocker, "asking", "--network", "net1", "--dns", "10.80.0.53")
    assert found(mydocker, "asking", "there.test") == ["192.0.2.7"]
    assert found(mydocker, "asking", "ns") == ["10.80.0.53"]
    inside = net.inside("asking")
    long = inside.run("python3 nameserver.py ask 127.0.0.11 long.test").stdout
    assert long.split() == ["truncated", "60"]
    asked = set(mydocker.sh("cat started.log").stdout.split())
    assert {"udp:there.test", "udp:long.test", "tcp:long.test"} <= asked
    assert not any(":ns" in each for each in asked)


def test_an_internal_network_has_nobody_asked(mydocker: Machine, net: Network) -> None:
    mydocker("network", "create", "--internal", "--subnet", "10.81.0.0/24", "inner")
    run(mydocker, "ns", "--network", "inner", "--ip", "10.81.0.53")
    serve(mydocker, net, "ns")
    run(mydocker, "asking", "--network", "inner", "--dns", "10.81.0.53")
    assert found(mydocker, "asking", "ns") == ["10.81.0.53"]
    assert "SERVFAIL" in mydocker("exec", "asking", "nslookup", "secret.test").stdout
    assert mydocker.sh("cat started.log").stdout == "ready\n"
    # With a way out, it is asked.
    mydocker("network", "connect", "net1", "asking")
    assert found(mydocker, "asking", "there.test") == ["192.0.2.7"]


@pytest.mark.kernel
def test_who_is_connected_later_has_a_resolver_too(mydocker: Machine, net: Network) -> None:
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11")
    run(mydocker, "asking")
    mydocker("network", "connect", "net1", "asking")
    assert found(mydocker, "asking", "web") == ["10.80.0.11"]
    mydocker("network", "disconnect", "net1", "asking")
    mydocker("network", "connect", "net1", "asking")
    assert found(mydocker, "asking", "web") == ["10.80.0.11"]


def test_who_has_no_monitor_is_connected_all_the_same(mydocker: Machine, net: Network) -> None:
    """Nobody can answer for it then, so its resolv.conf stays: /etc/hosts has the names."""
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11")
    run(mydocker, "asking")
    before = mydocker("exec", "asking", "cat", "/etc/resolv.conf").stdout
    mydocker.sh(f"kill -9 {monitor(mydocker, 'asking')}")
    connected = mydocker("network", "connect", "net1", "asking")
    assert (connected.rc, connected.stderr) == (0, "")
    assert mydocker("exec", "asking", "cat", "/etc/resolv.conf").stdout == before
    assert mydocker("exec", "asking", "ping", "-c", "1", "web").rc == 0


def monitor(mydocker: Machine, container: str) -> int:
    return int(json.loads(mydocker.sh(f"cat state/{mydocker.record(container)['id']}/state.json").stdout)["monitor"])


def test_the_resolver_survives_and_the_names_survive_the_monitor(mydocker: Machine, net: Network) -> None:
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11")
    run(mydocker, "asking", "--network", "net1")
    answering = f"pgrep -P {monitor(mydocker, 'asking')} -x mydocker-names"
    assert mydocker.sh(answering).stdout == ""  # an idle container has no such process
    assert found(mydocker, "asking", "web") == ["10.80.0.11"]
    first = mydocker.sh(answering).stdout
    mydocker.sh(f"kill -9 {first}")
    mydocker.wait_until(lambda: found(mydocker, "asking", "web") == ["10.80.0.11"])
    assert mydocker.sh(answering).stdout not in ("", first)
    mydocker.sh(f"kill -9 {monitor(mydocker, 'asking')}")
    mydocker.wait_until(lambda: mydocker.sh(f"pgrep -x mydocker-names | grep -x {first.strip()}").stdout == "")
    assert mydocker("exec", "asking", "ping", "-c", "1", "web").rc == 0


def test_garbage_is_survived(mydocker: Machine, net: Network) -> None:
    run(mydocker, "web", "--network", "net1", "--ip", "10.80.0.11")
    run(mydocker, "asking", "--network", "net1")
    assert net.inside("asking").run("python3 nameserver.py garbage 127.0.0.11").rc == 0
    assert found(mydocker, "asking", "web") == ["10.80.0.11"]
    assert mydocker.sh("ls state/errors").stdout == ""


def test_the_steps_tell_it(mydocker: Machine, net: Network) -> None:
    told = mydocker("run", "--rm", "--network", "net1", "--explain=text", "busybox", "true").stderr
    assert "listen at 127.0.0.11 port 53 in the container's network namespace" in told


def test_a_link_on_the_default_network_is_a_name_and_variables(mydocker: Machine) -> None:
    """The other one must run; it keeps the name with another address and after a rename, until the link is removed."""
    mydocker("run", "-d", "--name", "db", "-e", "KEY=a b", "--expose", "80", "--expose", "81/udp", "busybox", "sleep", "1000")
    made = mydocker("run", "-d", "--name", "web", "--link", "db:my-data", "busybox", "sleep", "1000")
    assert made.rc == 0, made.stderr
    address = mydocker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "db").stdout.strip()
    assert mydocker("exec", "web", "grep", "my-data", "/etc/hosts").stdout.split()[::3] == [address, "db"]
    variables = mydocker("exec", "web", "sh", "-c", "tr '\\0' '\\n' < /proc/1/environ").stdout.splitlines()
    assert [line for line in variables if line.startswith("MY_DATA_")] == [
        f"MY_DATA_PORT=tcp://{address}:80",
        f"MY_DATA_PORT_80_TCP=tcp://{address}:80",
        f"MY_DATA_PORT_80_TCP_ADDR={address}",
        "MY_DATA_PORT_80_TCP_PORT=80",
        "MY_DATA_PORT_80_TCP_PROTO=tcp",
        f"MY_DATA_PORT_81_UDP=udp://{address}:81",
        f"MY_DATA_PORT_81_UDP_ADDR={address}",
        "MY_DATA_PORT_81_UDP_PORT=81",
        "MY_DATA_PORT_81_UDP_PROTO=udp",
        "MY_DATA_NAME=/web/my-data",
        "MY_DATA_ENV_KEY=a b",
    ]
    mydocker("rename", "db", "store")
    mydocker("restart", "-t", "0", "store")
    assert mydocker("exec", "web", "ping", "-c", "1", "my-data").rc == 0
    assert mydocker("inspect", "-f", "{{json .HostConfig.Links}}", "web").stdout == '["/store:/web/my-data"]\n'
    assert mydocker("rm", "--link", "/web/my-data").stdout == "/web/my-data\n"
    assert mydocker("exec", "web", "grep", "my-data", "/etc/hosts").rc == 1
    assert mydocker("rm", "--link", "/web/my-data").rc == 1
    mydocker("rm", "-f", "web", "store")


def test_a_link_wants_one_that_runs(mydocker: Machine) -> None:
    assert mydocker("create", "--link", "nosuch", "busybox").rc == 125
    mydocker("create", "--name", "db", "busybox")
    refused = mydocker("run", "--rm", "--link", "db", "busybox", "true")
    assert refused.rc == 125 and "cannot link to container db as db: it does not run" in refused.stderr
    mydocker("rm", "db")


def test_a_link_on_a_network_of_a_users_is_one_more_name(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    mydocker("run", "-d", "--name", "db", "--network", "net", "busybox", "sleep", "1000")
    script = "ping -c 1 data > /dev/null && nslookup data | grep -c Name"
    assert mydocker("run", "--rm", "--network", "net", "--link", "db:data", "busybox", "sh", "-c", script).stdout.strip() in ("1", "2")
    # A name server that refuses at once: the host's own would be waited for.
    assert mydocker("run", "--rm", "--network", "net", "--dns", "127.0.0.1", "busybox", "ping", "-c", "1", "data").rc == 1
    mydocker("rm", "-f", "db")
    mydocker("network", "rm", "net")
