"""Print what mydocker needs according to pyproject.toml, one requirement on each line, as pip reads them from a file.

python vm/requirements.py [GROUP…]          what it needs to run, and what these groups of optional-dependencies need
python vm/requirements.py --only GROUP…     only what these groups need
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def requirements(project: dict[str, Any], groups: list[str]) -> list[str]:
    """Return the project's dependencies and those of some groups. Raises KeyError for a group that the project does not have.

    groups: the groups' names. If the first word is --only, the project's own dependencies are left out.
    """
    table = project["project"]
    if groups[:1] == ["--only"]:
        own, groups = [], groups[1:]
    else:
        own = table["dependencies"]
    return [*own, *(line for group in groups for line in table["optional-dependencies"][group])]


def main(groups: list[str]) -> int:
    """Print the requirements of the groups. Return the exit status."""
    project = tomllib.loads(PROJECT.read_text())
    try:
        print("\n".join(requirements(project, groups)))
    except KeyError as error:
        known = ", ".join(project["project"]["optional-dependencies"])
        print(f"requirements: unknown group {error}: expected one of {known}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
