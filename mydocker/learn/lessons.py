"""The lessons: a directory for each, lessons/NN-name/.

    en.md, zh.md      what is read, one screen: break it, by hand, as mydocker does it, exercise
    check_NAME.py     what is checked; see Checked below
    solve.sh          a right answer, which `hint` shows in the end; solve2.sh is another one
    wrong/*.sh        wrong answers that people give. Their first lines name the hint that must appear, in both languages.

`# needs: WORD...` at the top of an answer says what else a machine must have for it, in the words of Machine.has().

check_NAME.py and not check.py, because mypy wants modules of different names.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location

from mydocker.errors import BadInput
from mydocker.learn.texts import spoken
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mydocker.learn.facts import Fact
    from mydocker.learn.scene import Scene
    from mydocker.learn.texts import Text

    class Checked(Protocol):
        """What check_NAME.py has."""

        LOOK: Text  # the first hint: what to look at
        MANUAL: Text  # the second: the pages of the manual
        RUN: tuple[str, ...]  # what `mydocker run` is told, to show how it does this
        NEEDS: tuple[str, ...]  # what a machine must have for the exercise, in the words of Machine.has()
        ALSO: tuple[str, ...]  # what else of the lesson a machine may be unable to show
        STEPS: str  # which of its steps are shown: a regular expression for their words

        def facts(self, scene: Scene) -> list[Fact]:
            """Return what must be true, in the order in which it is best mended."""


DIRECTORY = os.path.join(os.path.dirname(__file__), "lessons")


class Lesson(Value):
    """A lesson. Nothing of it is read before it is asked for."""

    number: int
    name: str
    directory: str

    def page(self, language: str) -> str:
        """Return its text in Markdown."""
        return self.script(f"{language}.md")

    def title(self, language: str) -> str:
        return self.page(language).partition("\n")[0].removeprefix("# ").partition(". ")[2]

    def script(self, file: str) -> str:
        """Return the text of one of its files."""
        with open(f"{self.directory}/{file}", encoding="utf-8") as opened:
            return opened.read()

    def checked(self) -> Checked:
        """Return its check_NAME.py."""
        return _loaded(f"{self.directory}/check_{self.name.replace('-', '_')}.py")


@cache
def _loaded(path: str) -> Checked:
    spec = spec_from_file_location(f"lesson_{os.path.basename(path)[:-3]}", path)
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def every() -> list[Lesson]:
    """Return the lessons, in their order."""
    names = sorted(name for name in os.listdir(DIRECTORY) if name[:2].isdigit())
    return [Lesson(number=int(name[:2]), name=name[3:], directory=f"{DIRECTORY}/{name}") for name in names]


def find(number: str) -> Lesson:
    """Return a lesson by its number, as it was typed. Raises BadInput if there is no such lesson."""
    for lesson in every():
        if number.isdecimal() and number.isascii() and int(number) == lesson.number:
            return lesson
    known = ", ".join(str(lesson.number) for lesson in every())
    raise BadInput(spoken(f"no lesson {number!r}: expected one of {known}", f"没有第 {number!r} 课，应为其中之一：{known}"))


def after(lesson: Lesson) -> Lesson | None:
    """Return the next lesson, None after the last one."""
    return next((each for each in every() if each.number > lesson.number), None)
