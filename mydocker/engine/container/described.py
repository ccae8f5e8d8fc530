"""What CDI specifications (request/cdi.py) add to a container's config.json."""

from __future__ import annotations

from mydocker.engine.request.devices import device
from mydocker.runtime.users import GROUPS_ANNOTATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import DeviceRule
    from mydocker.engine.request.cdi import CdiHook, CdiMount, ContainerEdits, DeviceNode
    from mydocker.runtime.spec import Device, Hook, Mount, Spec


def add(spec: Spec, edits: list[ContainerEdits]) -> None:
    """Add to a spec what devices need. Raises BadInput if a device is not there."""
    for each in edits:
        _add_variables(spec, each["env"])
        for node in each["deviceNodes"]:
            made, rule = _node(node)
            spec["linux"]["devices"].append(made)
            spec["linux"]["resources"]["devices"].append(rule)
        spec["mounts"] += map(_mount, each["mounts"])
        for hook in each["hooks"]:
            spec.setdefault("hooks", {}).setdefault(hook["hookName"], []).append(_hook(hook))
        groups = [*filter(None, [spec["annotations"][GROUPS_ANNOTATION]]), *map(str, each["additionalGids"])]
        spec["annotations"][GROUPS_ANNOTATION] = ",".join(groups)


def _add_variables(spec: Spec, lines: list[str]) -> None:
    names = {line.partition("=")[0] for line in lines}
    spec["process"]["env"] = [*(line for line in spec["process"]["env"] if line.partition("=")[0] not in names), *lines]


def _node(wanted: DeviceNode) -> tuple[Device, DeviceRule]:
    made, rule = device(wanted.get("hostPath") or wanted["path"], wanted["path"], wanted.get("permissions") or "rwm")
    made["fileMode"] = wanted.get("fileMode", made["fileMode"])
    made["uid"], made["gid"] = wanted.get("uid", made["uid"]), wanted.get("gid", made["gid"])
    return made, rule


def _mount(wanted: CdiMount) -> Mount:
    options = wanted["options"] or ["ro", "nosuid", "nodev", "bind"]
    kind = wanted.get("type") or "bind"
    return {"destination": wanted["containerPath"], "type": kind, "source": wanted["hostPath"], "options": options}


def _hook(wanted: CdiHook) -> Hook:
    hook: Hook = {"path": wanted["path"], "args": wanted["args"] or [wanted["path"]]}
    if wanted["env"]:
        hook["env"] = wanted["env"]
    if "timeout" in wanted:
        hook["timeout"] = wanted["timeout"]
    return hook
