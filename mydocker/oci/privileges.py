"""The check of which capabilities can be granted.

Others are left out with a warning, as the specification wants it (config.md, Linux Process).
"""

from __future__ import annotations

from mydocker.kernel.capabilities import NUMBERS, available

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Process


def grantable(process: Process, has_user_namespace: bool, settings: Settings) -> Process:
    """Return an object `process` with only the capabilities that a container can have here. Those that it loses are logged.

    has_user_namespace: whether the container has a user namespace. There all capabilities can be granted.
    """
    asked = process["capabilities"]
    if not asked:
        return process
    held = set(NUMBERS) if has_user_namespace else set(available())
    sets = {kind: [name for name in names if name in held] for kind, names in asked.items()}
    # The ambient set may have only capabilities that are permitted and inheritable too (capabilities(7)).
    inherited = set(sets.get("permitted", [])) & set(sets.get("inheritable", []))
    sets["ambient"] = [name for name in sets.get("ambient", []) if name in inherited]
    for kind, names in asked.items():
        lost = [name for name in names if name not in sets[kind]]
        if lost:
            settings.log("warning", f"{kind} capabilities that cannot be granted here: {' '.join(lost)}")
    return {**process, "capabilities": sets}
