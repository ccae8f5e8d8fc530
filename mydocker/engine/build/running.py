"""RUN: an ordinary container of the image so far, with the mounts of --mount."""

from __future__ import annotations

from mydocker.engine.build.context import digest
from mydocker.engine.build.mounts import parse
from mydocker.engine.build.orders import Asked
from mydocker.engine.build.wanted import Wanted
from mydocker.errors import StepFailed
from mydocker.images import change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.build.mounts import RunMount
    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.private import PrivateMounts
    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.sources import Context, Source
    from mydocker.images.dockerfile import Instruction

# Build arguments that a Dockerfile need not declare (docker's list). They are in no history, and they do not count for the cache.
PROXIES = {name for word in ("http", "https", "ftp", "no", "all") for name in (f"{word}_proxy", f"{word}_proxy".upper())}
# Where BuildKit puts a here-document that is a program of its own.
_SCRIPTS = "/dev/pipes"
_FAILED = "returned a non-zero code: "


class Running:
    """One RUN.

    find: returns what the `from` of a mount names, the build's context for ''
    anew: whether its caches begin anew
    """

    def __init__(
        self, how: Building, progress: Progress, instruction: Instruction, find: Callable[[str], Source | Context], anew: bool
    ) -> None:
        self.how = how
        self.progress = progress
        self.instruction = instruction
        self.find = find
        self.anew = anew
        settings = progress.settings
        self.directory = settings.get("WorkingDir") or "/"
        variables = change.variables_of(settings, progress.arguments)
        self.mounts: list[RunMount] = [parse(text, variables, self.directory) for text in instruction.lists.get("mount", [])]
        self.script = _script(instruction)
        self.argv = [f"{_SCRIPTS}/{instruction.heredocs[0].name}"] if self.script else change.argv(_with_heredocs(instruction), settings)
        self.visible = progress.arguments
        wanted = instruction.flags.get("network", "default")
        self.network = wanted if wanted != "default" else how.network or "bridge"

    def seen(self) -> str:
        """Return what the layer depends on besides the instruction's text.

        The content of a bind counts, and what a cache begins with. What caches and secrets hold does not.
        """
        sources = [self._seen(mount) for mount in self.mounts]
        return repr((self.argv, self.script, sorted(self.visible.items()), self.network, self.how.limits, sources))

    def _seen(self, mount: RunMount) -> str:
        if mount.kind != "bind" and not mount.origin:
            return repr(mount)
        return repr(mount) + digest(self.find(mount.origin), Wanted(patterns=[mount.source or "/"]))

    def asked(self, environment: dict[str, str]) -> Asked:
        """Return what the container is to be."""
        return Asked(
            image=self.progress.image,
            command=self.argv[1:],
            entrypoint=self.argv[0],
            network=self.network if self.network != "default" else "bridge",
            directory=self.directory,
            user=self.progress.settings.get("User") or "",
            privileged=self.instruction.flags.get("security") == "insecure",
            environment=[f"{key}={value}" for key, value in environment.items()],
        )

    def execute(self, private: PrivateMounts) -> None:
        """Run the command, and make a layer of what it changes. Raises StepFailed if it fails."""
        from mydocker.engine.build.showing import Showing  # imported here, because what is cached does not run
        from mydocker.engine.build.workplace import Workplace

        proxies = {key: value for key, value in self.how.arguments.items() if key in PROXIES}
        with Showing(self.how, private, self.find, self.anew) as showing:
            showing.add(self.mounts)
            if self.script:
                showing.script(self.script, self.argv[0])
            showing.look(self.progress)
            environment = {**showing.variables, **proxies, **change.environment(self.progress.settings), **self.visible}
            options = self.how.options(self.asked(environment))
            options.mounts = showing.points
            with Workplace(self.how.paths, self.progress, options, self.how.run) as place:
                self.how.tell.runs(place.id)
                status = place.start(self.how.start, showing.secrets)
                if status:
                    raise StepFailed(f"the command '{' '.join(self.argv)}' {_FAILED}{status}")
                place.commit(self.progress, self.instruction.source, showing.stubs)
            self.how.tell.has_run(place.id)


def status_of(error: StepFailed) -> int:
    """Return the exit status of the command that failed, by the error that tells of it; 0 for any other error."""
    _, told, status = error.message.rpartition(_FAILED)
    return int(status) if told and status.isdecimal() else 0


def _script(instruction: Instruction) -> str:
    """Return the here-document that is a program of its own, '' if there is none: RUN has nothing else, and it begins with #!."""
    return instruction.heredocs[0].content if _is_lone(instruction) and instruction.heredocs[0].content.startswith("#!") else ""


def _is_lone(instruction: Instruction) -> bool:
    return [heredoc.word for heredoc in instruction.heredocs] == [instruction.text]


def _with_heredocs(instruction: Instruction) -> str:
    """Return RUN's command. If RUN has nothing but one here-document, that is what the shell executes. Otherwise the shell reads them."""
    if not instruction.heredocs:
        return instruction.text
    if _is_lone(instruction):
        return instruction.heredocs[0].content
    return instruction.text + "\n" + "".join(f"{heredoc.content}{heredoc.name}\n" for heredoc in instruction.heredocs)
