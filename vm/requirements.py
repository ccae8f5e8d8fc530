"""Print what pyproject.toml says that mydocker needs, one requirement a line, as pip reads them from a file.

python vm/requirements.py [GROUP…]          what it needs to run, and what the named groups of optional-dependencies need
python vm/requirements.py --only GROUP…     what the groups need, and nothing to run it
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def requirements(project: dict[str, Any], groups: list[str]) -> list[str]:
    """Return the project's dependencies, unless --only comes first, and those of the groups; KeyError for one that it does not have."""
    table = project["project"]
    if groups[:1] == ["--only"]:
        own, groups = [], groups[1:]
    else:
        own = table["dependencies"]
    return [*own, *(line for group in groups for line in table["optional-dependencies"][group])]


def main(groups: list[str]) -> int:
    """Print them."""
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
