"""The verb learn."""

from __future__ import annotations

import os
import sys
from time import sleep

from mydocker.cli.base import Session, complain, complain_about, echo, place
from mydocker.cli.execution import runner
from mydocker.cli.verb import OPTIONAL, argument, option, verb
from mydocker.errors import BadInput, Conflict, Error
from mydocker.learn import lessons, opening, progress, shell
from mydocker.learn.guide import Guide
from mydocker.learn.lab import Lab
from mydocker.learn.texts import language_of, spoken
from mydocker.reasons import LANGUAGES
from mydocker.width import terminal_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.learn.lessons import Lesson

_EVERY_SECOND = 1.0


@verb(
    option("--lang", choices=LANGUAGES, help="Speak English or Chinese [as LANG says]."),
    argument("action", "[check|watch|hint|show|shell|reset]", OPTIONAL),
    argument("number", "[LESSON]", OPTIONAL),
)
def learn(session: Session, lang: str | None, action: str | None, number: str | None) -> int:
    """Learn how containers work, by lessons whose exercises are checked in the kernel.

    Without arguments it lists the lessons. With a number it prints that lesson, and on a terminal opens a shell in the lab: a
    machine made of namespaces, below a cgroup with limits, so that what is broken there is not broken for the host. Without a
    number, an action is about the lesson that was looked at last.

    check says what is missing. watch does so every second, and goes on to the next lesson when nothing is. hint says a little more each
    time. show prints the steps by which mydocker does it. shell opens a shell in the lab. reset removes all that is in the lab.

    Example: mydocker learn 3
    """
    os.environ["LANGUAGE"] = language_of(lang, os.environ)  # errors ask for it, and the lab's shell
    width = terminal_width(err=False) if sys.stdout.isatty() else 0
    guide = Guide(Lab(progress.place(os.environ), session.paths), os.environ["LANGUAGE"], width)
    place.hint = guide.hint_word
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a locale may lack the words
    if action is None:
        echo(guide.overview())
        return 0
    if number in ACTIONS and action not in ACTIONS:
        action, number = number, action  # `learn 3 check` is understood too
    if action in ACTIONS:
        return ACTIONS[action](session, guide, number)
    return _read(session, guide, _chosen(guide, action, number))


def _chosen(guide: Guide, word: str, more: str | None) -> Lesson:
    """Return the lesson whose number was typed. more: a second word. Raises BadInput."""
    known = ", ".join(ACTIONS)
    if not word.isdecimal():
        en = f"{word!r} is no action: expected {known} or the number of a lesson"
        raise BadInput(guide.say(en, f"{word!r} 不是操作，应为 {known} 或课的编号"))
    if more is not None:
        en = f"unexpected word {more!r} after lesson {word}: expected {known}"
        raise BadInput(guide.say(en, f"第 {word} 课之后不该有 {more!r}，应为 {known}"))
    return lessons.find(word)


def _read(session: Session, guide: Guide, lesson: Lesson) -> int:
    """Print a lesson, and on a terminal open a shell in the lab."""
    echo(guide.read(lesson), end="")
    if not (os.isatty(0) and os.isatty(1)) or os.geteuid() != 0 or guide.lab.is_inside():
        return 0
    return _shell(session, guide, None)


def _check(session: Session, guide: Guide, number: str | None) -> int:
    lesson = guide.lesson(number)
    done, told = guide.check(lesson)
    echo(told)
    if done:
        echo(guide.further(lesson))
    return 0 if done else 1


def _watch(session: Session, guide: Guide, number: str | None) -> int:
    """Check every second. Print what has changed, and the next lesson when an exercise is done."""
    lesson: Lesson | None = guide.lesson(number)
    before = ""
    while lesson:
        done, told = guide.check(lesson)
        if told != before:
            echo(told)
        before = told
        if done:
            echo(guide.further(lesson))
            lesson = lessons.after(lesson)
            if lesson:
                echo("\n" + guide.read(lesson), end="")
        else:
            sleep(_EVERY_SECOND)
    return 0


def _hint(session: Session, guide: Guide, number: str | None) -> int:
    echo(guide.hint(guide.lesson(number)).rstrip("\n"))
    return 0


def _show(session: Session, guide: Guide, number: str | None) -> int:
    """Print the steps of a start that a lesson is about, each with its reason and its place in the code."""
    from mydocker.cli.learnshow import shown

    lesson = guide.lesson(number)
    _make_image(session, guide.lab)
    echo("\n".join(shown(guide.lab.outside, lesson.checked(), guide.language)))
    return 0


def _shell(session: Session, guide: Guide, number: str | None) -> int:
    """Open a shell in the lab, and say when it has ended what goes on there."""
    if number is not None:
        guide.read(guide.lesson(number))
    lab = guide.lab
    if lab.is_inside():
        raise Conflict(guide.say("this shell is in the lab already", "这个 shell 已经在实验室里"))
    keeper = opening.open_lab(lab)
    _make_image(session, lab)
    if os.isatty(0):
        echo(guide.say("You are in the lab. `exit` leaves it.", "你已进入实验室，输入 exit 离开。"))
    status = shell.run(lab, keeper, shell.environment_of(lab, os.environ, guide.language))
    if os.isatty(0):
        count = len(lab.processes(keeper)) - 1
        en = "1 process goes" if count == 1 else f"{count or 'No'} processes go"
        zh = f"还有 {count} 个进程" if count else "没有进程"
        echo(
            guide.say(
                f"{en} on in the lab. `mydocker learn reset` removes all of it.",
                f"实验室中{zh}在运行。mydocker learn reset 会清除全部内容。",
            )
        )
    return status


def _make_image(session: Session, lab: Lab) -> None:
    """Make the image busybox in the lab's own ROOT. Where that cannot be, the lessons without containers are there all the same."""
    from mydocker.engine.system.installation import make_image

    try:
        make_image(lab.outside, runner(session))
    except Error as error:
        en = f"warning: the lab has no image busybox: {error.message}"
        complain(spoken(en, f"警告：实验室里没有镜像 busybox：{error.message}"), error.hint)


def _reset(session: Session, guide: Guide, number: str | None) -> int:
    if number is not None:
        en = f"unexpected word {number!r} after reset: it removes the whole lab"
        raise BadInput(guide.say(en, f"reset 之后不该有 {number!r}：它清除整个实验室"))
    if guide.lab.is_inside():
        inside = guide.say("this shell is in the lab that is to be removed", "这个 shell 就在要清除的实验室里")
        raise Conflict(inside, guide.say("leave it first: exit", "先用 exit 离开"))
    with guide.lab.lock():
        problems = guide.lab.remove()
    for problem in problems:
        complain_about(problem)
    return 1 if problems else 0


ACTIONS = {"check": _check, "watch": _watch, "hint": _hint, "show": _show, "shell": _shell, "reset": _reset}
