"""The verbs state, list and ps, which only look."""

from __future__ import annotations

import os
import sys

from mydocker import leanjson
from mydocker.errors import BadInput, StepFailed
from mydocker.kernel.programs import call, find
from mydocker.oci import containers
from mydocker.oci.arguments import Arguments, Flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.messages import State
    from mydocker.oci.containers import Container
    from mydocker.oci.settings import Settings

    class Details(State):
        """The specification's state, with the further fields that runc's state has."""

        rootfs: str  # the absolute path of the root file system
        created: str  # RFC 3339
        owner: str  # the name of the user who made the container; '' if the user has no name


NONE = Flags()
LIST = Flags("quiet", "format", short={"q": "quiet", "f": "format"})
PS = Flags("", "format", short={"f": "format"})


def state(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci state`: print the specification's state, with runc's rootfs, created and owner, as JSON."""
    print(leanjson.dumps(_details(containers.load(settings, arguments.words[0]))))
    return 0


def _details(container: Container) -> Details:
    """Return what runc's state has, in runc's order: some callers compare texts."""
    record, told = container.record, container.state()
    annotations = told.pop("annotations", {})
    details: Details = {**told, "rootfs": record["rootfs"], "created": record["created"], "owner": _user_name(record["uid"])}
    if annotations:
        details["annotations"] = annotations
    return details


def _user_name(uid: int) -> str:
    """Return the name of a user, or '' if the user has no name."""
    if not os.path.exists("/etc/passwd"):
        return ""
    with open("/etc/passwd", errors="surrogateescape") as file:
        fields = (line.split(":") for line in file)
        return next((f[0] for f in fields if len(f) > 2 and f[2] == str(uid)), "")


def listing(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci list`: print all containers as a table, as JSON, or only their ids."""
    found = containers.everyone(settings)
    if arguments.on("quiet"):
        sys.stdout.write("".join(f"{container.id}\n" for container in found))
        return 0
    details = [_details(container) for container in found]
    if _format(arguments) == "json":
        print(leanjson.compact(details))
        return 0
    header = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")
    _table([header, *((each["id"], str(each["pid"]), each["status"], each["bundle"], each["created"], each["owner"]) for each in details)])
    return 0


def _format(arguments: Arguments) -> str:
    wanted = arguments.value("format", "table")
    if wanted not in ("table", "json"):
        raise BadInput(f"format {wanted!r}: expected table or json")
    return wanted


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def processes(settings: Settings, arguments: Arguments) -> int:
    """Execute `mydocker-oci ps`: print the processes in a container's cgroups.

    They are printed as the host's ps(1) shows them, or as a JSON list of pids.
    """
    container = containers.load(settings, arguments.words[0])
    pids = container.cgroup().pids() if container.record["cgroup"] else [pid for pid in [container.pid] if pid]
    if _format(arguments) == "json":
        print(leanjson.compact(pids))
        return 0
    program = find("ps")
    if not program:
        raise StepFailed("ps(1) is not installed", 0, "--format json needs none")
    status, output, problem = call([program, *(arguments.words[1:] or ["-ef"])])
    if status:
        raise StepFailed(f"ps: {problem.strip()}")
    lines = output.splitlines()
    if "PID" not in lines[0].split():
        raise BadInput(f"ps options {' '.join(arguments.words[1:])!r}: expected some that show the column PID")
    column = lines[0].split().index("PID")
    wanted = {str(pid) for pid in pids}
    print("\n".join([lines[0], *(line for line in lines[1:] if line.split()[column] in wanted)]))
    return 0
