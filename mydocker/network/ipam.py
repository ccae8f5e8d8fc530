"""Which addresses of a subnet are in use (IPAM: IP address management).

A claim is a file that has the name of the address and holds the id of its owner. So a claim survives a crash. It no longer counts when its
owner is gone: whoever finds no free address, or wants one that is taken, looks whether the owners live. Nothing else is stored, because
the names of the claims say what the lowest free address is, however large the subnet is.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput, Conflict
from mydocker.network.addresses import Subnet, parse, text
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.network.records import SubnetEntry

    # Says whether the container with that id lives.
    IsAlive = Callable[[str], bool]


class Pool:
    """The addresses of one subnet of a network that containers may have.

    directory: where the claims are.
    is_alive: says whether the owner of a claim lives.
    """

    __slots__ = ("subnet", "gateway", "low", "high", "reserved", "directory", "is_alive")

    def __init__(self, subnet: SubnetEntry, directory: str, is_alive: IsAlive) -> None:
        self.subnet = Subnet.parse(subnet["subnet"])
        self.gateway = parse(subnet["gateway"])[0] if subnet["gateway"] else -1
        self.reserved = {parse(address)[0]: name for name, address in subnet.get("reserved", {}).items()}
        low, high = self.subnet.hosts()
        part = Subnet.parse(subnet["range"]) if subnet["range"] else self.subnet
        self.low, self.high = max(low, part.first), min(high, part.last)
        self.directory = directory
        self.is_alive = is_alive

    def claim(self, owner: str, wanted: str = "") -> str:
        """Claim an address for an owner: the wanted one, or the lowest that is free.

        Raises BadInput if the wanted one is not for containers, Conflict if it is in use or if none is free.
        """
        store.make_private(self.directory)
        if wanted:
            return self._claim_this(owner, wanted)
        address = self._claim_any(owner)
        if not address and self._free_dead():
            address = self._claim_any(owner)
        if not address:
            raise Conflict(f"no free address in {self._space()}: all {self.high - self.low + 1} are in use or reserved")
        return address

    def _space(self) -> str:
        return f"subnet {self.subnet}, from {text(self.low, self.subnet.bits)} to {text(self.high, self.subnet.bits)}"

    @property
    def gateway_text(self) -> str:
        return text(self.gateway, self.subnet.bits) if self.gateway >= 0 else ""

    def check(self, wanted: str) -> str:
        """Return an address as it is usually written. Raises BadInput or Conflict if a container may not have it."""
        number, bits = parse(wanted)
        low, high = self.subnet.hosts()
        if bits != self.subnet.bits or not low <= number <= high:
            raise BadInput(f"address {wanted} is not for a container in subnet {self.subnet}")
        if number == self.gateway:
            raise Conflict(f"address {wanted} is the gateway's of subnet {self.subnet}")
        if number in self.reserved:
            raise Conflict(f"address {wanted} of subnet {self.subnet} is reserved for {self.reserved[number]}")
        return text(number, bits)

    def _claim_this(self, owner: str, wanted: str) -> str:
        address = self.check(wanted)
        holder = store.claim(f"{self.directory}/{address}", owner)
        if holder and not self.is_alive(holder):
            release(self.directory, address, holder)
            holder = store.claim(f"{self.directory}/{address}", owner)
        if holder:
            raise Conflict(f"address {address} is in use by container {holder[:12]}")
        return address

    def _claim_any(self, owner: str) -> str:
        for number in self._free():
            address = text(number, self.subnet.bits)
            if store.claim(f"{self.directory}/{address}", owner) is None:
                return address
        return ""

    def propose(self) -> str:
        """Return the address that would be claimed next, or '' if none is free."""
        return next((text(number, self.subnet.bits) for number in self._free()), "")

    def _free(self) -> Iterator[int]:
        """Yield the numbers of the addresses that nobody holds, the lowest first."""
        held = self._held()
        number = self.low
        while number <= self.high:
            if number not in held and number != self.gateway and number not in self.reserved:
                yield number
            number += 1

    def _held(self) -> set[int]:
        return {parse(name)[0] for name in claims(self.directory) if (":" in name) == (self.subnet.bits == 128)}

    def _free_dead(self) -> bool:
        """Remove the claims whose owners are gone, and say whether there were any."""
        dead = [(address, owner) for address, owner in held_by(self.directory) if not self.is_alive(owner)]
        for address, owner in dead:
            release(self.directory, address, owner)
        return bool(dead)


class ClaimAddress(Step):
    """Claim an address of a network for a container. Afterwards `address` is the one that it got.

    owner: the container's id.
    network: the network's name.
    wanted: an address, or '' for any.
    """

    __slots__ = ("pool", "owner", "network", "wanted", "address")

    def __init__(self, pool: Pool, owner: str, network: str, wanted: str = "") -> None:
        self.pool = pool
        self.owner = owner
        self.network = network
        self.wanted = wanted
        self.address = ""

    def apply(self) -> None:
        self.address = self.pool.claim(self.owner, self.wanted)

    def assume(self) -> None:
        self.address = self.wanted or self.pool.propose()

    def undo(self) -> None:
        release(self.pool.directory, self.address, self.owner)

    def describe(self) -> str:
        address = self.address or self.wanted or self.pool.propose()
        return f"claim the address {address} on network {self.network}"

    def shell(self) -> str:
        address = self.address or self.wanted or self.pool.propose()
        path = f"{self.pool.directory}/{address}"
        return f"mkdir -p {quote(self.pool.directory)}; (set -C; printf %s {quote(self.owner)} > {quote(path)})"


def claims(directory: str) -> list[str]:
    """Return the addresses that are claimed."""
    try:
        return [name for name in os.listdir(directory) if not name.startswith(".")]
    except FileNotFoundError:
        return []


def held_by(directory: str) -> list[tuple[str, str]]:
    """Return (address, id of its owner) for every claim."""
    found = [(name, store.claimed_by(f"{directory}/{name}")) for name in claims(directory)]
    return [(name, owner) for name, owner in found if owner]


def release(directory: str, address: str, owner: str) -> None:
    """Give an address back if this owner holds it. It is not an error if the owner does not."""
    if os.path.isdir(directory):
        # Two processes that find the same dead owner must not free what a third one has claimed in between.
        with store.Lock(f"{directory}/.lock"):
            store.release(f"{directory}/{address}", owner)
