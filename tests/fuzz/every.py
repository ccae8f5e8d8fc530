"""Fuzz every reader for some seconds each: `python tests/fuzz/every.py [SECONDS]`. New inputs of interest go to a scratch directory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1])]

from readers import READERS  # noqa: E402 - what it reads with is found only now

# A reader's time and memory are bounded: what takes longer, or more, is a finding.
_LIMITS = ["-timeout=5", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"]


def main() -> None:
    """Exit with 1 if any reader has a finding."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "20"
    failed = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in READERS:
            found = Path(scratch, name)
            found.mkdir()
            command = [
                sys.executable,
                str(HERE / "fuzz.py"),
                name,
                *_LIMITS,
                f"-max_total_time={seconds}",
                f"-artifact_prefix={scratch}/",
                str(found),
            ]
            result = subprocess.run(command, capture_output=True, text=True)
            runs = next((line for line in result.stderr.splitlines() if "number_of_executed_units" in line), "no runs")
            print(f"{name}: {'ok' if result.returncode == 0 else 'FINDING'}, {runs.rpartition(' ')[2]} runs", flush=True)
            if result.returncode:
                failed.append(name)
                print(result.stdout[-2000:] + result.stderr[-4000:])
    sys.exit(f"findings: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
