"""The verb exec: run one more process in a running container."""

from __future__ import annotations

from mydocker.cli.base import EXPLAIN, STOP_AFTER, Session, check_terminal
from mydocker.cli.execution import started, stop_after, tell_plan, telling, wants_plan
from mydocker.cli.verb import ANY, argument, option, switch, verb
from mydocker.engine.container import further, start
from mydocker.engine.monitor import execute as execution
from mydocker.engine.record import containers
from mydocker.engine.request import settings
from mydocker.engine.request.values import detach_keys as parse_keys
from mydocker.errors import BadInput
from mydocker.messages import ERRORS, INPUT, OUTPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.view.script import Plans
    from mydocker.messages import WantedProcess


@verb(
    switch("-i", "--interactive", help="Keep standard input open."),
    switch("-t", "--tty", help="Give it a terminal."),
    switch("-d", "--detach", help="Run in the background."),
    option("-e", "--env", metavar="NAME[=VALUE]", many=True, help="Set a variable, or take it from here."),
    option("--env-file", metavar="FILE", many=True, help="Read variables from a file."),
    option("-w", "--workdir", metavar="DIR", help="Working directory [the container's]."),
    option("-u", "--user", metavar="USER[:GROUP]", help="User and group, names or numbers [the container's]."),
    switch("--privileged", help="Give it all capabilities."),
    option("--detach-keys", metavar="KEYS", default="ctrl-p,ctrl-q", help="Keys that detach from a terminal [ctrl-p,ctrl-q]."),
    *EXPLAIN,
    STOP_AFTER,
    argument("words", "CONTAINER COMMAND [ARGUMENT...]", ANY),
    name="exec",
    is_interspersed=False,
)
def execute(session: Session, /, words: tuple[str, ...], detach: bool, interactive: bool, tty: bool, detach_keys: str, **flags: Any) -> int:
    """Run a command in a running container.

    Example: mydocker exec -it web sh
    """
    if len(words) < 2:
        raise BadInput("a CONTAINER and a COMMAND are required", "mydocker exec --help shows how")
    keys = parse_keys(detach_keys)
    streams = "" if detach else OUTPUT + ERRORS + (INPUT if interactive else "")
    check_terminal(session, tty and INPUT in streams)
    record = containers.load(session.paths, containers.resolve(session.paths, words[0]))
    execution.running(session.paths, record["id"])
    env = settings.environment(flags["env"], flags["env_file"])
    args, workdir = list(words[1:]), flags["workdir"] or ""
    process = further.process(session.paths, record, args, tty, env, flags["user"], workdir, flags["privileged"])
    if _only_told(session, record["id"], process):
        return 0
    stop_after(session, flags["stop_after"], lambda: _plans(session, record["id"], process)[0])
    explain = telling(session)
    client = started(session, lambda stop: start.execute(session.paths, record, process, streams, keys, explain, stop=stop))
    return 0 if detach else client.run()


def _only_told(session: Session, container_id: str, process: WantedProcess) -> bool:
    """Tell what would be done, if the session asks for that. Return whether nothing more is to be done."""
    if not wants_plan(session):
        return False
    from mydocker.engine.view.script import exec_script

    whole, root = _plans(session, container_id, process)
    return tell_plan(session, whole, exec_script(whole, root))


def _plans(session: Session, container_id: str, process: WantedProcess) -> tuple[Plans, str]:
    from mydocker.engine.view.describe import exec_plans

    return exec_plans(session.paths, container_id, process)
