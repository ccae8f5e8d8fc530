"""Lesson 14: two network namespaces at one bridge that reach each other, and a port of the host that one of them answers."""

from __future__ import annotations

import socket
from errno import ECONNREFUSED

from mydocker.kernel.route import Route
from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at `ip -brief link`, `ip -brief address` and `bridge link` in the lab and, by nsenter --net, in both namespaces.",
    "在实验室里，以及用 nsenter --net 在两个命名空间里，看 ip -brief link、ip -brief address 和 bridge link。",
)
MANUAL = manual("veth(4), ip-link(8), bridge(8), network_namespaces(7), nft(8) (NAT STATEMENTS)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("-p", "8080:80", "busybox", "true")
STEPS = "^link|^address|^route|veth|bridge|nft|lo up"
PORT = 8080
_DISCARD = 9  # a port at which nobody listens
_SECONDS = 0.5


def facts(scene: Scene) -> list[Fact]:
    marked = {each.namespace("net"): each for each in scene.marked("wire") if not scene.is_hosts(each, "net")}
    two = sorted(marked.values(), key=lambda each: each.pid)[:2]
    apart = fact(
        len(two) == 2,
        text("two processes with LESSON=wire are in two network namespaces", "两个带 LESSON=wire 的进程在两个网络命名空间里"),
        text(
            f"there are {len(two)} such namespaces besides the host's: ip netns add, ip netns exec NAME env LESSON=wire ...",
            f"除了宿主机的，这样的命名空间有 {len(two)} 个：ip netns add，ip netns exec NAME env LESSON=wire ...",
        ),
    )
    return [apart, *_connected(scene, two)] if len(two) == 2 else [apart]


def _connected(scene: Scene, two: list[Process]) -> list[Fact]:
    ports = int(ask(scene.keeper, "net", _ports) or "0")
    addresses = [ask(each, "net", _addresses).split() for each in two]
    reached = [_reaches(one, addresses[1 - number]) for number, one in enumerate(two)]
    return [
        fact(
            ports >= 2,
            text("a bridge of the host has two ports", "宿主机的一个网桥上有两个端口"),
            text(
                f"the fullest bridge of the host has {ports}: make two veth pairs, and one end of each its port (ip link set ... master)",
                f"宿主机上端口最多的网桥有 {ports} 个：建两对 veth，各把一端接到网桥上（ip link set ... master）",
            ),
        ),
        fact(
            all(addresses),
            text("each namespace has an address", "每个命名空间都有地址"),
            text(
                "an interface other than lo needs one in each: ip address add", "每个命名空间里除 lo 以外的网卡都要有地址：ip address add"
            ),
        ),
        fact(
            all(reached),
            text("they reach each other", "它们互相连得通"),
            text(
                "one does not reach the other: are both ends and the bridge up, and are the addresses of one subnet?",
                "有一个连不到另一个：两端和网桥都 up 了吗？地址在同一个子网吗？",
            ),
        ),
        _published(scene, two),
    ]


def _reaches(process: Process, addresses: list[str]) -> bool:
    """Say whether somebody answers at one of the addresses, as seen from a process."""
    return ask(process, "net", lambda: _answers(addresses, _DISCARD)) != ""


def _published(scene: Scene, two: list[Process]) -> Fact:
    own = [address for address in ask(scene.keeper, "net", _addresses).split() if ":" not in address]
    before = sum(_established(each) for each in two)
    during = ask(scene.keeper, "net", lambda: _connect_and_count([*own, "127.0.0.1"], two))
    return fact(
        bool(during) and int(during) > before,
        text(f"port {PORT} of the host is answered from one of them", f"宿主机的 {PORT} 端口由其中之一应答"),
        text(
            f"port {PORT} of {' and '.join(own) or 'the host'} is "
            + (
                "answered, but from neither namespace"
                if during
                else "not answered: a server in a namespace, and dnat in a chain of the hook output"
            ),
            f"{'、'.join(own) or '宿主机'} 的 {PORT} 端口"
            + ("有应答，但不是来自这两个命名空间" if during else "没有应答：命名空间里要有服务器，并在 output 钩子的链里做 dnat"),
        ),
    )


def _ports() -> str:
    """Return the number of ports of the bridge that has most."""
    with Route() as route:
        links = list(route.links())
    masters = [link["master"] for link in links]
    return str(max((masters.count(link["index"]) for link in links if link["kind"] == "bridge"), default=0))


def _addresses() -> str:
    """Return the addresses of all interfaces but lo. Those of IPv6 that an interface has by itself do not count."""
    with Route() as route:
        lo = route.index("lo")
        found = [address for index, address, _ in route.addresses() if index != lo]
    return " ".join(address for address in found if not address.startswith("fe80:"))


def _answers(addresses: list[str], port: int) -> str:
    """Return the first address at which somebody answers, be it that nobody listens; '' if there is none."""
    for address in addresses:
        with _socket_for(address) as probe:
            if probe.connect_ex((address, port)) in (0, ECONNREFUSED):
                return address
    return ""


def _connect_and_count(addresses: list[str], processes: list[Process]) -> str:
    """Connect to the port at one of the host's addresses. Return how many connections the namespaces have then, '' if it is refused."""
    for address in addresses:
        with _socket_for(address) as probe:
            if probe.connect_ex((address, PORT)) == 0:
                return str(sum(_established(each) for each in processes))
    return ""


def _socket_for(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.settimeout(_SECONDS)
    return made


def _established(process: Process) -> int:
    """Return the number of TCP connections in a process's network namespace (proc(5): state 01 of net/tcp and net/tcp6)."""
    lines = (process.read("net/tcp") + process.read("net/tcp6")).splitlines()
    return sum(line.split()[3] == "01" for line in lines)
