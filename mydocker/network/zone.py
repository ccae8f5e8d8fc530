"""What a container can look up by name: those that share a network of a user's with it, by name, alias and short id."""

from __future__ import annotations

import os
from time import monotonic

from mydocker.network import attachments, records
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Attachment
    from mydocker.network.records import Network
    from mydocker.paths import Paths


# After so many seconds a zone is read again in any case: two changes may have had the same time stamp.
_OLD = 2


class Zone(Value):
    """The names that one container knows."""

    addresses: dict[str, list[str]]  # of each name, in small letters
    owners: dict[str, str]  # of each address: NAME.NETWORK
    is_closed: bool  # all its networks are internal: what is not here is asked of nobody


def zone(container_id: str, everybody: dict[str, Attachment], internal: set[str]) -> Zone:
    """Return what a container knows.

    everybody: {id: attachment} of all containers that run
    internal: the names of the internal networks
    """
    own = {endpoint["network"]: endpoint.get("links", []) for endpoint in everybody[container_id]["endpoints"]}
    addresses: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for other, attachment in everybody.items():
        for endpoint in attachment["endpoints"]:
            network = endpoint["network"]
            if network not in own or network == records.DEFAULT:
                continue
            linked = attachments.linked_as(own[network], other, attachment)
            names = dict.fromkeys([*attachments.names(other, attachment, endpoint), *linked])
            for each in endpoint["addresses"]:
                owners[each["address"]] = f"{attachment['name']}.{network}"
                for name in names:
                    for known in (name.lower(), f"{name}.{network}".lower()):
                        addresses.setdefault(known, []).append(each["address"])
    return Zone(addresses=addresses, owners=owners, is_closed=own.keys() <= internal)


class Zones:
    """The zone of a container, read again when somebody has joined or left one of its networks."""

    def __init__(self, paths: Paths, container_id: str) -> None:
        self.paths = paths
        self.container_id = container_id
        self._stamp: tuple[int, ...] = ()
        self._read = 0.0  # when, by monotonic()
        self._zone: Zone | None = None

    def current(self) -> Zone:
        """Return the zone. Raises OSError or KeyError if the container has ended."""
        stamp = self._changed()
        if not self._zone or stamp != self._stamp or monotonic() > self._read + _OLD:
            networks: list[Network] = records.every(self.paths)
            internal = {network["name"] for network in networks if network["internal"]}
            self._zone = zone(self.container_id, attachments.every(self.paths), internal)
            self._stamp, self._read = stamp, monotonic()
        return self._zone

    def _changed(self) -> tuple[int, ...]:
        """Return what is another value after a change: hosts.refresh() writes the new names into the container's /etc/hosts too."""
        files = (f"{self.paths.container(self.container_id)}/hosts", f"{self.paths.running(self.container_id)}/network.json")
        return tuple(number for status in map(os.stat, files) for number in (status.st_mtime_ns, status.st_ino))
