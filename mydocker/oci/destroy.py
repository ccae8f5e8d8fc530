"""Removing what there is of a container, whole or half made: every part is tried, problems are returned."""

from __future__ import annotations

from mydocker import store
from mydocker.errors import Error, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings
    from mydocker.runtime.hooks import State
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Step


def everything(container: Container, spec: Spec | None) -> list[Error]:
    """Kill what is left in the cgroups, remove them, run the poststop hooks, remove the state. spec: None where it is not known."""
    problems: list[Error] = []
    if container.record["cgroup"]:
        attempt(problems, _remove_cgroup, container)
    for hook in late_hooks(spec, "poststop", container.state("stopped")):
        attempt(problems, apply, hook)
    attempt(problems, store.discard, container.directory)
    return problems


def late_hooks(spec: Spec | None, kind: str, state: State) -> list[Step]:
    """Return the hooks of poststart or poststop; nothing is imported for none."""
    if not spec or not spec.get("hooks", {}).get(kind):
        return []
    from mydocker.runtime.hooks import hooks

    return hooks(spec, kind, state)


def apply(hook: Step) -> None:
    """Run a hook. Raises StepFailed."""
    from mydocker.steps.base import Run

    Run("runtime").apply(hook)


def log_problems(settings: Settings, problems: list[Error]) -> None:
    """Tell the log what could not be removed, where something else is to be told to the caller."""
    for problem in problems:
        settings.log("warning", f"not cleaned up: {problem.message}")


def _remove_cgroup(container: Container) -> None:
    manager = container.cgroup()
    if not manager.remove_empty():
        if container.is_frozen():
            manager.freeze(False)
        manager.kill()
        manager.remove()
    if container.record["systemd"]:
        from mydocker.oci.systemd import stop_scope

        stop_scope(container.record["cgroup"])
