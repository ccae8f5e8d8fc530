"""Lesson 15: twenty processes with a network of their own, and no address twice."""

from __future__ import annotations

from collections import Counter

from mydocker.kernel.route import Route
from mydocker.learn.asking import ask
from mydocker.learn.facts import Fact, fact
from mydocker.learn.process import Process
from mydocker.learn.scene import Scene
from mydocker.learn.texts import manual, text

LOOK = text(
    "Look at `ip -brief address` in each namespace. How does one that chooses an address know those that others have just chosen?",
    "在每个命名空间里看 ip -brief address。选地址的时候，怎样知道别人刚刚选了哪些？",
)
MANUAL = manual("ip-address(8), ip-netns(8), open(2) (O_EXCL), link(2)")
NEEDS: tuple[str, ...] = ()
ALSO: tuple[str, ...] = ()
RUN = ("busybox", "true")
STEPS = "claim the address|^ip (link|address) add"
_WANTED = 20


def facts(scene: Scene) -> list[Fact]:
    apart = {each.namespace("net"): each for each in scene.marked("addresses") if not scene.is_hosts(each, "net")}
    addresses = [_address(each) for each in list(apart.values())]
    found = Counter(address for address in addresses if address)
    twice = next((address for address, count in found.items() if count > 1), "")
    return [
        fact(
            len(apart) >= _WANTED,
            text(f"{_WANTED} processes have a network each", f"{_WANTED} 个进程各有自己的网络"),
            text(
                f"there are {len(apart)} network namespaces with LESSON=addresses in them: one for each process",
                f"带 LESSON=addresses 的网络命名空间有 {len(apart)} 个：每个进程要有一个",
            ),
        ),
        fact(
            bool(addresses) and all(addresses),
            text("each has an address", "每个都有地址"),
            text(f"{addresses.count('')} have none but that of lo", f"有 {addresses.count('')} 个除了 lo 以外没有地址"),
        ),
        fact(
            bool(found) and not twice,
            text("no address is there twice", "没有重复的地址"),
            text(
                f"{twice} is there {found[twice]} times: look and take must be one step, such as to make a file named after the address",
                f"{twice} 出现了 {found[twice]} 次：查看和占用必须是同一步，例如以地址为名新建一个文件",
            ),
        ),
    ]


def _address(process: Process) -> str:
    """Return the first IPv4 address of a process that is not that of lo."""
    return ask(process, "net", _first)


def _first() -> str:
    with Route() as route:
        lo = route.index("lo")
        return next((address for index, address, _ in route.addresses() if index != lo and ":" not in address), "")
