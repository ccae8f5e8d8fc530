"""A lesson's page as a terminal shows it.

A block of code whose first line says what it needs (```console v1) is left out on machines that do not have that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mydocker.learn.machine import Machine

_BOLD, _CODE, _PLAIN = "\x1b[1m", "\x1b[36m", "\x1b[0m"


def rendered(page: str, machine: Machine, colours: bool) -> str:
    """Return a page as it is printed. Headings are bold and code is indented."""
    lines = []
    for kind, line in parts(page, machine):
        if kind == "code":
            lines.append(f"  {_CODE}{line}{_PLAIN}" if colours else f"  {line}")
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
            lines.append(f"{_BOLD}{heading}{_PLAIN}" if colours else heading)
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def parts(page: str, machine: Machine) -> Iterator[tuple[str, str]]:
    """Yield ('text' or 'code', line) for each line that this machine shows, without the fences."""
    inside, shown = False, True
    for line in page.splitlines():
        if line.startswith("```"):
            inside = not inside
            shown = all(machine.has(word) for word in line.split()[1:]) if inside else shown
        elif not inside:
            yield "text", line
        elif shown:
            yield "code", line


def blocks(page: str, machine: Machine) -> list[list[str]]:
    """Return the blocks of code that this machine shows, as lines."""
    found: list[list[str]] = []
    before = "text"
    for kind, line in parts(page, machine):
        if kind == "code":
            if before != "code":
                found.append([])
            found[-1].append(line)
        before = kind
    return found
