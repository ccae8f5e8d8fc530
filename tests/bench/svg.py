"""A plot of bars with quartiles, as SVG, without a library: text and rectangles are all it takes."""

from __future__ import annotations

import statistics
from html import escape

_LEFT, _WIDTH, _ROW = 180, 520, 26


# (name, value, quartiles or None)
Bar = tuple[str, float, tuple[float, float] | None]


def bars(times: dict[str, list[float]]) -> list[Bar]:
    """Return a bar per name, in milliseconds: the median and the quartiles."""
    return [(name, statistics.median(values) * 1000, _quartiles(values)) for name, values in times.items()]


def plot(charts: dict[str, list[Bar]]) -> str:
    """Return the plot: charts of bars under their titles, the shortest bar first."""
    elements: list[str] = []
    height = -16
    for title, rows in charts.items():
        lines, height = _chart(title, sorted(rows, key=lambda bar: bar[1]), height + 16)
        elements += lines
    style = "text{font:13px sans-serif;fill:#222}.bar{fill:#8aa9c8}.own{fill:#d9822b}.range{stroke:#222;stroke-width:1.5}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 80} {height}">'
    return "\n".join([head, f"<style>{style}</style>", '<rect width="100%" height="100%" fill="#fff"/>', *elements, "</svg>", ""])


def _quartiles(values: list[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4)
    return low * 1000, high * 1000


def _chart(title: str, rows: list[Bar], top: int) -> tuple[list[str], int]:
    """Return the elements of one chart and where it ends."""
    lines = [f'<text x="10" y="{top + 20}" font-weight="bold">{escape(title)}</text>']
    most = max((high[1] if high else value for _, value, high in rows), default=1)
    for number, (name, value, quartiles) in enumerate(rows):
        y = top + 34 + number * _ROW
        width = _WIDTH * value / most
        kind = "own" if "mydocker" in name else "bar"
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        lines.append(f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_ROW - 8}"/>')
        end = width
        if quartiles:
            low, end = (_WIDTH * each / most for each in quartiles)
            middle = y + (_ROW - 8) / 2
            lines.append(f'<line class="range" x1="{_LEFT + low:.1f}" x2="{_LEFT + end:.1f}" y1="{middle}" y2="{middle}"/>')
        lines.append(f'<text x="{_LEFT + max(width, end) + 6:.1f}" y="{y + 14}">{value:.1f}</text>')
    return lines, top + 34 + len(rows) * _ROW
