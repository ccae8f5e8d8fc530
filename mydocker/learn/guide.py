"""What each action of `learn` does, in words for the terminal: the list, a lesson, the check, hints."""

from __future__ import annotations

from mydocker.learn import lessons, page, progress
from mydocker.learn.facts import all_hold
from mydocker.learn.machine import this_machine
from mydocker.learn.texts import text
from mydocker.width import wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.learn.facts import Fact
    from mydocker.learn.lab import Lab
    from mydocker.learn.lessons import Lesson
    from mydocker.learn.progress import Progress

_COLOURS = {"✓": "\x1b[32m", "✗": "\x1b[31m", "·": "\x1b[2m"}
_PLAIN = "\x1b[0m"
_INDENT = 4  # columns before the further lines of what is too long for one


class Guide:
    """One call of `learn`: whose lab it is about, and how it speaks.

    width: columns that a line has at most; 0 where there is no terminal, whose reader wants each thing in one line
    """

    __slots__ = ("lab", "language", "width")

    def __init__(self, lab: Lab, language: str, width: int) -> None:
        self.lab = lab
        self.language = language
        self.width = width

    @property
    def colours(self) -> bool:
        """Whether there are colours: on a terminal."""
        return self.width > 0

    @property
    def hint_word(self) -> str:
        """What a hint begins with."""
        return self.say("hint: ", "提示：")

    def say(self, en: str, zh: str) -> str:
        """Return a sentence in the language of this call."""
        return text(en, zh).to(self.language)

    def lesson(self, number: str | None) -> Lesson:
        """Return the lesson of a number, or the one that was looked at last. Raises BadInput."""
        known = progress.load(self.lab.directory)["current"]
        return lessons.find(str(known) if number is None and self._is_there(known) else number or "0")

    def _is_there(self, number: int) -> bool:
        return any(lesson.number == number for lesson in lessons.every())

    def overview(self) -> str:
        """Return the list of lessons: what is done, and what comes next."""
        known = progress.load(self.lab.directory)
        following = next((each.number for each in lessons.every() if each.number not in known["done"]), None)
        lines = [self._row(each, known["done"], following) for each in lessons.every()]
        end = self.say("every exercise is done", "所有练习都完成了")
        if following is not None:
            end = self.say(f"next: mydocker learn {following}", f"下一课：mydocker learn {following}")
        return "\n".join([*lines, "", end])

    def _row(self, lesson: Lesson, done: list[int], following: int | None) -> str:
        mark = "✓" if lesson.number in done else "→" if lesson.number == following else " "
        return f"{lesson.number:3} {mark} {lesson.title(self.language)}"

    def read(self, lesson: Lesson) -> str:
        """Return a lesson's page with what this machine cannot show of it, and remember that it was looked at."""

        def seen(known: Progress) -> None:
            known["current"] = lesson.number

        progress.change(self.lab.directory, seen)
        machine = this_machine(self.lab.paths)
        shown = page.rendered(lesson.page(self.language), machine, self.colours)
        checked = lesson.checked()
        title = self.say("cannot be shown here, as this is missing", "这里无法演示，因为缺少")
        lacking = [f"{title}: {self._called(word)}" for word in ("root", *checked.NEEDS, *checked.ALSO) if not machine.has(word)]
        return "\n".join([shown, *lacking, ""]) if lacking else shown

    def _called(self, word: str) -> str:
        """Return a word of Machine.has() as a reader knows it."""
        return self.say("the rights of root", "root 权限") if word == "root" else self.say(" or ", " 或 ").join(word.split("|"))

    def check(self, lesson: Lesson) -> tuple[bool, str]:
        """Return whether a lesson's exercise is done, and the facts as lines. If it is, that is remembered."""
        facts = lesson.checked().facts(self.lab.scene())
        done = all_hold(facts)
        if done:
            progress.change(self.lab.directory, lambda known: self._add(known, lesson))
        return done, "\n".join([f"{lesson.number}. {lesson.title(self.language)}", *self._told(facts)])

    @staticmethod
    def _add(known: Progress, lesson: Lesson) -> None:
        known["done"] = sorted({*known["done"], lesson.number})
        known["hints"].pop(str(lesson.number), None)  # who does it again begins with the first one

    def _told(self, facts: list[Fact]) -> Iterator[str]:
        """Yield the lines of facts. Only the first that does not hold has its hint: what comes after it may depend on it."""
        is_first = True
        for each in facts:
            mark = "✓" if each.holds else "✗" if is_first else "·"
            first, *more = self._lines(f"  {mark} {each.sentence.to(self.language)}")
            yield first.replace(mark, f"{_COLOURS[mark]}{mark}{_PLAIN}", 1) if self.colours else first
            yield from more
            if not each.holds and is_first:
                yield from self._lines(f"    {self.hint_word}{each.hint.to(self.language)}")
                is_first = False

    def _lines(self, line: str) -> list[str]:
        """Return a line as those that fit on the terminal."""
        return wrapped(line, self.width, _INDENT) if self.width else [line]

    def further(self, lesson: Lesson) -> str:
        """Return what to do after a lesson."""
        following = lessons.after(lesson)
        if following is None:
            return self.say("That was the last lesson.", "这是最后一课。")
        return self.say(f"Done. Next: mydocker learn {following.number}", f"完成。下一课：mydocker learn {following.number}")

    def hint(self, lesson: Lesson) -> str:
        """Return the next hint of a lesson. The last one is the answer."""
        given = 0

        def count(known: Progress) -> None:
            nonlocal given
            given = known["hints"].get(str(lesson.number), 0)
            known["hints"][str(lesson.number)] = min(given + 1, 2)

        progress.change(self.lab.directory, count)
        return (self._look, self._manual, self._answer)[given](lesson)

    def _look(self, lesson: Lesson) -> str:
        return "\n".join(self._lines(f"1/3 {lesson.checked().LOOK.to(self.language)}"))

    def _manual(self, lesson: Lesson) -> str:
        return "\n".join(self._lines(f"2/3 {self.say('read: ', '请读：')}{lesson.checked().MANUAL.to(self.language)}"))

    def _answer(self, lesson: Lesson) -> str:
        title = self.say("one answer:", "一种答案：")
        return f"3/3 {title}\n" + "".join(f"    {line}\n" for line in lesson.script("solve.sh").splitlines())
