"""--explain=html looks at a container right before its program begins, when all is made, and the page shows what has changed.

Without that a short program has ended before anybody can look. So the start is stopped there as by --stop-after, and goes on at once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mydocker import explaining
from mydocker.engine.view.containertree import process_view
from mydocker.steps.confinement import LoadSeccomp
from mydocker.steps.process import Exec

if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.cli.base import Teller
    from mydocker.engine.monitor.client import Client
    from mydocker.engine.view.script import Plans
    from mydocker.messages import Explanation
    from mydocker.paths import Paths


class Looking:
    """A start that is looked at. teller: is shown what this process had before, and the container's first one right before its program"""

    def __init__(self, paths: Paths, whole: Plans, teller: Teller) -> None:
        self.paths = paths
        self.teller = teller
        read, self.answers = os.pipe()
        # What is told before it is done stops nothing.
        steps = [step for who, step in whole.every() if who == "init" and not isinstance(step, (Exec, LoadSeccomp))]
        self.stop = explaining.Stop(steps[-1].describe(), read)
        self.before = process_view(paths, "self")

    def own(self, who: str, step: explaining.Told, seconds: float) -> None:
        """Let this process go on."""

    def hear(self, told: Explanation) -> None:
        """Look at another process that waits, and let it go on whatever comes of that."""
        try:
            self.teller.show(self.before, process_view(self.paths, told["pid"] or "self"))
        finally:
            os.write(self.answers, explaining.GO_ON)

    def started(self, start: Callable[[], Client]) -> Client:
        """Return the client of a start."""
        return start()
