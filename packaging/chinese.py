"""Write a picture that --explain=svg has drawn in English once more, with Chinese words.

    python3 packaging/chinese.py PICTURE CHINESE-PICTURE

So both show the same start. What a step does is in the words of the commands in both.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mydocker.cli.explain.svg import COLOURS, WORDS, legend

ENGLISH, CHINESE = WORDS["en"], WORDS["zh"]


def chinese(drawn: str) -> str:
    """Return the picture with Chinese words. Raises ValueError if it is no English one of today's form."""
    kinds = [kind for kind in COLOURS if f'fill="{COLOURS[kind]}"' in drawn]
    for english, ours in (
        ('lang="en"', 'lang="zh"'),
        (f"<title>{ENGLISH['title']}</title>", f"<title>{CHINESE['title']}</title>"),
        (legend(kinds, "en"), legend(kinds, "zh")),
    ):
        if drawn.count(english) != 1:
            raise ValueError(f"expected a picture that has once: {english}")
        drawn = drawn.replace(english, ours)
    for words in ("idle", "total"):
        pattern = re.escape(ENGLISH[words]).replace(re.escape("{}"), "([0-9.]+)")
        drawn = re.sub(f">{pattern}<", lambda found, ours=CHINESE[words]: f">{ours.format(found[1])}<", drawn)  # type: ignore[misc]
    return drawn


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(chinese(Path(sys.argv[1]).read_text()))
