"""build: make an image from a Dockerfile's instructions, one after the other.

FROM begins an image (progress.py). Settings change its configuration. RUN runs an ordinary container of its layers. COPY, ADD and
WORKDIR copy files into a container that is never started. What changed in the container becomes the next layer. Each instruction has
a key, which stands for all before it, its own text, and the variables and files that it sees. If an earlier build has left a layer
for the same key, that layer is used.
"""

from __future__ import annotations

import os

from mydocker.engine.build import copying
from mydocker.engine.build.context import Source
from mydocker.engine.build.orders import Building, RunInstruction
from mydocker.engine.build.progress import Progress, Workplace, cached, from_image, from_nothing, from_stage, publish, reuse
from mydocker.engine.build.stages import Stage, Stages, declared
from mydocker.engine.catalog import images
from mydocker.engine.container.spec import PATH
from mydocker.errors import BadInput, Error, StepFailed
from mydocker.images import change, dockerfile, index
from mydocker.images.draft import StoreImage
from mydocker.images.layout import ImageLayout
from mydocker.images.naming import NameImage
from mydocker.images.words import expand, split
from mydocker.steps.base import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mydocker.images.dockerfile import Instruction
    from mydocker.images.reference import Reference

# Build arguments that a Dockerfile need not declare (docker's list). They are in no history, and they do not count for the cache.
_PROXIES = {name for word in ("http", "https", "ftp", "no", "all") for name in (f"{word}_proxy", f"{word}_proxy".upper())}
_FLAGS = {"RUN": {"network"}, "COPY": {"from", "chown", "chmod", "link"}, "ADD": {"chown", "chmod", "link", "checksum"}}
# The flags of COPY and ADD in whose values variables are replaced.
_EXPANDED = {"chown", "chmod", "checksum"}


# The flags of a container that is never started.
_IDLE = ["--network", "none"]


def build(how: Building, stages: Stages, target: str, references: Sequence[Reference]) -> str:
    """Build a stage and the stages that it needs. Return the image's id, or '' in a dry run. Raises the first failure.

    target: the stage's name or number, '' for the last one
    references: the names that the image gets
    """
    wanted = stages.target(target)
    needed = stages.needed(wanted)
    work = _Work(how, stages, sum(1 + len(stage.instructions) for stage in needed))
    for stage in needed:
        how.run.execute(work.steps(stage))
    if not how.run.done:
        return ""
    for key in sorted(set(how.arguments) - work.consumed - _PROXIES):
        how.tell(f"[Warning] build-arg {key} was not consumed")
    progress = work.begun[wanted.number]
    if how.labels:
        labels = {**progress.settings.get("Labels", {}), **how.labels}
        progress.set({**progress.settings, "Labels": labels}, "LABEL " + " ".join(f"{k}={v}" for k, v in how.labels.items()))
    progress.advance("image")
    # If nothing changed, this is the image of the earlier build, and not a new one that only differs in its times.
    built = cached(how.paths, progress.key) if how.use_cache else None
    if not built:
        with publish(how.paths, progress) as draft:
            how.run.apply(StoreImage(draft, references[0] if references else None, {index.BUILT: progress.key}))
            built = images.find(how.paths, f"sha256:{draft.image_id}")
    how.run.execute(NameImage(ImageLayout(how.paths.images), built.entry, reference) for reference in references)
    return built.id


