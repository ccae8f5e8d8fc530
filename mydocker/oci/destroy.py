"""Removing all that there is of a container, complete or half made. Every part is tried, and the problems are returned."""

from __future__ import annotations

from mydocker import store
from mydocker.errors import Error, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import State
    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings
    from mydocker.runtime.spec import Spec
    from mydocker.steps.base import Step


def everything(container: Container, spec: Spec | None) -> list[Error]:
    """Remove a container and return the problems.

    What is left in its cgroups is killed, the cgroups are removed, the poststop hooks are run, and its directory is removed. That a hook
    fails is only a warning in the log (runtime.md, Lifecycle).

    spec: the container's config.json, or None if it is not known.
    """
    problems: list[Error] = []
    if container.record["cgroup"]:
        attempt(problems, _remove_cgroup, container)
    failed: list[Error] = []
    for hook in late_hooks(spec, "poststop", container.state("stopped")):
        attempt(failed, apply, hook)
    for problem in failed:
        container.settings.log("warning", problem.message)
    attempt(problems, store.discard, container.directory)
    return problems


def late_hooks(spec: Spec | None, kind: str, state: State) -> list[Step]:
    """Return the steps of the hooks poststart or poststop. Without hooks, nothing is imported.

    kind: 'poststart' or 'poststop'.
    state: the container's state, for the hooks.
    """
    if not spec or not spec.get("hooks", {}).get(kind):
        return []
    from mydocker.runtime.hooks import hooks

    return hooks(spec, kind, state)


def apply(hook: Step) -> None:
    """Run a hook. Raises StepFailed if it fails."""
    from mydocker.steps.base import Run

    Run("runtime").apply(hook)


def log_problems(settings: Settings, problems: list[Error]) -> None:
    """Write problems of a removal to the log. It is for callers that have another error or status to tell."""
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
