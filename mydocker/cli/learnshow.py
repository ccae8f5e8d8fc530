"""What `learn show` prints: those steps of a start that a lesson is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mydocker.cli.explain import text as told
from mydocker.cli.lean import values
from mydocker.cli.run import run
from mydocker.engine.container.create import prepare
from mydocker.engine.request.flags import parse
from mydocker.engine.view.describe import plans
from mydocker.explaining import planned
from mydocker.width import terminal_width

if TYPE_CHECKING:
    from mydocker.learn.lessons import Checked
    from mydocker.paths import Paths


def shown(paths: Paths, lesson: Checked, language: str) -> list[str]:
    """Return the lines. paths: where the image busybox is; nothing is made there."""
    flags = values(run, ["--rm", *lesson.RUN])
    whole = plans(prepare(paths, parse(flags)))
    steps = [planned(who, step) for who, step in whole.every() if re.search(lesson.STEPS, step.describe())]
    return told.text(steps, told.names(paths, steps), terminal_width(err=False), language, why=True)
