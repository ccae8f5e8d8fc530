"""What all controllers share, and those that are alike in versions 1 and 2.

A controller turns each limit into a step, or into an error if this host cannot apply the limit. Every value is checked before anything
happens; whether it is a number or a text was checked before, by its shape in resources.py.
"""

from __future__ import annotations

from mydocker.cgroups.group import read
from mydocker.errors import BadInput, Unsupported
from mydocker.numberlist import numbers

LARGEST = 2**63 - 1
HINT = "mydocker info lists this host's controllers; vm/provision.sh mounts mounts those that nobody has mounted"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.group import Group
    from mydocker.cgroups.resources import HugepageLimit, RdmaLimits, Resources
    from mydocker.steps.base import Step


class Controller:
    """One controller of one container.

    group: the container's cgroup in the hierarchy that has the controller, or None if no mounted hierarchy has it.
    absence: why no mounted hierarchy has it, for a message.
    """

    name = ""
    __slots__ = ("group", "absence")

    def __init__(self, group: Group | None, absence: str = "") -> None:
        self.group = group
        self.absence = absence

    def set(self, resources: Resources) -> list[Step]:
        """Return the steps that apply this controller's share of `linux.resources`, in an order that the kernel accepts.

        Raises BadInput for an impossible value and Unsupported for a limit that this host cannot apply.
        """
        raise NotImplementedError

    def write(self, file: str, value: str | int, limit: str) -> Step:
        """Return the step that sets a limit by writing to one of the cgroup's files. Raises Unsupported if that file is not there.

        limit: what a message calls the limit.
        """
        if self.group is None:
            raise Unsupported(f"{limit}: cgroup controller {self.name} {self.absence}", HINT)
        if not self.group.offers(file, self.name):
            raise Unsupported(f"{limit}: cgroup controller {self.name} has no file {file} on this host")
        return self.group.write(file, value)

    def offers(self, file: str) -> bool:
        """Say whether the controller is there, and has a file or will have it once the cgroup is made."""
        return self.group is not None and self.group.offers(file, self.name)

    def present(self, file: str, default: str) -> str:
        """Return what a file of the cgroup contains, or `default` if there is nothing or the cgroup does not exist yet."""
        return (self.group.read(file) if self.group else "") or default


class Pids(Controller):
    """A limit on the number of processes: pids.max, alike in both versions."""

    name = "pids"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        # PIDS_MAX in the kernel is PID_MAX_LIMIT + 1. 0 and -1 mean no limit, as for docker.
        limit = within(resources.get("pids", {}).get("limit"), "pids limit", -1, 4194304)
        if limit is None or (limit < 1 and not self.offers("pids.max")):
            return []
        return [self.write("pids.max", limit if limit > 0 else "max", "pids limit")]


class Rdma(Controller):
    """Limits on RDMA devices: rdma.max, alike in both versions."""

    name = "rdma"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        devices = resources.get("rdma", {})
        return [self.write("rdma.max", f"{name} {self._limits(limits)}", "rdma limit") for name, limits in devices.items()]

    def _limits(self, limits: RdmaLimits) -> str:
        handles = within(limits.get("hcaHandles"), "rdma hca handles", 0, 2**32 - 1)
        objects = within(limits.get("hcaObjects"), "rdma hca objects", 0, 2**32 - 1)
        return f"hca_handle={'max' if handles is None else handles} hca_object={'max' if objects is None else objects}"


class Hugetlb(Controller):
    """Limits on huge pages: hugetlb.SIZE.FILE, and since Linux 5.7 a second file that limits reservations."""

    name = "hugetlb"
    file = "limit_in_bytes"
    reservation = "rsvd.limit_in_bytes"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        return [step for entry in resources.get("hugepageLimits", []) for step in self._page_size(entry)]

    def _page_size(self, entry: HugepageLimit) -> list[Step]:
        size = word(entry["pageSize"], "huge page size")
        within(entry["limit"], f"huge page limit for {size}", 0, 2**64 - 1)
        files = [f"hugetlb.{size}.{name}" for name in (self.file, self.reservation)]
        wanted = [file for file in files if file == files[0] or self.offers(file)]
        return [self.write(file, entry["limit"], f"huge page limit for {size}") for file in wanted]


class HugetlbV2(Hugetlb):
    """Limits on huge pages, by the names that the files have in version 2."""

    file = "max"
    reservation = "rsvd.max"
    __slots__ = ()


class Cpuset(Controller):
    """The CPUs and the memory nodes: cpuset.cpus and cpuset.mems, alike in both versions. A cgroup can have only what its parents have."""

    name = "cpuset"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        cpu = resources.get("cpu", {})
        return [*self._list("cpus", cpu.get("cpus", "")), *self._list("mems", cpu.get("mems", ""))]

    def _list(self, key: str, wanted: str) -> list[Step]:
        if not wanted:
            return []
        word(wanted, f"cpuset {key}")
        asked = numbers(wanted, f"cpuset {key}")
        step = self.write(f"cpuset.{key}", wanted, f"cpuset {key}")
        offered = self._inherited(key)
        if offered and asked - numbers(offered, f"cpuset {key}"):
            raise BadInput(f"cpuset {key} '{wanted}': expected some of {offered}, which this host offers")
        return [step]

    def _inherited(self, key: str) -> str:
        """Return the list of the nearest ancestor that has one, or ''."""
        directories = reversed(self.group.chain()[:-1]) if self.group else ()
        files = (f"{directory}/{file}" for directory in directories for file in (f"cpuset.{key}.effective", f"cpuset.{key}"))
        return next((value for value in map(read, files) if value), "")


def within(value: int | None, limit: str, low: int = 0, high: int = LARGEST) -> int | None:
    """Return a number that is in its range, or None if it is not given. Raises BadInput. `limit` is what the message calls it."""
    if value is not None and not low <= value <= high:
        raise BadInput(f"{limit} {value}: expected {low} to {high}")
    return value


def word(value: str, limit: str) -> str:
    """Return a text that is one word without a slash. Raises BadInput for any other. `limit` is what the message calls it."""
    if "/" in value or value.split() != [value]:
        raise BadInput(f"{limit} {value!r}: expected one word")
    return value
