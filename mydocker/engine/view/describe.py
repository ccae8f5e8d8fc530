"""Tell what a start or an exec would do, process by process, for --dry-run and --explain=sh.

The plans are made by the same functions as for a real start. They are only not executed.
"""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.catalog.images import UnpackLayer
from mydocker.engine.connection import links
from mydocker.engine.connection.plan import network_plan
from mydocker.engine.container.create import Prepared
from mydocker.engine.monitor.execute import process_spec, running
from mydocker.engine.monitor.plans import monitor_plan
from mydocker.engine.record import bundle
from mydocker.engine.record.joined import with_paths
from mydocker.engine.view.script import Plans
from mydocker.errors import BadInput
from mydocker.images.layout import ImageLayout
from mydocker.kernel import inroot
from mydocker.paths import Paths
from mydocker.runtime import console, plan
from mydocker.runtime.init import resolved_user
from mydocker.runtime.seccomp import filter_for
from mydocker.steps.base import Action, Step, command
from mydocker.steps.cgroups import ForkInto
from mydocker.steps.files import MakeDir
from mydocker.storage.base import StorageDriver
from mydocker.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.manager import CgroupManager
    from mydocker.engine.record.containers import Record
    from mydocker.messages import WantedProcess
    from mydocker.runtime.spec import Spec


def plans(prepared: Prepared) -> Plans:
    """Return all plans of the start of a container that does not exist yet. Raises the errors that making the real ones would raise."""
    cli = [*prepared.claim_steps(), *_unpacking(prepared), *prepared.bundle_steps()]
    return _plans(prepared.paths, prepared.record, prepared.spec, prepared.driver, cli, _removal(prepared.paths, prepared.record))


def start_plans(paths: Paths, record: Record) -> Plans:
    """Return all plans of the start of a container that exists and does not run."""
    spec = bundle.load(paths, record["id"])
    return _plans(paths, record, spec, driver(record["storageDriver"], paths), [], [])


def _plans(paths: Paths, record: Record, spec: Spec, drive: StorageDriver, cli: list[Step], removal: list[str]) -> Plans:
    """Return all plans of a start.

    cli: the steps before the monitor
    removal: shell commands that remove what these steps made
    """
    rootfs = paths.container(record["id"]) + "/bundle/rootfs"
    runtime = record["hostConfig"]["Runtime"]
    layout = Layout.detect(paths)
    cgroup = manager(layout, spec["linux"]["cgroupsPath"])
    monitor = monitor_plan(paths, record, spec, drive, None if runtime else cgroup)
    network = network_plan(paths, record)
    undo = [*_undo(paths, record, monitor), *removal]
    names = _names(paths, record)
    if runtime:
        return Plans(cli, monitor, [], [], [], [], [], [_foreign(runtime, paths, record)], spec, undo, network, names)
    root = plan.root_of(spec, rootfs)
    joined = links.with_variables(paths, record, with_paths(paths, record, spec))
    shown, opening = layout.container_mounts(cgroup.path), console.first(joined, root, None, None)
    return Plans(
        cli,
        monitor,
        _fork(joined, rootfs),
        _enter(cgroup, joined),
        _early(joined),
        plan.isolate(joined),
        [*plan.build(joined, root), *plan.close(joined, root, shown, opening)],
        _inside(paths, spec, _user(record, spec, drive)),
        joined,
        undo,
        network,
        names,
    )


def _names(paths: Paths, record: Record) -> dict[str, str]:
    """Return the variables of a script that hold what its commands name often."""
    directory = paths.container(record["id"])
    rootfs = f"{directory}/bundle/rootfs"
    inside = {f"{rootfs}/sys/fs/cgroup": "RCG", rootfs: "R", directory: "C"}
    return {**inside, paths.state: "STATE", paths.root: "ROOT", paths.cgroup: "CG", record["id"]: "ID"}


def _foreign(runtime: str, paths: Paths, record: Record) -> Step:
    """Return the last step of a start with --runtime. Once the root file system is mounted, the other runtime does the rest."""
    line = command(runtime, "run", "--bundle", f"{paths.container(record['id'])}/bundle", record["id"])
    return Action(lambda: None, f"execve {line}", f"exec {line}")


