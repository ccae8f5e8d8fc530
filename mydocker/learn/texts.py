"""What `learn` says, in English and in Chinese, and which of the two somebody wants."""

from __future__ import annotations

import os

from mydocker import reasons
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Text(Value):
    """One thing that is said, in each language."""

    en: str
    zh: str

    def to(self, language: str) -> str:
        """Return it in a language of reasons.LANGUAGES."""
        return self.zh if language == "zh" else self.en


def text(en: str, zh: str) -> Text:
    """Return a Text. This is shorter to write in a lesson than the fields' names."""
    return Text(en=en, zh=zh)


def manual(pages: str, en: str = "", zh: str = "") -> Text:
    """Return what to read: pages of the manual, separated by commas, and what is none, as it is called in each language."""
    return text(f"{pages}, {en}".rstrip(", "), f"{pages}, {zh}".rstrip(", ").replace(", ", "、"))


def spoken(en: str, zh: str) -> str:
    """Return a sentence of an error in the language that the environment asks for. For `learn --lang` the verb sets that itself."""
    return text(en, zh).to(language_of(None, os.environ))


def language_of(given: str | None, environment: Mapping[str, str]) -> str:
    """Return the language to speak: the one that was given with --lang, or else the one that the environment asks for.

    LANGUAGE comes before LC_ALL, LC_MESSAGES and LANG, as gettext has it. The lab's shell sets it for who came with --lang.
    """
    if given:
        return given
    return reasons.language({**environment, "LC_ALL": environment.get("LANGUAGE") or environment.get("LC_ALL", "")})
