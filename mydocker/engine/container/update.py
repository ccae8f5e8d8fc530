"""update: change the limits and the restart policy of a container, which may run or not."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.cgroups.resources import merged
from mydocker.engine.record import bundle, containers, events, locks, state
from mydocker.engine.request import checks, flags, hostconfig
from mydocker.engine.request.options import Options
from mydocker.engine.request.resources import resources
from mydocker.errors import BadInput, Conflict
from mydocker.paths import Paths
from mydocker.steps.base import Action, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import MemoryLimits, Resources
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Flags


def parse(parameters: Flags) -> Options:
    """Return the options that were given. All others are None. Raises BadInput if none was given, or if one cannot be read."""
    given = flags.parse_values(parameters)
    if all(value is None for value in given.values()):
        raise BadInput("nothing to update: give a limit or --restart", "mydocker update --help lists them")
    return Options({**dict.fromkeys(Options.__annotations__), **given})


def steps(paths: Paths, record: Record, wanted: Options) -> list[Step]:
    """Return the steps that change a container's limits, its record and its bundle. Raises the error of a limit that cannot be set."""
    with locks.ContainerLock(paths, record["id"]):
        record = locks.load_whole(paths, record["id"])
        memory = bundle.load(paths, record["id"])["linux"]["resources"].get("memory", {})
    cgroup = manager(Layout.detect(paths), record["hostConfig"]["CgroupPath"])
    wanted = _beside_the_others(record, memory, wanted)
    limits = resources(wanted, has_swap=False)  # that memory alone is limited means something only for a new container
    running = state.running_pid(paths, record["id"]) and limits
    save = Action(lambda: _save(paths, record["id"], limits, wanted), f"record the new settings of {record['name']}")
    return [*(cgroup.update_steps(limits) if running else []), save]


def _beside_the_others(record: Record, memory: MemoryLimits, given: Options) -> Options:
    """Return the options of an update with what they mean beside the limits that the container has.

    memory: the container's.

    Raises BadInput or Conflict if they cannot stand together.
    """
    wanted, config = Options({**vars(given)}), record["hostConfig"]
    if given.memory or given.memory_swap:  # the one is counted in the other, so both are set
        wanted.memory = given.memory or memory.get("limit")
        wanted.memory_swap = given.memory_swap or memory.get("swap")
    checks.check_limits(wanted)
    if record["autoRemove"] and given.restart and given.restart[0] != "no":
        raise Conflict(f"container {record['name']}: Restart policy cannot be updated because AutoRemove is enabled for the container")
    if given.cpus and (config["CpuQuota"] or config["CpuPeriod"]):
        raise Conflict(f"container {record['name']} has a CPU quota or period, which excludes --cpus")
    if (given.cpu_quota or given.cpu_period) and config["NanoCpus"]:
        raise Conflict(f"container {record['name']} has a limit by --cpus, which excludes --cpu-quota and --cpu-period")
    return wanted


def _save(paths: Paths, container_id: str, limits: Resources, wanted: Options) -> None:
    with locks.ContainerLock(paths, container_id):
        record = locks.load_whole(paths, container_id)
        spec = bundle.load(paths, container_id)
        spec["linux"]["resources"] = merged(spec["linux"]["resources"], limits)
        bundle.save(paths, container_id, spec)
        hostconfig.update(record["hostConfig"], wanted)
        containers.save(paths, record)
    events.of_container(paths, record, "update")
