"""Filling the volumes of a container that is only created, as docker does. What cp brings there before the first start joins that."""

from __future__ import annotations

from mydocker.engine.container.children import Child
from mydocker.engine.monitor.plans import Populate, populate_plan
from mydocker.engine.record import state
from mydocker.steps.base import Action, Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.container.create import Prepared
    from mydocker.steps.base import Step


def steps(prepared: Prepared) -> list[Step]:
    """Return the step that fills the container's volumes, if it has any to fill. The root file system is mounted for a child only."""
    plan = populate_plan(prepared.paths, prepared.record, prepared.spec, prepared.driver)
    if not plan:
        return []

    def fill() -> None:
        try:
            Child(lambda: Run("create").execute(plan)).wait()
        finally:
            state.clear(prepared.paths, prepared.record["id"])

    told = [step.describe() for step in plan if isinstance(step, Populate)]
    return [Action(fill, "; ".join(told))]
