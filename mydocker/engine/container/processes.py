"""The processes of a container, as the host's ps shows them."""

from __future__ import annotations

import subprocess

from mydocker.engine.container import life
from mydocker.engine.record import events
from mydocker.errors import BadInput, Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mydocker.engine.record.containers import Record
    from mydocker.paths import Paths


def table(paths: Paths, record: Record, options: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows that ps prints of a container's processes.

    options: those of ps, () for docker's -ef

    Raises BadInput if ps does not take them, or shows no PID.
    """
    process = life.running_process(paths, record)
    process.close()
    pids = {str(pid) for pid in process.cgroup.pids()}
    heading, *lines = _ps(options or ("-ef",))
    columns = heading.split()
    if "PID" not in columns:
        raise BadInput(f"ps {' '.join(options)} shows no PID column, which tells whose process it is", "add -o pid")
    rows = [line.split(None, len(columns) - 1) for line in lines]
    found = [row for row in rows if row[columns.index("PID")] in pids]
    events.of_container(paths, record, "top")
    return columns, [[*row, *[""] * (len(columns) - len(row))] for row in found]


def _ps(options: Sequence[str]) -> list[str]:
    """Return the lines that the host's ps prints. Raises Error with the words of ps."""
    try:
        result = subprocess.run(["ps", *options], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise Error("ps was not found on this host", "install procps") from error
    except subprocess.CalledProcessError as error:
        raise BadInput(f"ps {' '.join(options)}: {(error.stderr.strip().splitlines() or ['failed'])[-1]}") from error
    return result.stdout.splitlines()
