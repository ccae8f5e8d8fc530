"""Sort a Dockerfile's instructions into stages, and find the stages that a target needs."""

from __future__ import annotations

from mydocker.engine.build.mounts import origin_of
from mydocker.errors import BadInput, NotFound
from mydocker.images.words import expand, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mydocker.images.dockerfile import Instruction


class Stage:
    """One FROM and the instructions that follow.

    number: its place among the stages, from 0
    opening: the FROM
    base: the name of an image or of an earlier stage, or 'scratch'
    name: the name after AS in lower case, '' for none
    platform: the value of --platform, '' for none
    """

    __slots__ = ("base", "instructions", "name", "number", "opening", "platform")

    def __init__(self, number: int, opening: Instruction, base: str, name: str, platform: str) -> None:
        self.number = number
        self.opening = opening
        self.base = base
        self.name = name
        self.platform = platform
        self.instructions: list[Instruction] = []


class Stages:
    """All stages of a Dockerfile.

    all: the stages in the order of the file
    arguments: what ARG declared before the first FROM, {name: value, or None if it has none}
    """

    def __init__(self, stages: list[Stage], arguments: dict[str, str | None]) -> None:
        self.all = stages
        self.arguments = arguments

    def find(self, name: str, before: int) -> Stage | None:
        """Return the last stage with this name or number among those before the stage number `before`, or None."""
        named = [stage for stage in self.all[:before] if stage.name == name.lower()]
        if named:
            return named[-1]
        return self.all[int(name)] if name.isascii() and name.isdigit() and int(name) < before else None

    def target(self, name: str) -> Stage:
        """Return the stage with this name or number, or the last one if the name is ''. Raises NotFound."""
        found = self.find(name, len(self.all)) if name else self.all[-1]
        if not found:
            raise NotFound(f"target stage {name!r} could not be found", "stages: " + ", ".join(s.name or str(s.number) for s in self.all))
        return found

    def needed(self, target: Stage) -> list[Stage]:
        """Return the stages that have to be built for a stage, in the order of the file. The stage itself is the last."""
        numbers: set[int] = set()
        waiting = [target]
        while waiting:
            stage = waiting.pop()
            if stage.number not in numbers:
                numbers.add(stage.number)
                names = [stage.base, *(name for instruction in stage.instructions for name in origins(instruction))]
                waiting += [found for name in names if (found := self.find(name, stage.number))]
        return [stage for stage in self.all if stage.number in numbers]


def origins(instruction: Instruction) -> list[str]:
    """Return the names of the stages, images and contexts that an instruction takes files of. Raises BadInput."""
    names = [instruction.flags.get("from", ""), *map(origin_of, instruction.lists.get("mount", []))]
    return [name for name in names if name]


def divide(instructions: list[Instruction], given: Mapping[str, str], predefined: Mapping[str, str], name: str) -> Stages:
    """Sort a Dockerfile's instructions into stages. Raises BadInput.

    given: the values of --build-arg
    predefined: the arguments that every build has, such as TARGETARCH
    name: the Dockerfile's, for errors
    """
    arguments: dict[str, str | None] = {}
    stages: list[Stage] = []
    for instruction in instructions:
        where = f"{name}:{instruction.line}"
        if instruction.name == "FROM":
            stages.append(_stage(len(stages), instruction, {**predefined, **_known(arguments)}, where))
        elif stages:
            stages[-1].instructions.append(instruction)
        elif instruction.name == "ARG":
            for key, value in declared(instruction.text, {**predefined, **_known(arguments)}):
                arguments[key] = given.get(key, value if value is not None else predefined.get(key))
        else:
            raise BadInput(f"{where}: {instruction.name} before the first FROM: only ARG may stand there")
    if not stages:
        raise BadInput(f"{name} has no FROM")
    return Stages(stages, arguments)


def _known(arguments: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value for key, value in arguments.items() if value is not None}


def declared(text: str, variables: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Return what an ARG declares: (name, default value or None)."""
    found = []
    for word in split(text):
        key, equals, value = word.partition("=")
        found.append((expand(key, variables), expand(value, variables) if equals else None))
    return found


def _stage(number: int, opening: Instruction, variables: Mapping[str, str], where: str) -> Stage:
    words = [expand(word, variables) for word in split(opening.text)]
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
        raise BadInput(f"{where}: FROM {opening.text}: expected FROM IMAGE [AS NAME]")
    if not words[0]:
        raise BadInput(f"{where}: FROM {opening.text}: the image's name is empty", "give its ARG a value: --build-arg")
    name = words[2].lower() if len(words) == 3 else ""
    if name and not (name[0].isalpha() and all(c.isalnum() or c in "-_." for c in name)):
        raise BadInput(f"{where}: invalid stage name {words[2]!r}: expected a letter, then letters, digits, -, _ and .")
    return Stage(number, opening, words[0], name, expand(opening.flags.get("platform", ""), variables))
