"""Run all benches, one after the other, and write their tables and plots anew: docs/bench.md and docs/bench*.svg.

    tox -e bench [-- --only run,life]

As root, and with nothing else to do for the machine: how busy it was is written beside each table.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/bench.md"
PLOTS = {"run": "bench.svg", **{name: f"bench-{name}.svg" for name in ("life", "network", "images", "oci", "api")}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run all benches and write docs/bench.md.")
    parser.add_argument(
        "--only", default=",".join(PLOTS), help=f"comma-separated, of {', '.join(PLOTS)} [all]; the page then has only these"
    )
    only = parser.parse_args().only.split(",")
    sections = [section(name) for name in PLOTS if name in only]
    machine = f"{os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    PAGE.write_text(f"# Measured\n\n`tox -e bench` writes this page. {machine}.\n\n" + "\n".join(sections))


def section(name: str) -> str:
    """Return one bench's part of the page."""
    before = os.getloadavg()[0]
    command = [sys.executable, f"tests/bench/{name}.py", "--svg", f"docs/{PLOTS[name]}"]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    busy = f"The load of the machine was {before:.1f} before and {os.getloadavg()[0]:.1f} after."
    return f"## {name}.py\n\n{done.stdout.strip()}\n\n{busy}\n\n![the same as a plot]({PLOTS[name]})\n"


if __name__ == "__main__":
    main()
