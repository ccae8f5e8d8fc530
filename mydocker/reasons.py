"""Why each step is there, and where its code is: reasons.toml, in English and Chinese. It is read only where --explain prints.

A table of reasons.toml has the name of a step's class, or of the function that an Action is written in:

    [[steps.namespaces.Unshare]]
    match = "CLONE_NEWNET"      # a regular expression for the step's words; without it the reason is for all that no other is for
    kind = "namespaces"         # one of KINDS
    en = "What goes wrong without the step, or if it came one line later."
    zh = "同一句话的中文。"
    test = "tests/…"            # the test that shows it, of a reason that names an attack or a race
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from mydocker.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mydocker.messages import Explanation

# What is made, in the order in which a start makes most of it: (English, Chinese).
KINDS = {
    "store": ("store", "存储目录"),
    "layers": ("layers", "镜像层"),
    "namespaces": ("namespaces", "命名空间"),
    "root": ("root file system", "根文件系统"),
    "limits": ("limits", "资源限制"),
    "network": ("network", "网络"),
    "confinement": ("confinement", "权限限制"),
    "program": ("program", "程序"),
    "image": ("image", "镜像"),
    "end": ("end", "结束"),
    "warning": ("warnings", "警告"),
}
LANGUAGES = ("en", "zh")
_PACKAGE = os.path.dirname(__file__)


class Reason(Value):
    """Why there is a step."""

    kind: str  # what the step belongs to, one of KINDS
    en: str
    zh: str
    match: str = ""  # a regular expression that the step's words have
    test: str = ""  # the path of the test that shows it

    def text(self, language: str) -> str:
        """Return the reason in a language."""
        return self.zh if language == "zh" else self.en


_NONE = Reason(kind="warning", en="", zh="")


def language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of messages as gettext chooses it: 'zh' for Chinese, else 'en' (locale(7)).

    LANGUAGE lists languages, the best first. It counts for less than a locale that is C or POSIX, by which scripts ask for plain messages.
    """
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "C")
    wanted = locale if locale in ("C", "POSIX") else environment.get("LANGUAGE") or locale
    known = (each[:2].lower() for each in wanted.split(":"))
    return next((each for each in known if each in LANGUAGES), LANGUAGES[0])


def kind_name(kind: str, tongue: str) -> str:
    """Return what a kind of steps is called in a language."""
    return KINDS[kind][LANGUAGES.index(tongue)]


def reason(told: Explanation) -> Reason:
    """Return the reason of a step. Of a warning it has no words."""
    return next((each for each in of(told["origin"]) if re.search(each.match, told["step"])), _NONE)


@cache
def of(origin: str) -> list[Reason]:
    """Return the reasons under a name, the one for all the rest last. There are none for a name that has no step."""
    found: Any = _table()
    for name in origin.split("."):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return sorted((Reason(**each) for each in found), key=lambda each: not each.match) if isinstance(found, list) else []


@cache
def _table() -> dict[str, Any]:
    import tomllib

    with open(f"{_PACKAGE}/reasons.toml", "rb") as file:
        return tomllib.load(file)


@cache
def place(origin: str) -> str:
    """Return where a step is written, such as 'mydocker/steps/files.py:12', or '' for a warning."""
    path, names = _module(origin)
    if not names:
        return ""
    with open(f"{_PACKAGE}/{path}", encoding="utf-8") as file:
        lines = file.read().split("\n")
    at = 0
    for name in names:
        at = next(number for number in range(at, len(lines)) if re.match(rf"\s*(class|def) {re.escape(name)}\b", lines[number]))
    return f"mydocker/{path}:{at + 1}"


def _module(origin: str) -> tuple[str, list[str]]:
    """Return (path of the module below the package, names in it) of a name such as 'steps.files.MakeDir'."""
    words = origin.split(".")
    for number in range(len(words) - 1, 0, -1):
        path = "/".join(words[:number]) + ".py"
        if os.path.isfile(f"{_PACKAGE}/{path}"):
            return path, words[number:]
    return "", []
