"""The lessons themselves: each is whole, in both languages, and one screen."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from mydocker.learn import lessons
from mydocker.learn.lessons import Lesson
from mydocker.reasons import LANGUAGES

HEADINGS = {
    "en": ["Break it", "By hand", "As mydocker does it", "Exercise"],
    "zh": ["弄坏它", "动手", "mydocker 怎么做", "练习"],
}
COLUMNS = 80
LINES = 56
every_lesson = pytest.mark.parametrize("lesson", lessons.every(), ids=lambda lesson: str(lesson.number))
every_language = pytest.mark.parametrize("language", LANGUAGES)


def columns(line: str) -> int:
    """Return how many columns of a terminal a line takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def code(text: str) -> list[str]:
    """Return what is typed in a page and what is printed. Comments are words, and each page has them in its language."""
    blocks = re.findall(r"^```console.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r" +# .*", "", line) for block in blocks for line in block.splitlines()]


@every_lesson
@every_language
def test_a_page_is_one_screen_with_the_same_headings(lesson: Lesson, language: str) -> None:
    text = lesson.page(language)
    assert text.startswith(f"# {lesson.number}. ")
    assert lesson.title(language)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS[language]
    assert len(text.splitlines()) <= LINES
    inside = False
    for line in text.splitlines():
        inside ^= line.startswith("```")
        assert columns(line) + (2 if inside and not line.startswith("```") else 0) <= COLUMNS, line


@every_lesson
def test_both_pages_show_the_same_commands(lesson: Lesson) -> None:
    assert code(lesson.page("en")) == code(lesson.page("zh"))


@every_lesson
@every_language
def test_a_page_names_the_mark_that_is_looked_for_and_how_to_go_on(lesson: Lesson, language: str) -> None:
    exercise = lesson.page(language).partition(f"## {HEADINGS[language][3]}")[2]
    assert f"LESSON={lesson.name}" in exercise
    assert "mydocker learn check" in exercise
    assert f"mydocker learn show {lesson.number}" in lesson.page(language).replace("\n", " ")


@every_lesson
def test_a_lesson_has_all_of_its_parts(lesson: Lesson) -> None:
    checked = lesson.checked()
    assert checked.LOOK.en
    assert checked.LOOK.zh
    assert re.search(r"\w\(\d\)", checked.MANUAL.en)
    assert not re.search("[a-z]{2} [a-z]{2}", re.sub(r"\(.*?\)", "", checked.MANUAL.zh)), "not all of it is Chinese"
    assert re.compile(checked.STEPS)
    assert checked.RUN
    assert all(isinstance(word, str) for word in checked.NEEDS + checked.ALSO)
    files = {path.name for path in Path(lesson.directory).glob("*.sh")}
    assert {"solve.sh", "solve2.sh"} <= files
    assert len(list(Path(lesson.directory).glob("wrong/*.sh"))) >= 3


@every_lesson
def test_every_wrong_answer_names_the_hint_in_both_languages(lesson: Lesson) -> None:
    for path in Path(lesson.directory).glob("wrong/*.sh"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# en: "), path
        assert lines[1].startswith("# zh: "), path
        assert all(len(line) > 8 for line in lines[:2]), path


def test_numbers_are_in_order_and_none_is_there_twice() -> None:
    numbers = [lesson.number for lesson in lessons.every()]
    assert numbers == sorted(set(numbers))
