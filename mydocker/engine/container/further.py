"""One more process in a running container, as it is asked for: what it runs with, beside what the container's own process has."""

from __future__ import annotations

from mydocker.engine.container.spec import merged_environment
from mydocker.engine.record import bundle
from mydocker.errors import Conflict
from mydocker.kernel import capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from mydocker.messages import WantedProcess
    from mydocker.paths import Paths
    from mydocker.runtime.spec import Spec


def process(
    paths: Paths, record: Record, args: list[str], tty: bool, env: list[str], user: str | None, directory: str, privileged: bool
) -> WantedProcess:
    """Return the process that is asked for.

    env: NAME=VALUE, or a bare NAME that takes the container's away
    user, directory: None and '' for the container's own
    """
    spec = bundle.load(paths, record["id"])
    variables = dict(pair.split("=", 1) for pair in _with_links(paths, record, spec)["process"]["env"])
    if tty:
        variables.setdefault("TERM", "xterm")
    elif record["config"]["Tty"] and not any(pair.startswith("TERM=") for pair in record["config"]["Env"]):
        variables.pop("TERM", None)  # the container's own terminal gave it
    wanted: WantedProcess = {"args": args, "terminal": tty, "env": merged_environment(variables, env), "user": user}
    if directory:
        wanted["cwd"] = directory
    return with_all_capabilities(wanted) if privileged else wanted


def with_all_capabilities(wanted: WantedProcess) -> WantedProcess:
    """Return a process that has all capabilities (exec --privileged)."""
    names = capabilities.available()
    return {**wanted, "capabilities": {kind: names for kind in ("bounding", "effective", "permitted")}}


def _with_links(paths: Paths, record: Record, spec: Spec) -> Spec:
    """Return a container's spec with the variables of its links as they are now; without them if a linked container does not run."""
    if not any(endpoint.get("links") for endpoint in record["endpoints"].values()):
        return spec
    from mydocker.engine.connection import links  # few containers have any

    try:
        return links.with_variables(paths, record, spec)
    except Conflict:
        return spec
