"""Hosts for the network tests: network namespaces with wires between them, and traffic from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from conftest import Machine

Answer = TypeVar("Answer")

TRAFFIC = Path(__file__).with_name("traffic.py").read_text()
MANY_BYTES = 100 * (1 << 20)


class Host:
    """A network namespace, kept by a sleeping process; its wire to this host is the interface `wire` on both ends."""

    def __init__(self, mydocker: Machine, pid: int) -> None:
        self.mydocker = mydocker
        self.pid = pid

    def run(self, command: str) -> Any:
        """Run a command line there."""
        return self.mydocker.sh(f"nsenter --net=/proc/{self.pid}/ns/net {command}")

    def traffic(self, *words: object) -> Any:
        """Run the client there, see traffic.py."""
        return self.run(f"python3 traffic.py {' '.join(map(str, words))}")

    def ask(self, *words: object) -> str:
        """Return the answer, or the name of the error."""
        return str(self.traffic("ask", *words).stdout.strip())


def at_once(*asking: Callable[[], Answer]) -> list[Answer]:
    """Return what each of these returns. They wait side by side, as most do for an answer that does not come."""
    with ThreadPoolExecutor(len(asking)) as pool:
        return [each.result() for each in [pool.submit(ask) for ask in asking]]


class Network:
    """What a test uses: `host` is the one that mydocker runs on, the others are made on demand and go after the test."""

    def __init__(self, mydocker: Machine) -> None:
        self.mydocker = mydocker
        self.host = Host(mydocker, int(mydocker.sh("echo $PPID").stdout))
        self.other: Host  # whom a test's own fixture makes
        self.started: list[int] = []
        mydocker.sh(f"cat > traffic.py <<'END'\n{TRAFFIC}END")

    def start(self, command: str) -> int:
        """Start something in the background; return its pid."""
        pid = int(self.mydocker.sh(f"{command} > started.log 2>&1 < /dev/null & echo $!").stdout)
        self.started.append(pid)
        return pid

    def neighbour(self, address: str = "10.55.0.2", own: str = "10.55.0.1", name: str = "wire") -> Host:
        """Make another host on a wire to this one: `address` there, `own` here, /24 and /64."""
        other = Host(self.mydocker, self.start("unshare --net sleep 300"))
        namespaces = f"/proc/{other.pid}/ns/net", "/proc/self/ns/net"
        self.mydocker.wait_until(lambda: self.mydocker.sh(f"readlink {namespaces[0]} {namespaces[1]} | uniq | wc -l").stdout == "2\n")
        length = 64 if ":" in address else 24
        for line in (
            f"ip link add {name} type veth peer name wire netns {other.pid}",
            f"ip address add {own}/{length} dev {name} {'nodad' if length == 64 else ''}",
            f"ip link set {name} up",
        ):
            assert self.mydocker.sh(line).rc == 0, line
        for line in (
            "ip link set lo up",
            f"ip address add {address}/{length} dev wire {'nodad' if length == 64 else ''}",
            "ip link set wire up",
        ):
            assert other.run(line).rc == 0, line
        return other

    def serve(self, container: str, port: int) -> None:
        """Have a server listen inside a container's network."""
        pid = self.mydocker.pid(container)
        self.start(f"nsenter --net=/proc/{pid}/ns/net python3 traffic.py serve {port}")
        self.mydocker.wait_until(lambda: "ready" in self.mydocker.sh("cat started.log").stdout)

    def inside(self, container: str) -> Host:
        """Return a container's own network namespace."""
        return Host(self.mydocker, self.mydocker.pid(container))

    def close(self) -> None:
        """End what was started; wires go with their other ends."""
        for pid in self.started:
            self.mydocker.sh(f"kill -9 {pid}")
        self.mydocker.sh("for link in $(ip -o link | grep -o 'wire[0-9]*@' | tr -d @); do ip link delete $link; done")

    def address(self, container: str, network: str = "bridge", field: str = "IPAddress") -> str:
        """Return a container's address as inspect tells it."""
        form = f'{{{{(index .NetworkSettings.Networks "{network}").{field}}}}}'
        return str(self.mydocker("inspect", "-f", form, container).stdout.strip())