class _Work:
    """The work on a Dockerfile's stages.

    count: how many instructions there are, for 'Step 1/5'
    number: how many of them were announced
    consumed: the build arguments that an ARG has declared
    begun: {a stage's number: how far it has come}
    stage: the stage that is being built
    fresh: whether layers are made anew, and not taken from an earlier build
    """

    def __init__(self, how: Building, stages: Stages, count: int) -> None:
        self.how = how
        self.stages = stages
        self.count = count
        self.number = 0
        self.consumed: set[str] = set()
        self.begun: dict[int, Progress] = {}
        self.stage = stages.all[0]
        self.fresh = not how.use_cache

    def steps(self, stage: Stage) -> Iterator[Step]:
        """Yield a stage's steps. The ONBUILD triggers of its base image are among them."""
        self.stage = stage
        self.consumed |= self.stages.arguments.keys()
        self.fresh = not self.how.use_cache
        yield RunInstruction(self.how.name, stage.opening, self._from)
        triggers: list[Instruction] = []
        if stage.number in self.begun:
            kept = self.progress.settings.pop("OnBuild", [])
            triggers = [dockerfile.one(text, stage.opening.line, self.how.name) for text in kept]
            yield from self._sources_of(triggers, stage)
        for trigger in triggers:
            self.how.tell(f"# Executing build trigger: {trigger.source}")
            yield RunInstruction(self.how.name, trigger, self._triggered)
        for instruction in stage.instructions:
            yield RunInstruction(self.how.name, instruction, self._apply)

    def _sources_of(self, triggers: list[Instruction], stage: Stage) -> Iterator[Step]:
        """Yield the steps of the stages that ONBUILD triggers copy from and that are not built yet. Only the base image names them."""
        for name in [trigger.flags["from"] for trigger in triggers if trigger.flags.get("from")]:
            earlier = self.stages.find(name, stage.number)
            for needed in self.stages.needed(earlier) if earlier else []:
                if needed.number not in self.begun:
                    self.count += 1 + len(needed.instructions)
                    yield from self.steps(needed)
        self.stage, self.fresh = stage, not self.how.use_cache

    @property
    def progress(self) -> Progress:
        return self.begun[self.stage.number]

    def _announce(self, instruction: Instruction) -> None:
        self.number += 1
        self.how.tell(f"Step {self.number}/{self.count} : {instruction.source}")

    def _from(self, instruction: Instruction) -> None:
        self._announce(instruction)
        earlier = self.stages.find(self.stage.base, self.stage.number)
        if earlier:
            progress = from_stage(self.begun[earlier.number])
        elif self.stage.base == "scratch":
            progress = from_nothing(self.how.paths)
        else:
            self.how.pull(self.stage.base, self.stage.platform)
            progress = from_image(images.find(self.how.paths, self.stage.base))
        if "PATH" not in change.environment(progress.settings):
            progress.document["config"] = {**progress.settings, "Env": [*progress.settings.get("Env", []), f"PATH={PATH}"]}
        self.begun[self.stage.number] = progress
        self._done()

    def _done(self) -> None:
        self.how.tell(f" ---> {self.progress.image[:12]}")

    def _apply(self, instruction: Instruction) -> None:
        self._announce(instruction)
        self._triggered(instruction)
        self._done()

    def _triggered(self, instruction: Instruction) -> None:
        unknown = set(instruction.flags) - _FLAGS.get(instruction.name, set())
        if unknown:
            expected = ", ".join(f"--{name}" for name in sorted(_FLAGS.get(instruction.name, ())))
            raise BadInput(f"--{min(unknown)} is not known here", f"known: {expected}")
        if instruction.name in change.NAMES:
            self._set(instruction)
        else:
            {"ARG": self._arg, "RUN": self._run, "COPY": self._copy, "ADD": self._copy, "MAINTAINER": self._maintainer}[instruction.name](
                instruction
            )

    def _maintainer(self, instruction: Instruction) -> None:
        self.progress.document["author"] = instruction.text
        self.progress.set(self.progress.settings, instruction.source)
        self.progress.advance(instruction.source)

    def _arg(self, instruction: Instruction) -> None:
        progress = self.progress
        for key, default in declared(instruction.text, change.variables_of(progress.settings, progress.arguments)):
            self.consumed.add(key)
            known = self.how.arguments.get(key, default)
            if known is None:
                known = self.stages.arguments.get(key, self.how.predefined.get(key))
            if known is not None:
                progress.arguments[key] = known
        progress.set(progress.settings, instruction.source)
        progress.advance(instruction.source)

    def _set(self, instruction: Instruction) -> None:
        progress = self.progress
        before = progress.settings
        settings = change.instruction(instruction.name, instruction.text, before, progress.arguments)
        if instruction.name == "CMD":
            progress.has_own_command = True
        if instruction.name == "ENTRYPOINT" and not progress.has_own_command:
            settings.pop("Cmd", None)
        if instruction.name != "WORKDIR":
            progress.set(settings, instruction.source)
            progress.advance(instruction.name, repr(sorted(settings.items())))
            return
        progress.document["config"] = settings
        directory = settings["WorkingDir"]
        self._layer(instruction, directory, lambda place: copying.make_directory(place.container(), directory), [])

    def _layer(self, instruction: Instruction, seen: str, act: Callable[[Workplace], None], words: list[str]) -> None:
        """Make the layer of an instruction, or take the layer that an earlier build has made.

        seen: what the layer depends on besides the instruction's text
        act: makes the changes in a container
        words: the words after `mydocker create` for that container, [] for one that is never started
        """
        progress = self.progress
        progress.advance(instruction.source, seen)
        known = None if self.fresh else cached(self.how.paths, progress.key)
        if known:
            self.how.tell(" ---> Using cache")
            reuse(progress, known)
            return
        # All layers above a new one have to be new too.
        self.fresh = True
        options = self.how.options(words or [*_IDLE, progress.image, "true"])
        with Workplace(self.how.paths, progress, options, self.how.run) as place:
            act(place)
            place.commit(progress, instruction.source)

    def _run(self, instruction: Instruction) -> None:
        progress = self.progress
        text = _with_heredocs(instruction)
        argv = change.argv(text, progress.settings)
        visible = {key: value for key, value in progress.arguments.items() if key not in change.environment(progress.settings)}
        proxies = {key: value for key, value in self.how.arguments.items() if key in _PROXIES}
        network = instruction.flags.get("network") or self.how.network
        words = ["--network", network] if network not in ("", "default") else ["--network", "bridge"]
        words += ["--no-healthcheck", "--entrypoint", argv[0], "-w", progress.settings.get("WorkingDir") or "/"]
        words += ["-u", progress.settings["User"]] if progress.settings.get("User") else []
        environment = {**proxies, **visible, **change.environment(progress.settings)}
        words += [word for key, value in environment.items() for word in ("-e", f"{key}={value}")]

        def act(place: Workplace) -> None:
            self.how.tell(f" ---> Running in {place.id[:12]}")
            status = place.start(self.how.start)
            if status:
                raise StepFailed(f"the command '{' '.join(argv)}' returned a non-zero code: {status}")

        self._layer(instruction, repr((argv, sorted(visible.items()), network)), act, [*words, progress.image, *argv[1:]])

    def _copy(self, instruction: Instruction) -> None:
        progress = self.progress
        variables = change.variables_of(progress.settings, progress.arguments)
        flags = {key: expand(value, variables) if key in _EXPANDED else value for key, value in instruction.flags.items()}
        meant = dockerfile.Instruction(instruction.name, flags, instruction.text, instruction.heredocs, instruction.line)
        copying = self.how.context.copying(meant, _paths(instruction, variables), self._source(instruction), variables)
        destination = copying.destination
        if not destination.startswith("/"):
            copying.destination = os.path.join(progress.settings.get("WorkingDir") or "/", destination)
        seen = repr((copying.digest(), copying.destination, copying.owner.chown, copying.owner.chmod))
        self._layer(instruction, seen, lambda place: copying.into(place.container()), [])

    def _source(self, instruction: Instruction) -> Source | None:
        """Return the source that --from names, an earlier stage or an image, or None for the context."""
        name = instruction.flags.get("from", "")
        if not name:
            return None
        earlier = self.stages.find(name, self.stage.number)
        if earlier:
            progress = self.begun[earlier.number]
            return Source(key=progress.key, open=lambda: self._opened(progress))
        try:
            self.how.pull(name, "")
        except Error as error:
            raise StepFailed(f"no earlier stage is called {name!r}, and no image: {error.message}", hint=error.hint) from error
        progress = from_image(images.find(self.how.paths, name))
        return Source(key=progress.key, open=lambda: self._opened(progress))

    def _opened(self, progress: Progress) -> Workplace:
        options = self.how.options([*_IDLE, progress.image, "true"])
        return Workplace(self.how.paths, progress, options, self.how.run)


def _with_heredocs(instruction: Instruction) -> str:
    """Return RUN's command. If RUN has nothing but one here-document, that is the script. Otherwise the shell reads them."""
    if not instruction.heredocs:
        return instruction.text
    lone = len(instruction.heredocs) == 1 and instruction.text.lstrip("<-").strip("'\"") == instruction.heredocs[0].name
    if lone:
        return instruction.heredocs[0].content
    return instruction.text + "\n" + "".join(f"{heredoc.content}{heredoc.name}\n" for heredoc in instruction.heredocs)


def _paths(instruction: Instruction, variables: Mapping[str, str]) -> list[str]:
    """Return the sources and the destination of COPY or ADD, with their variables replaced. Raises BadInput for fewer than two."""
    listed = change.json_list(instruction.text)
    words = [expand(word, variables) for word in (split(instruction.text) if listed is None else listed)]
    if len(words) < 2:
        raise BadInput("requires at least two arguments, but only one was provided: expected SOURCE... DESTINATION")
    return words
