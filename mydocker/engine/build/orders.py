"""What a build is told, what it calls, and the step that executes one instruction and whose failure names the instruction's line."""

from __future__ import annotations

from mydocker.errors import Error, NoCache, StepFailed
from mydocker.steps.base import Step
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mydocker.engine.build.context import BuildContext
    from mydocker.engine.build.elsewhere import Caches
    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.secrets import Secret
    from mydocker.engine.build.sources import Context
    from mydocker.engine.build.telling import LineByLine
    from mydocker.engine.build.wantedcaches import CacheFrom
    from mydocker.engine.build.workplace import Workplace
    from mydocker.engine.catalog.images import Image
    from mydocker.engine.record.containers import Record
    from mydocker.engine.request.options import Options
    from mydocker.images.dockerfile import Instruction
    from mydocker.paths import Paths
    from mydocker.steps.base import Run


class Asked(Value):
    """What a build asks of a container, besides the limits that all of its containers have."""

    image: str  # its id
    command: list[str]
    entrypoint: str = ""  # '' for the image's, of which a build's images have none
    network: str = "none"
    directory: str = ""
    user: str = ""
    privileged: bool = False
    environment: Sequence[str] = ()  # NAME=VALUE


class Building:
    """What a build is told, and the functions that it calls.

    tell: is told what happens
    options: returns the options of a container, with the limits
    start: starts a container whose lock is given with more variables, shows its output, and returns its exit status
    pull: gets an image by its name and platform
    arguments: the values of --build-arg
    predefined: the arguments that every build has, such as TARGETARCH
    labels: the values of --label
    annotations: the values of --annotation
    network: the network of RUN, '' for the bridge
    limits: the limits of every RUN, as the layers depend on them
    secrets: what --secret gives, by id
    agents: what --ssh gives: sockets or keys, by id
    allowed: the values of --allow
    contexts: what --build-context gives, by name in lower case: a context, or the name of an image
    platform: the value of --platform, '' for the host's
    use_cache: whether layers of earlier builds are used
    cache_from: the images whose builds alone are used then, if there are some
    wanted_caches: the caches elsewhere that are used too
    caches: what they have, None before they are read and if there is nothing in them
    is_inline: whether the image's configuration says what it is worth as a cache
    begun_anew: the keys of the caches that this build has emptied
    show_side: prints whole lines of a child process that builds a stage beside another one, given which descriptor they were written to,
        1 or 2. None: stages are built one after the other
    begin_side: is called first in such a child: from then on it tells everything by these descriptors
    fresh: names of stages in lower case whose layers are made anew, from --no-cache-filter
    name: the Dockerfile's, for errors
    """

    def __init__(
        self,
        paths: Paths,
        context: BuildContext,
        run: Run,
        tell: LineByLine,
        options: Callable[[Asked], Options],
        start: Callable[[Record, int, list[str]], int],
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
        self.annotations: dict[str, str] = {}
        self.network = ""
        self.limits: Sequence[str] = ()
        self.secrets: dict[str, Secret] = {}
        self.agents: dict[str, list[str]] = {}
        self.allowed: set[str] = set()
        self.contexts: dict[str, Context | str] = {}
        self.platform = ""
        self.use_cache = True
        self.cache_from: list[Image] = []
        self.wanted_caches: Sequence[CacheFrom] = ()
        self.caches: Caches | None = None
        self.is_inline = False
        self.show_side: Callable[[int, bytes], None] | None = None
        self.begin_side: Callable[[], None] = lambda: None
        self.begun_anew: set[str] = set()
        self.fresh: set[str] = set()
        self.name = "Dockerfile"

    def opened(self, progress: Progress) -> Workplace:
        """Return a container of a stage that is never started: its files are read, or changed from outside."""
        from mydocker.engine.build.workplace import Workplace  # imported here, because what is cached needs none

        self.bring(progress)
        return Workplace(self.paths, progress, self.options(Asked(image=progress.image, command=["true"])), self.run)

    def bring(self, progress: Progress) -> None:
        """Bring in the layers of a stage that lie in a cache elsewhere. Raises NoCache."""
        if not progress.image and self.caches:
            self.caches.bring(progress)


class RunInstruction(Step):
    """Execute one instruction."""

    how: Building
    instruction: Instruction
    action: Callable[[Instruction], None]

    def apply(self) -> None:
        try:
            self.action(self.instruction)
        except NoCache:
            raise
        except Error as error:
            self.how.tell.has_failed(self.instruction.line)
            place = f"{self.how.name}:{self.instruction.line}"
            if error.message.startswith(place):
                raise
            raise StepFailed(f"{place}: {self.instruction.source}: {error.message}", hint=error.hint) from error

    def describe(self) -> str:
        return f"{self.how.name}:{self.instruction.line} {self.instruction.source}"
