"""The work on a Dockerfile's instructions, one after the other.

FROM begins an image (progress.py). Settings change its configuration. RUN runs an ordinary container of its layers. COPY, ADD and
WORKDIR copy files into a container that is never started. What changed in the container becomes the next layer. Each instruction has
a key, which stands for all before it, its own text, and the variables and files that it sees. If an earlier build has left a layer
for the same key, that layer is used.
"""

from __future__ import annotations

import os

from mydocker.engine.build.checks import check_one
from mydocker.engine.build.context import read_copy
from mydocker.engine.build.named import begin, source_of
from mydocker.engine.build.orders import Building, RunInstruction
from mydocker.engine.build.progress import SHORT, Progress, cached, from_nothing, passed, restored, reuse, saved
from mydocker.engine.build.running import Running
from mydocker.engine.build.stages import Stage, Stages, declared, origins
from mydocker.images import change, dockerfile
from mydocker.steps.base import Run, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from mydocker.engine.build.private import PrivateMounts
    from mydocker.engine.build.sources import Context, Source
    from mydocker.engine.build.workplace import Workplace
    from mydocker.images.dockerfile import Instruction


class Work:
    """The work on a Dockerfile's stages.

    count: how many instructions there are, for 'Step 1/5'
    number: how many of them were announced
    first: {a stage's number: how many instructions stand before it}
    consumed: the build arguments that an ARG has declared
    begun: {a stage's number: how far it has come}
    stage: the stage that is being built
    fresh: whether layers are made anew, and not taken from an earlier build
    met: the keys of instructions without a layer that earlier builds have met
    """

    def __init__(self, how: Building, stages: Stages, count: int) -> None:
        self.how = how
        self.stages = stages
        self.count = count
        self.number = 0
        self.first: dict[int, int] = {}
        self.consumed: set[str] = set()
        self.begun: dict[int, Progress] = {}
        self.stage = stages.all[0]
        self.fresh = not how.use_cache
        self.met = passed(how.paths, how.cache_from) | {key[:SHORT] for key in (how.caches.keys if how.caches else ())}
        self._private: PrivateMounts | None = None

    @property
    def private(self) -> PrivateMounts:
        """The mount namespace of what this process builds."""
        from mydocker.engine.build.private import PrivateMounts  # imported here, because what is cached needs none

        if not self._private:
            self._private = PrivateMounts(f"{self.how.context.scratch}/mounts", Run("build", self.how.run.observer))
        return self._private

    def leave(self) -> None:
        """Take down what is mounted there."""
        if self._private:
            self._private.leave()

    def build(self, needed: list[Stage]) -> None:
        """Build stages, of which some need others. Raises the first failure."""
        counts = [1 + len(stage.instructions) for stage in needed]
        self.first = {stage.number: sum(counts[:place]) for place, stage in enumerate(needed)}
        if self.how.show_side and len(needed) > 1:
            from mydocker.engine.build.sides import build_side_by_side  # imported here, because most builds have one stage

            build_side_by_side(needed, lambda stage: self.stages.needed(stage)[:-1], self, self.how.show_side)
        else:
            for stage in needed:
                self.here(stage)

    def here(self, stage: Stage) -> None:
        """Build a stage in this process."""
        self.number = self.first[stage.number]
        self.how.run.execute(self.steps(stage))

    def label(self, stage: Stage, labels: list[tuple[str, str]]) -> None:
        """Give a stage that is built the labels of --label, each as an instruction at its end."""
        self.stage, self.number = stage, self.count - len(labels)
        for key, value in labels:
            source = f"LABEL {key}={value}"
            self._announce(source)
            settings = self.progress.settings
            self.progress.set({**settings, "Labels": {**settings.get("Labels", {}), key: value}}, source)
            self._pass(source)
            self._done()

    def aside(self, stage: Stage) -> Any:
        """Build a stage in a child process, and return what its parent has to know."""
        self.how.begin_side()
        self.how.context.scratch += f"/stage-{stage.number}"
        os.makedirs(self.how.context.scratch, exist_ok=True)  # it is there if the build has begun again without a cache
        self._private = None
        before = set(self.begun)
        try:
            self.here(stage)
        finally:
            self.leave()
        return {key: saved(self.begun[key]) for key in set(self.begun) - before}, list(self.consumed), list(self.how.begun_anew)

    def take(self, told: Any) -> None:
        """Take what a child process has returned."""
        begun, consumed, emptied = told
        self.begun |= {key: restored(data) for key, data in begun.items()}
        self.consumed |= set(consumed)
        self.how.begun_anew |= set(emptied)

    def steps(self, stage: Stage) -> Iterator[Step]:
        """Yield a stage's steps. The ONBUILD triggers of its base image are among them."""
        self.stage = stage
        self.consumed |= self.stages.arguments.keys()
        self.fresh = self._is_fresh(stage)
        yield RunInstruction(self.how, stage.opening, self._from)
        triggers: list[Instruction] = []
        if stage.number in self.begun:
            kept = self.progress.settings.pop("OnBuild", [])
            triggers = [dockerfile.one(text, stage.opening.line, self.how.name) for text in kept]
            for trigger in triggers:
                check_one(self.how, trigger)
            yield from self._sources_of(triggers, stage)
        for trigger in triggers:
            self.how.tell.triggers(trigger.source)
            yield RunInstruction(self.how, trigger, self._triggered)
        for instruction in stage.instructions:
            yield RunInstruction(self.how, instruction, self._apply)

    def _sources_of(self, triggers: list[Instruction], stage: Stage) -> Iterator[Step]:
        """Yield the steps of the stages that ONBUILD triggers copy from and that are not built yet. Only the base image names them."""
        for name in [name for trigger in triggers for name in origins(trigger)]:
            earlier = self.stages.find(name, stage.number)
            for needed in self.stages.needed(earlier) if earlier else []:
                if needed.number not in self.begun:
                    self.count += 1 + len(needed.instructions)
                    yield from self.steps(needed)
        self.stage, self.fresh = stage, self._is_fresh(stage)

    def _is_fresh(self, stage: Stage) -> bool:
        return not self.how.use_cache or (stage.name or str(stage.number)) in self.how.fresh

    @property
    def progress(self) -> Progress:
        return self.begun[self.stage.number]

    def _announce(self, source: str) -> None:
        self.number += 1
        stage = self.stage.name or str(self.stage.number)
        self.how.tell.begins(stage if len(self.first) > 1 else "", self.number, self.count, source)

    def _from(self, instruction: Instruction) -> None:
        self._announce(instruction.source)
        self.begun[self.stage.number] = begin(self.how, self.stages, self.stage, self.begun)
        self._done()

    def _done(self) -> None:
        self.how.tell.is_done(self.progress.image)

    def _apply(self, instruction: Instruction) -> None:
        self._announce(instruction.source)
        self._triggered(instruction)
        self._done()

    def _triggered(self, instruction: Instruction) -> None:
        if instruction.name in change.NAMES:
            self._set(instruction)
        else:
            {"ARG": self._arg, "RUN": self._run, "COPY": self._copy, "ADD": self._copy, "MAINTAINER": self._maintainer}[instruction.name](
                instruction
            )

    def _maintainer(self, instruction: Instruction) -> None:
        self.progress.document["author"] = instruction.text
        self.progress.set(self.progress.settings, instruction.source)
        self._pass(instruction.source)

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
        self._pass(instruction.source)

    def _pass(self, *parts: str) -> None:
        """Go past an instruction that leaves no layer, and tell whether an earlier build has met it at this place."""
        key = self.progress.advance_without_layer(*parts)
        if not self.fresh and key in self.met:
            self.how.tell.is_cached()

    def _set(self, instruction: Instruction) -> None:
        progress = self.progress
        before = progress.settings
        settings = change.instruction(instruction.name, instruction.text, before, progress.arguments)
        if instruction.name == "CMD":
            progress.has_own_command = True
        if instruction.name == "ENV":
            # The later one of ENV and ARG counts.
            for key in change.environment(change.instruction("ENV", instruction.text, {}, change.variables_of(before, progress.arguments))):
                progress.arguments.pop(key, None)
        if instruction.name == "ENTRYPOINT" and not progress.has_own_command:
            settings.pop("Cmd", None)
        if instruction.name != "WORKDIR":
            progress.set(settings, instruction.source)
            return self._pass(instruction.name, repr(sorted(settings.items())))
        progress.document["config"] = settings
        directory, user = settings["WorkingDir"], settings.get("User") or ""
        self._changed(instruction, repr((directory, user)), lambda place: _make_directory(place, directory, user))

    def _changed(self, instruction: Instruction, seen: str, change: Callable[[Workplace], None], linked: bool = False) -> None:
        """Make a layer of what is changed in a container that is never started. linked: whether it is made without the layers below."""

        def make() -> None:
            with self.how.opened(from_nothing(self.how.paths) if linked else self.progress) as place:
                change(place)
                place.commit(self.progress, instruction.source)

        self._layer(instruction, seen, make)

    def _layer(self, instruction: Instruction, seen: str, make: Callable[[], None]) -> None:
        """Make the layer of an instruction, or take the layer that an earlier build has made.

        seen: what the layer depends on besides the instruction's text
        """
        progress = self.progress
        progress.advance(instruction.source, seen)
        if not self.fresh and self._reused():
            self.how.tell.is_cached()
            return
        # All layers above a new one have to be new too.
        self.fresh = True
        self.how.bring(progress)
        make()

    def _reused(self) -> bool:
        """Take the layer that an earlier build has left here or in a cache elsewhere. Return whether there is one."""
        how, progress = self.how, self.progress
        known = cached(how.paths, progress.key, progress.document["rootfs"]["diff_ids"], how.cache_from)
        if known:
            reuse(progress, known)
        return bool(known) or bool(how.caches and how.caches.reuse(progress))

    def _run(self, instruction: Instruction) -> None:
        running = Running(self.how, self.progress, instruction, self._found, self._is_fresh(self.stage))
        self._layer(instruction, running.seen(), lambda: running.execute(self.private))

    def _copy(self, instruction: Instruction) -> None:
        progress = self.progress
        variables = change.variables_of(progress.settings, progress.arguments)
        name = instruction.flags.get("from", "")
        order = read_copy(instruction, variables)
        copying = self.how.context.copying(order, self._found(name) if name else None, variables)
        if not order.destination.startswith("/"):
            copying.destination = os.path.join(progress.settings.get("WorkingDir") or "/", order.destination)
        seen = repr((copying.digest(), copying.destination, order.chown, order.chmod))
        self._changed(instruction, seen, lambda place: copying.into(place.container()), "link" in instruction.flags)

    def _found(self, name: str) -> Source | Context:
        """Return the files that a `from` names: those of a context, an earlier stage or an image. The build's own context for ''."""
        return source_of(self.how, self.stages, self.stage, self.begun, name) if name else self.how.context.own()


def _make_directory(place: Workplace, path: str, user: str) -> None:
    from mydocker.engine.build.copying import make_directory  # imported here, because what is cached is not made

    make_directory(place.container(), path, user)
