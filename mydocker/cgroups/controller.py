"""What all controllers share: a step for a limit that this host can apply, an error for one that it cannot."""

from __future__ import annotations

from mydocker.cgroups.group import read
from mydocker.cgroups.values import entries, integer, numbers, section, text
from mydocker.errors import BadInput, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.group import Group
    from mydocker.cgroups.values import Resources
    from mydocker.steps.base import Step


class Controller:
    """One controller of one container. `group` is None where no mounted hierarchy has it; then `absence` says why."""

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
        """Return the step that sets a limit, which a message would call `limit`."""
        if self.group is None:
            raise Unsupported(f"{limit}: cgroup controller {self.name} {self.absence}")
        if not self.group.offers(file, self.name):
            raise Unsupported(f"{limit}: cgroup controller {self.name} has no file {file} on this host")
        return self.group.write(file, value)

    def offers(self, file: str) -> bool:
        """Say whether the controller is there and has (or will have) a file."""
        return self.group is not None and self.group.offers(file, self.name)

    def present(self, file: str, default: str) -> str:
        """Return a file's first line, `default` while the cgroup does not exist."""
        return (self.group.read(file) if self.group else "") or default


class Pids(Controller):
    """pids.max, alike in both versions."""

    name = "pids"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        # PIDS_MAX in the kernel is PID_MAX_LIMIT + 1; 0 and -1 mean no limit, as for docker.
        limit = integer(section(resources, "pids"), "limit", "pids limit", -1, 4194304)
        if limit is None:
            return []
        return [self.write("pids.max", limit if limit > 0 else "max", "pids limit")]


class Rdma(Controller):
    """rdma.max, alike in both versions."""

    name = "rdma"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        devices = section(resources, "rdma")
        return [self.write("rdma.max", f"{name} {self._limits(section(devices, name))}", "rdma limit") for name in devices]

    def _limits(self, limits: Resources) -> str:
        handles = integer(limits, "hcaHandles", "rdma hca handles", 0, 2**32 - 1)
        objects = integer(limits, "hcaObjects", "rdma hca objects", 0, 2**32 - 1)
        return f"hca_handle={'max' if handles is None else handles} hca_object={'max' if objects is None else objects}"


class Hugetlb(Controller):
    """Limits on huge pages: hugetlb.SIZE.FILE, and its reservation twin where the kernel (5.7) has one."""

    name = "hugetlb"
    file = "limit_in_bytes"
    reservation = "rsvd.limit_in_bytes"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        return [step for entry in entries(resources, "hugepageLimits") for step in self._page_size(entry)]

    def _page_size(self, entry: Resources) -> list[Step]:
        size = text(entry, "pageSize", "huge page size")
        limit = integer(entry, "limit", f"huge page limit for {size}", 0, 2**64 - 1)
        if not size or limit is None:
            raise BadInput(f"huge page limit {dict(entry)!r}: expected pageSize and limit")
        files = [f"hugetlb.{size}.{name}" for name in (self.file, self.reservation)]
        return [self.write(file, limit, f"huge page limit for {size}") for file in files if file == files[0] or self.offers(file)]


class HugetlbV2(Hugetlb):
    """The same limits under version 2's file names."""

    file = "max"
    reservation = "rsvd.max"
    __slots__ = ()


class Cpuset(Controller):
    """cpuset.cpus and cpuset.mems, alike in both versions; what the parents do not have cannot be had."""

    name = "cpuset"
    __slots__ = ()

    def set(self, resources: Resources) -> list[Step]:
        cpu = section(resources, "cpu")
        return [step for key in ("cpus", "mems") for step in self._list(key, text(cpu, key, f"cpuset {key}"))]

    def _list(self, key: str, wanted: str) -> list[Step]:
        if not wanted:
            return []
        asked = numbers(wanted, f"cpuset {key}")
        step = self.write(f"cpuset.{key}", wanted, f"cpuset {key}")
        offered = self._inherited(key)
        if offered and asked - numbers(offered, f"cpuset {key}"):
            raise BadInput(f"cpuset {key} '{wanted}': expected some of {offered}, which this host offers")
        return [step]

    def _inherited(self, key: str) -> str:
        """Return the list of the nearest ancestor that has one."""
        directories = reversed(self.group.chain()[:-1]) if self.group else ()
        files = (f"{directory}/{file}" for directory in directories for file in (f"cpuset.{key}.effective", f"cpuset.{key}"))
        return next((value for value in map(read, files) if value), "")
