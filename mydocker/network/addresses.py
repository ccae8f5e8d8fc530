"""IP addresses and subnets as numbers.

The standard library's ipaddress would do the same, but it takes 5 ms to import, and every start would pay for that.
"""

from __future__ import annotations

import _socket

from mydocker.errors import BadInput
from mydocker.value import Value

# An address as (number, bits): bits is 32 for IPv4, 128 for IPv6.
AddressNumber = tuple[int, int]


def parse(text: str) -> AddressNumber:
    """Return an address as a number and its length in bits. Raises BadInput if the text is not an address."""
    try:
        data = _socket.inet_pton(_socket.AF_INET6 if ":" in text else _socket.AF_INET, text)
    except (OSError, ValueError) as error:
        raise BadInput(f"invalid address {text!r}: expected an IPv4 or IPv6 address") from error
    return int.from_bytes(data, "big"), 8 * len(data)


def text(number: int, bits: int) -> str:
    """Return an address as people write it."""
    return _socket.inet_ntop(_socket.AF_INET6 if bits == 128 else _socket.AF_INET, number.to_bytes(bits // 8, "big"))


class Subnet(Value):
    """All addresses that begin with the same bits."""

    first: int  # the lowest address, as a number
    prefix: int  # how many bits all addresses have in common
    bits: int  # the length of an address: 32 or 128

    @classmethod
    def parse(cls, words: str) -> Subnet:
        """Return the subnet that ADDRESS/PREFIX names. Raises BadInput if it names none, or if the address has bits after the prefix."""
        base, slash, length = words.partition("/")
        number, bits = parse(base)
        if not slash or not (length.isascii() and length.isdigit()) or int(length) > bits:
            raise BadInput(f"invalid subnet {words!r}: expected ADDRESS/PREFIX such as 172.20.0.0/16")
        subnet = cls(first=number, prefix=int(length), bits=bits)
        rest = number & (subnet.size - 1)
        if rest:
            raise BadInput(f"invalid subnet {words!r}: expected {text(number - rest, bits)}/{length}, or another prefix")
        return subnet

    @property
    def size(self) -> int:
        return 1 << (self.bits - self.prefix)

    @property
    def last(self) -> int:
        return self.first + self.size - 1

    def hosts(self) -> tuple[int, int]:
        """Return the lowest and the highest number that an interface may have.

        The subnet's own address and the broadcast address are not among them.
        """
        return self.first + 1, self.last - (self.bits == 32)

    def holds(self, other: Subnet) -> bool:
        """Say whether every address of another subnet is in this one."""
        return self.bits == other.bits and self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Subnet) -> bool:
        """Say whether two subnets share an address."""
        return self.bits == other.bits and self.first <= other.last and other.first <= self.last

    def has(self, address: AddressNumber) -> bool:
        """Say whether an address is in this subnet."""
        return address[1] == self.bits and self.first <= address[0] <= self.last

    def __str__(self) -> str:
        return f"{text(self.first, self.bits)}/{self.prefix}"
