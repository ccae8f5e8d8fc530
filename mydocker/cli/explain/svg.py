"""--explain=svg: a timeline as a drawing: a lane for each process, a bar for each step, an arrow for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mydocker import reasons
from mydocker.cli.explain.text import shortened
from mydocker.cli.explain.timeline import idle
from mydocker.cli.table import harmless
from mydocker.width import columns

if TYPE_CHECKING:
    from mydocker.cli.explain.timeline import Bar, Timeline

COLOURS = {
    "store": "#8d99ae",
    "layers": "#c58940",
    "namespaces": "#7b5ea7",
    "root": "#2a9d8f",
    "limits": "#e07a5f",
    "network": "#3d7ea6",
    "confinement": "#c1121f",
    "program": "#386641",
    "image": "#b5838d",
    "end": "#6c757d",
    "warning": "#ffb703",
}
WORDS = {
    "en": {"title": "What each process did, and when", "idle": "waits {} ms", "total": "{} ms in all"},
    "zh": {"title": "每个进程在什么时候做了什么", "idle": "等待 {} ms", "total": "共 {} ms"},
}
WIDTH = 1000
_LEFT, _RIGHT, _TOP = 96, 984, 62
_LANE, _BAR = 92, 24
_LABEL_ROWS = 3
_LETTER = 5.6  # the width of a column of text, about
_LONG = 0.02  # of the whole time: from here on a bar has its words beside it, and a gap its length
_STYLE = """
text{font:11px system-ui,"Noto Sans","Noto Sans CJK SC",sans-serif;fill:#1d3557}
.legend tspan:nth-child(odd){font-size:16px}
.who{font-weight:600;font-size:13px}.small{font-size:10px;fill:#5c677d;paint-order:stroke;stroke:#fff;stroke-width:2px}.paper{fill:#fff}
.lane{fill:#edf0f4}.grid{stroke:#dde2ea}.arrow{stroke:#5c677d;fill:none;marker-end:url(#head)}.head{fill:#5c677d}
"""


def svg(known: Timeline, language: str) -> str:
    """Return a timeline as an SVG document."""
    return _Drawing(known, language).document()


def legend(kinds: list[str], language: str) -> str:
    """Return the row that says which kind of steps has which colour. Each comes where the one before ends, in whatever font."""
    parts = (f'<tspan dx="18" fill="{COLOURS[kind]}">■</tspan><tspan dx="5">{reasons.kind_name(kind, language)}</tspan>' for kind in kinds)
    return f'<text class="legend" x="-2" y="24">{"".join(parts)}</text>'


class _Drawing:
    def __init__(self, known: Timeline, language: str) -> None:
        self.known = known
        self.language = language
        self.words = WORDS[language]
        self.height = _TOP + _LANE * len(known.lanes) + 22

    def document(self) -> str:
        parts = [self._axis(), *map(self._lane, range(len(self.known.lanes)))]
        parts += [self._bar(number, bar) for number, bar in enumerate(self.known.bars)]
        parts += [*map(self._arrow, range(len(self.known.arrows)))]
        parts += [self._labels(lane) for lane in range(len(self.known.lanes))]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" lang="{self.language}">'
            f"<title>{self.words['title']}</title><style>{_STYLE}</style>"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
            f'<rect class="paper" width="{WIDTH}" height="{self.height}" rx="8"/>'
        )
        kinds = [kind for kind in COLOURS if any(bar.kind == kind for bar in self.known.bars)]
        return "\n".join([head, legend(kinds, self.language), *parts, "</svg>\n"])

    def x(self, seconds: float) -> float:
        """Return where a time is."""
        return _LEFT + seconds / (self.known.seconds or 1.0) * (_RIGHT - _LEFT)

    def y(self, lane: int) -> int:
        """Return where the bars of a lane begin."""
        return _TOP + _LANE * lane + 8

    def _axis(self) -> str:
        """Return the lines for round numbers of milliseconds."""
        whole = self.known.seconds * 1000
        step = next((size for size in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if whole / size <= 12), 10_000)
        parts = []
        for number in range(int(whole / step) + 1):
            x = self.x(number * step / 1000)
            parts.append(f'<path class="grid" d="M{x:.1f} {_TOP - 8}V{self.height - 18}"/>')
            parts.append(f'<text class="small" x="{x:.1f}" y="{_TOP - 14}" text-anchor="middle">{number * step:g}</text>')
        total = self.words["total"].format(f"{whole:.1f}")
        parts.append(f'<text class="small" x="{_RIGHT}" y="{self.height - 6}" text-anchor="end">{total}</text>')
        return "".join(parts)

    def _lane(self, number: int) -> str:
        lane = self.known.lanes[number]
        x, y = self.x(lane.begin), self.y(number)
        return (
            f'<text class="who" x="16" y="{y + 12}">{escaped(lane.who)}</text><text class="small" x="16" y="{y + 25}">pid {lane.pid}</text>'
            f'<rect class="lane" x="{x:.1f}" y="{y}" width="{max(self.x(lane.end) - x, 1):.1f}" height="{_BAR}"/>'
        )

    def _bar(self, number: int, bar: Bar) -> str:
        x, width = self.x(bar.begin), max(self.x(bar.seconds) - _LEFT, 0.8)
        told = f"{bar.seconds * 1000:.2f} ms  {harmless(bar.step)}"
        shape = f'x="{x:.1f}" y="{self.y(bar.lane)}" width="{width:.2f}" height="{_BAR}" fill="{COLOURS[bar.kind]}"'
        return f'<rect class="bar" data-step="{number}" {shape}><title>{escaped(told[:300])}</title></rect>'

    def _arrow(self, number: int) -> str:
        arrow = self.known.arrows[number]
        down = arrow.target > arrow.source
        x, to = self.x(arrow.sent), self.x(arrow.received)
        y, end = self.y(arrow.source) + (_BAR if down else 0), self.y(arrow.target) + (0 if down else _BAR)
        left, row = (x + to) / 2 + 4, (y + end) / 2 + 20 + 11 * (number % 2)
        left = min(left, _RIGHT - columns(arrow.name) * 7)
        shown = f'<text class="small" x="{left:.1f}" y="{row:.1f}">{arrow.name}</text>'
        return f'<path class="arrow" d="M{x:.1f} {y}L{to:.1f} {end}"><title>{arrow.name}</title></path>{shown}'

    def _labels(self, lane: int) -> str:
        """Return the words of the longest bars of a lane, and the lengths of the longest gaps, as far as there is room below."""
        shortest = self.known.seconds * _LONG
        found = [(bar.seconds, bar.begin, _brief(bar.step)) for bar in self.known.bars if bar.lane == lane and bar.seconds >= shortest]
        for begin, end in idle(lane, self.known):
            if end - begin >= shortest * 2:
                found.append((end - begin, begin, self.words["idle"].format(f"{(end - begin) * 1000:.1f}")))
        taken: list[list[tuple[float, float]]] = [[] for _ in range(_LABEL_ROWS)]
        return "".join(self._label(lane, begin, words, taken) for _, begin, words in sorted(found, reverse=True))

    def _label(self, lane: int, begin: float, words: str, taken: list[list[tuple[float, float]]]) -> str:
        width = columns(words) * _LETTER + 8
        x = min(self.x(begin), _RIGHT - width)
        for row, used in enumerate(taken):
            if all(x + width < left or x > right for left, right in used):
                used.append((x, x + width))
                return f'<text class="small" x="{x:.1f}" y="{self.y(lane) + _BAR + 12 + row * 12}">{escaped(words)}</text>'
        return ""


def _brief(step: str) -> str:
    words = shortened(harmless(step), {})
    return words if len(words) <= 34 else words[:33] + "…"


def escaped(text: str) -> str:
    """Return a text as XML and HTML have it. Characters that XML cannot have were made harmless before."""
    for mark, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(mark, f"&{name};")
    return text
