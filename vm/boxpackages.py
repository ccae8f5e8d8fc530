"""Which Debian packages the box still needs (vm/box/build), so that all that is missing can be named at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

BUILD = Path(__file__).resolve().parent / "box/build"


def missing() -> list[str]:
    """Return the packages that are not installed and that building the box needs, none if the box is there."""
    box = subprocess.check_output([BUILD, "--where"], text=True).split()[0]
    if Path(box).with_name("box.json").exists():
        return []
    wanted = subprocess.check_output([BUILD, "--needs"], text=True).split()
    return [package for package in wanted if not is_installed(package)]


def is_installed(package: str) -> bool:
    """Say whether dpkg has a package. Where there is no dpkg, nothing is said to be missing."""
    try:
        shown = subprocess.run(["dpkg-query", "-W", "-f", "${Status}", package], capture_output=True, text=True)
    except FileNotFoundError:
        return True
    return shown.stdout == "install ok installed"
