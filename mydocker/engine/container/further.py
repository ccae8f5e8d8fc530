"""One more process in a running container, as it is asked for: what it runs with, beside what the container's own process has."""

from __future__ import annotations

from mydocker.engine.container.spec import merged_environment
from mydocker.engine.record import bundle
from mydocker.kernel import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.messages import WantedProcess
    from mydocker.paths import Paths


def process(
    paths: Paths, record: Record, args: list[str], tty: bool, env: list[str], user: str | None, directory: str, privileged: bool
) -> WantedProcess:
    """Return the process that is asked for.

    env: NAME=VALUE, or a bare NAME that takes the container's away
    user, directory: None and '' for the container's own
    """
    own = bundle.load(paths, record["id"])["process"]
    variables = dict(pair.split("=", 1) for pair in own["env"])
    if tty:
        variables.setdefault("TERM", "xterm")
    wanted: WantedProcess = {"args": args, "terminal": tty, "env": merged_environment(variables, env), "user": user}
    if directory:
        wanted["cwd"] = directory
    return with_all_capabilities(wanted) if privileged else wanted


def with_all_capabilities(wanted: WantedProcess) -> WantedProcess:
    """Return a process that has all capabilities (exec --privileged)."""
    names = capabilities.available()
    return {**wanted, "capabilities": {kind: names for kind in ("bounding", "effective", "permitted")}}
