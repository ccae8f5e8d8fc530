"""What a start would do, process by process, for --dry-run and --explain=sh: the same plans, made and not executed."""

from __future__ import annotations

from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.engine.create import Prepared
from mydocker.engine.images import UnpackLayer
from mydocker.engine.plans import monitor_plan
from mydocker.engine.script import Plans
from mydocker.engine.start import with_joined
from mydocker.errors import BadInput
from mydocker.images.layout import Layout as ImageLayout
from mydocker.kernel import inroot
from mydocker.runtime import plan
from mydocker.runtime.console import OpenConsole, OwnStandardStreams
from mydocker.runtime.init import resolved_user
from mydocker.runtime.seccomp import filter_for
from mydocker.steps.base import Action, Step, command
from mydocker.steps.files import MakeDir


def plans(prepared: Prepared) -> Plans:
    """Return every plan of one start. Raises what making the real ones would raise."""
    if prepared.record["hostConfig"]["Runtime"]:
        return _foreign_plans(prepared)
    paths, rootfs = prepared.paths, prepared.directory + "/bundle/rootfs"
    layout = Layout.detect(paths)
    cgroup = manager(layout, prepared.spec["linux"]["cgroupsPath"])
    monitor = monitor_plan(paths, prepared.record, prepared.spec, prepared.driver, cgroup)
    early, late = cgroup.enter_steps(0)
    console: list[Step] = [OpenConsole(rootfs, None, None)] if prepared.options.tty else []
    spec = with_joined(paths, prepared.record, prepared.spec)
    return Plans(
        [*prepared.claim_steps(), *_unpacking(prepared), *prepared.bundle_steps()],
        monitor,
        plan.fork(spec),
        [*early, *late],
        plan.early(spec),
        plan.isolate(spec),
        [*plan.build(spec, rootfs), *plan.close(spec, rootfs, layout.container_mounts(cgroup.path), console)],
        _confinement(prepared),
        spec,
        _undo(prepared, monitor),
    )


def _foreign_plans(prepared: Prepared) -> Plans:
    """Return the plans of a start with --runtime: from the root file system on, all is the other runtime's."""
    runtime, bundle = prepared.record["hostConfig"]["Runtime"], prepared.directory + "/bundle"
    monitor = monitor_plan(prepared.paths, prepared.record, prepared.spec, prepared.driver, None)
    line = command(runtime, "run", "--bundle", bundle, prepared.record["id"])
    program = Action(lambda: None, f"execve {line}", f"exec {line}")
    cli = [*prepared.claim_steps(), *_unpacking(prepared), *prepared.bundle_steps()]
    return Plans(cli, monitor, [], [], [], [], [], [program], prepared.spec, _undo(prepared, monitor))


def _confinement(prepared: Prepared) -> list[Step]:
    """Return the steps inside the new root, with the program."""
    spec = prepared.spec
    uid, gid, groups, home = _user(prepared)
    seccomp = spec["linux"].get("seccomp")
    own: list[Step] = [OwnStandardStreams(uid)] if uid else []
    bpf = filter_for(seccomp, prepared.paths.cache) if seccomp else None
    return [*own, *plan.confine(spec, uid, gid, groups, bpf), plan.program(spec, home)]


def _unpacking(prepared: Prepared) -> list[Step]:
    """Return the steps for layers that this storage driver has not unpacked yet."""
    image, driver = prepared.image, prepared.driver
    lowest_first = enumerate(reversed(image.chain_ids))
    layout = ImageLayout(prepared.paths.images)
    return [UnpackLayer(driver, layout, image, position) for position, chain_id in lowest_first if not driver.has(chain_id)]


def _user(prepared: Prepared) -> tuple[int, int, list[int], str]:
    """Return the user as init would find it, from the image's layers: the container's root is not mounted."""
    try:
        return resolved_user(prepared.spec, _in_layers(prepared, "/etc/passwd"), _in_layers(prepared, "/etc/group"))
    except BadInput:
        if all(prepared.driver.has(chain_id) for chain_id in prepared.image.chain_ids):
            raise
        return 0, 0, [], "/root"  # a name, and an image whose files nobody unpacked yet


def _in_layers(prepared: Prepared, path: str) -> str:
    """Return the text of the topmost layer's file of that name."""
    texts = (inroot.read_text(prepared.driver.layer(i), path) for i in prepared.record["layers"] if prepared.driver.has(i))
    return next((text for text in texts if text), "")


def _undo(prepared: Prepared, monitor: list[Step]) -> list[str]:
    """Return the shell commands that remove what outlives the processes: cgroups, state, container, name."""
    cgroups = [s.path for s in monitor if isinstance(s, MakeDir) and s.path.endswith(prepared.record["id"])]
    name = f"{prepared.paths.names}/{prepared.record['name']}"
    return [
        *(command("rmdir", path) for path in reversed(cgroups)),
        command("rm", "-rf", prepared.paths.running(prepared.record["id"]), prepared.directory, name),
    ]
