"""update: change the limits and the restart policy of a container, which may run or not."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.cgroups.resources import merged
from mydocker.engine.record import bundle, containers, events, locks, state
from mydocker.engine.request import checks, flags, hostconfig
from mydocker.engine.request.options import Options
from mydocker.engine.request.resources import resources
from mydocker.errors import BadInput
from mydocker.paths import Paths
from mydocker.steps.base import Action, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import Resources
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Flags


def parse(parameters: Flags) -> Options:
    """Return the options that were given. All others are None. Raises BadInput if none was given, or if one is wrong."""
    given = flags.parse_values(parameters)
    if all(value is None for value in given.values()):
        raise BadInput("nothing to update: give a limit or --restart", "mydocker update --help lists them")
    wanted = Options({**dict.fromkeys(Options.__annotations__), **given})
    checks.check_limits(wanted)
    return wanted


def steps(paths: Paths, record: Record, wanted: Options) -> list[Step]:
    """Return the steps that change a container's limits, its record and its bundle. Raises the error of a limit that cannot be set."""
    cgroup = manager(Layout.detect(paths), record["hostConfig"]["CgroupPath"])
    limits = resources(wanted, cgroup.has_swap_limit())
    running = state.running_pid(paths, record["id"]) and limits
    save = Action(lambda: _save(paths, record["id"], limits, wanted), f"record the new settings of {record['name']}")
    return [*(cgroup.update_steps(limits) if running else []), save]


def _save(paths: Paths, container_id: str, limits: Resources, wanted: Options) -> None:
    with locks.ContainerLock(paths, container_id):
        record = locks.load_whole(paths, container_id)
        spec = bundle.load(paths, container_id)
        spec["linux"]["resources"] = merged(spec["linux"]["resources"], limits)
        bundle.save(paths, container_id, spec)
        hostconfig.update(record["hostConfig"], wanted)
        containers.save(paths, record)
    events.of_container(paths, record, "update")
