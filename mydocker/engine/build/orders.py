"""What a build is told, what it calls, and the step that executes one instruction and whose failure names the instruction's line."""

from __future__ import annotations

from mydocker.errors import Error, StepFailed
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.build.context import BuildContext
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Options
    from mydocker.images.dockerfile import Instruction
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


class Building:
    """What a build is told, and the functions that it calls.

    tell: prints a line
    options: returns the options that the words after `mydocker create` mean
    start: starts a container whose lock is given, shows its output, and returns its exit status
    pull: gets an image by its name and platform
    arguments: the values of --build-arg
    predefined: the arguments that every build has, such as TARGETARCH
    labels: the values of --label
    network: the network of RUN, '' for the bridge
    use_cache: whether layers of earlier builds are used
    name: the Dockerfile's, for errors
    """

    def __init__(
        self,
        paths: Paths,
        context: BuildContext,
        run: Run,
        tell: Callable[[str], None],
        options: Callable[[list[str]], Options],
        start: Callable[[Record, int], int],
        pull: Callable[[str, str], None],
    ) -> None:
        self.paths = paths
        self.context = context
        self.run = run
        self.tell = tell
        self.options = options
        self.start = start
        self.pull = pull
        self.arguments: dict[str, str] = {}
        self.predefined: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.network = ""
        self.use_cache = True
        self.name = "Dockerfile"


class RunInstruction(Step):
    """Execute one instruction."""

    name: str  # of the Dockerfile
    instruction: Instruction
    action: Callable[[Instruction], None]

    def apply(self) -> None:
        try:
            self.action(self.instruction)
        except Error as error:
            place = f"{self.name}:{self.instruction.line}"
            if error.message.startswith(place):
                raise
            raise StepFailed(f"{place}: {self.instruction.source}: {error.message}", hint=error.hint) from error

    def describe(self) -> str:
        return f"{self.name}:{self.instruction.line} {self.instruction.source}"