def exec_plans(paths: Paths, container_id: str, wanted: WantedProcess) -> tuple[Plans, str]:
    """Return the plans of one more process in a running container, and the container's root as /proc/PID/root.

    wanted: what differs from the container's own process, see messages.WantedProcess
    """
    known = running(paths, container_id)
    process, root = f"{paths.proc}/{known['pid']}", f"{paths.proc}/{known['pid']}/root"
    spec = process_spec(bundle.load(paths, container_id), wanted, f"{process}/ns")
    enter = _enter(manager(Layout.detect(paths), known["cgroup"]).beside(known["pid"]), spec)
    user = resolved_user(spec, inroot.read_text(root, "/etc/passwd"), inroot.read_text(root, "/etc/group"))
    inside = _inside(paths, spec, user)
    opening = console.further(spec, None, None)
    names = {container_id: "ID"}
    return Plans([], [], _fork(spec), enter, _early(spec), plan.isolate(spec), opening, inside, spec, [], names=names), root


def _fork(spec: Spec, root: str = "/") -> list[tuple[str, Step]]:
    """Return (who, step) for each step that launch.py does around the fork of init."""
    user = plan.user_namespace(spec, root)
    user = [*plan.limits(spec), *user] if user else []
    children = [("stage" if user else "monitor", step) for step in plan.of_children(spec)]
    return [*(("stage", step) for step in user), *(("monitor", step) for step in plan.id_maps(spec, "PID")), *children]


def _enter(cgroup: CgroupManager, spec: Spec) -> list[tuple[str, Step]]:
    """Return (who, step) for each step by which init gets into its cgroups, as launch.py does it."""
    if plan.user_namespace(spec):
        return [("monitor", step) for step in cgroup.enter_steps(0)]
    born = [ForkInto(cgroup.unified.directory)] if cgroup.unified else []
    return [*(("monitor", step) for step in born), *(("init", step) for step in cgroup.join_steps())]


def _early(spec: Spec) -> list[Step]:
    """Return the steps that init executes first. With a user namespace, the stage has set the limits."""
    return [*([] if plan.user_namespace(spec) else plan.limits(spec)), *plan.early(spec)]


def _inside(paths: Paths, spec: Spec, user: tuple[int, int, list[int], str]) -> list[Step]:
    """Return the steps inside the container's root. The last one executes the program. user: uid, gid, groups, home."""
    uid, gid, groups, home = user
    seccomp = spec["linux"].get("seccomp")
    bpf = filter_for(seccomp, paths.cache) if seccomp else None
    steps, load = plan.confine(spec, uid, gid, groups, bpf)
    return [*console.owned(uid), *steps, *([load] if load else []), plan.program(spec, home, load)]


def _unpacking(prepared: Prepared) -> list[Step]:
    """Return the steps that unpack the layers that the storage driver does not have yet."""
    image, driver = prepared.image, prepared.driver
    lowest_first = enumerate(reversed(image.chain_ids))
    layout = ImageLayout(prepared.paths.images)
    return [UnpackLayer(driver, layout, image, position) for position, chain_id in lowest_first if not driver.has(chain_id)]


def _user(record: Record, spec: Spec, drive: StorageDriver) -> tuple[int, int, list[int], str]:
    """Return the user's uid, gid, groups and home as init would find them.

    They are read from the image's layers, because the container's root is not mounted. Raises BadInput if there is no such user.
    """
    try:
        return resolved_user(spec, _in_layers(record, drive, "/etc/passwd"), _in_layers(record, drive, "/etc/group"))
    except BadInput:
        if all(map(drive.has, record["layers"])):
            raise
        return 0, 0, [], "/root"  # the user is a name, and the image's files are not unpacked yet


def _in_layers(record: Record, drive: StorageDriver, path: str) -> str:
    """Return the text of a file as the topmost layer that has it says, '' if no unpacked layer has it."""
    texts = (inroot.read_text(drive.layer(chain_id), path) for chain_id in record["layers"] if drive.has(chain_id))
    return next((text for text in texts if text), "")


def _undo(paths: Paths, record: Record, monitor: list[Step]) -> list[str]:
    """Return the shell commands that remove what outlives the processes of a run: the cgroups and STATE/ID."""
    cgroups = [s.path for s in monitor if isinstance(s, MakeDir) and s.path.endswith(record["id"])]
    return [*(command("rmdir", path) for path in reversed(cgroups)), command("rm", "-rf", paths.running(record["id"]))]


def _removal(paths: Paths, record: Record) -> list[str]:
    return [command("rm", "-rf", paths.container(record["id"]), f"{paths.names}/{record['name']}")]
