"""--explain=html: the drawing and all that is known of its steps as one page, which needs nothing else and no network."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from mydocker import leanjson, reasons
from mydocker.cli.explain.svg import WORDS, escaped, svg

if TYPE_CHECKING:
    from mydocker.cli.explain.timeline import Timeline

_KEYS = {
    "en": "Click on a bar or a line. ← → go from step to step, + and − make the drawing larger and smaller.",
    "zh": "点击一个色块或一行。← → 在步骤之间移动，+ 和 − 放大或缩小图。",
}
# What the page calls the two processes that were looked at, and what was looked at.
_SIGHTS = {
    "en": {
        "title": "The kernel's view, before and after",
        "before": "mydocker itself, before",
        "after": "the container's first process, right before its program",
        "namespaces": "namespaces",
        "mounts": "mounts",
        "cgroups": "cgroups and their files",
        "links": "network links",
    },
    "zh": {
        "title": "内核眼中的前与后",
        "before": "之前：mydocker 自己",
        "after": "之后：容器的第一个进程，就在它执行程序之前",
        "namespaces": "命名空间",
        "mounts": "挂载",
        "cgroups": "cgroup 及其文件",
        "links": "网络接口",
    },
}
_ZOOM = {"en": ("larger", "smaller"), "zh": ("放大", "缩小")}


def html(known: Timeline, language: str) -> str:
    """Return a timeline as an HTML page."""
    larger, smaller = _ZOOM[language]
    parts = {
        "LANG": language,
        "TITLE": escaped(WORDS[language]["title"]),
        "KEYS": escaped(_KEYS[language]),
        "IN": larger,
        "OUT": smaller,
        "DRAWING": svg(known, language),
        "DATA": _data(known, language),
    }
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
        page = file.read()
    # In one pass, so that nothing in a step's words is taken for a placeholder.
    return re.sub(r"@([A-Z]+)@", lambda found: parts[found[1]], page)


def _data(known: Timeline, language: str) -> str:
    """Return what the page's program reads, as JSON that may stand in a page: no < can end the element around it."""
    shown = ("lane", "seconds", "kind", "step", "shell", "why", "where")
    steps = [{name: getattr(bar, name) for name in shown} for bar in known.bars]
    kinds = {kind: reasons.kind_name(kind, language) for kind in reasons.KINDS}
    words = {"kinds": kinds, "sights": _SIGHTS[language]}
    document = {"words": words, "sights": known.sights, "lanes": [lane.who for lane in known.lanes], "steps": steps}
    return leanjson.dumps(document).replace("<", "\\u003c")
