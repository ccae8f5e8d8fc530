"""The kernel does what our rtnetlink messages say: in network namespaces of this test's own."""

import os
from collections.abc import Callable, Iterator

import pytest

from mydocker.kernel import netlink
from mydocker.kernel.namespaces import CLONE_NEWNET, unshare
from mydocker.kernel.route import Route

pytestmark = pytest.mark.kernel


@pytest.fixture
def two_hosts() -> Iterator[int]:
    """A socket in each of two new network namespaces, and a descriptor of the second; this process goes back to its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    pid = os.fork()
    if pid == 0:
        os._exit(_in_child(_check))
    yield pid
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _in_child(check: Callable[[], None]) -> int:
    try:
        check()
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        return 1
    return 0


def _check() -> None:
    unshare(CLONE_NEWNET)
    host = Route()
    unshare(CLONE_NEWNET)
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
    inside = Route()
    host.request(netlink.new_bridge("br0"))
    bridge = host.index("br0")
    host.request(
        netlink.set_alias(bridge, "mydocker:x"), netlink.add_address(bridge, "172.20.0.1", 16), netlink.add_address(bridge, "fd00::1", 64)
    )
    host.request(netlink.new_veth("v1", bridge, "eth0", namespace, "02:42:ac:14:00:02", 1400))
    index = inside.index("eth0")
    inside.request(netlink.add_address(index, "172.20.0.2", 16), netlink.set_up(index), netlink.add_route(index, "172.20.0.1"))
    links = {link["name"]: link for link in host.links()}
    assert (links["br0"]["kind"], links["br0"]["alias"], links["br0"]["up"]) == ("bridge", "mydocker:x", True)
    assert (links["v1"]["kind"], links["v1"]["master"]) == ("veth", bridge)
    assert (bridge, "fd00::1", 64) in list(host.addresses())
    assert (index, "172.20.0.2", 16) in list(inside.addresses())
    assert ("172.20.0.0", 16) in list(inside.routes())
    assert host.index("nosuch") == 0
    for message, word in ((netlink.new_bridge("br0"), "exists"), (netlink.add_route(bridge, "10.9.9.9", "10.1.0.0", 16), "gateway")):
        try:
            host.request(message)
        except OSError as error:
            assert word in str(error)
        else:
            raise AssertionError("the kernel took it")
    host.request(netlink.new_vxlan("vx", 42, 4789, bridge, "172.20.0.1"))
    host.request(netlink.add_forwarding(host.index("vx"), "00:00:00:00:00:00", "172.20.0.9"))
    host.request(netlink.delete_link(host.index("v1")))
    assert inside.index("eth0") == 0
    assert host.index("v1") == 0


def test_each_message(two_hosts: int) -> None:
    assert two_hosts > 0
