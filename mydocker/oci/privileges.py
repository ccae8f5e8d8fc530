"""Capabilities that cannot be granted are left out with a warning, as the specification wants it (config.md, Linux Process)."""

from __future__ import annotations

from mydocker.kernel.capabilities import NUMBERS, available

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Process


def grantable(process: Process, has_user_namespace: bool, settings: Settings) -> Process:
    """Return an object `process` with the capabilities that a container can have here; what it loses is logged."""
    asked = process["capabilities"]
    if not asked:
        return process
    held = set(NUMBERS) if has_user_namespace else set(available())
    sets = {kind: [name for name in names if name in held] for kind, names in asked.items()}
    # The kernel raises in the ambient set only what is permitted and inheritable (capabilities(7)).
    inherited = set(sets.get("permitted", [])) & set(sets.get("inheritable", []))
    sets["ambient"] = [name for name in sets.get("ambient", []) if name in inherited]
    for kind, names in asked.items():
        lost = [name for name in names if name not in sets[kind]]
        if lost:
            settings.log("warning", f"{kind} capabilities that cannot be granted here: {' '.join(lost)}")
    return {**process, "capabilities": sets}
