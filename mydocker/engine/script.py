"""--explain=sh: the same container by hand, as one script for a root shell.

Each process of ours becomes a shell of its own, because unshare(1) is how a shell enters new namespaces:

    cli.sh ── unshare --mount ──► monitor.sh ── unshare --pid --uts … ──► init.sh ── chroot ──► the program

The scripts differ from what mydocker does where a shell cannot do it, and then say so in a comment.
"""

from __future__ import annotations

from mydocker.kernel.namespaces import CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER
from mydocker.steps.base import command, quote
from mydocker.steps.namespaces import JoinNamespace, Unshare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.steps.base import Step

_HEADER = """\
# Paste this into a root shell: it makes the container step by step, ends with its program, and cleans up.
(
set -e
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
"""


class Plans:
    """Everything one start does, process by process.

    cli: before the monitor; monitor: before init; enter: init into its cgroups; init: up to the new root; confine:
    inside it. undo: shell commands that take away what outlives the processes.
    """

    __slots__ = ("cli", "monitor", "enter", "init", "confine", "spec", "rootfs", "undo")

    def __init__(
        self,
        cli: list[Step],
        monitor: list[Step],
        enter: list[Step],
        init: list[Step],
        confine: list[Step],
        spec: dict[str, Any],
        rootfs: str,
        undo: list[str],
    ) -> None:
        self.cli = cli
        self.monitor = monitor
        self.enter = enter
        self.init = init
        self.confine = confine
        self.spec = spec
        self.rootfs = rootfs
        self.undo = undo

    def every(self) -> list[tuple[str, Step]]:
        """Return (who, step) for each step in order."""
        return [
            *(("cli", step) for step in self.cli),
            *(("monitor", step) for step in [*self.monitor, *self.enter]),
            *(("init", step) for step in [*self.init, *self.confine]),
        ]


def script(plans: Plans) -> str:
    """Return the whole script."""
    return "\n".join(
        [
            _HEADER,
            "# --- cli: what is written to disk",
            *_lines(plans.cli),
            *_file("init.sh", _init_lines(plans)),
            *_file("monitor.sh", _monitor_lines(plans)),
            "status=0",
            f'{_unshare(CLONE_NEWNS)} sh -e "$T/monitor.sh" "$T" || status=$?',
            *plans.undo,
            'exit "$status"',
            ")",
            "",
        ]
    )


def _file(name: str, lines: list[str]) -> list[str]:
    end = f"END_OF_{name.upper().replace('.', '_')}"
    return [f"cat > \"$T/{name}\" <<'{end}'", *lines, end]


def _lines(steps: list[Step]) -> list[str]:
    return [step.shell() for step in steps]


def _unshare(flags: int) -> str:
    return command(*Unshare(flags).shell_words())


def _monitor_lines(plans: Plans) -> list[str]:
    """The monitor's steps; its own unshare is how this script was entered."""
    steps = [step for step in plans.monitor if not isinstance(step, Unshare)]
    return [
        "# --- monitor: the root file system in a mount namespace of its own, and the cgroup",
        *_lines(steps),
        "# mydocker writes init's pid; 0 means the process that writes, whose children inherit the cgroups",
        *_lines(plans.enter),
        "# --- into the container's namespaces",
        _into_namespaces(plans) + ' sh -e "$1/init.sh"',
    ]


def _into_namespaces(plans: Plans) -> str:
    """Return the unshare and nsenter commands that lead into the container's namespaces."""
    joins = [command(*step.shell_words()) for step in plans.init if isinstance(step, JoinNamespace)]
    flags = sum(step.flags for step in plans.init if isinstance(step, Unshare))
    kinds = {entry["type"]: entry.get("path", "") for entry in plans.spec["linux"]["namespaces"]}
    if kinds.get("pid") == "":
        flags |= CLONE_NEWPID
    elif kinds.get("pid"):
        joins.append(command("nsenter", f"--pid={kinds['pid']}"))
    if kinds.get("user") == "":
        flags |= CLONE_NEWUSER
    return " ".join([*joins, *([_unshare(flags)] if flags else [])])


def _init_lines(plans: Plans) -> list[str]:
    """Init's steps; its namespaces are how this script was entered."""
    steps = [step for step in plans.init if not isinstance(step, (Unshare, JoinNamespace))]
    return [
        "# --- init: becomes the container",
        *_lines(steps),
        *(f"# {step.describe()}" for step in plans.confine),
        _program(plans.spec),
    ]


def _program(spec: dict[str, Any]) -> str:
    """Return the last command: a clean environment, the capabilities, the user, the new root, the program."""
    process = spec["process"]
    variables = list(process.get("env", []))
    if not any(pair.startswith("HOME=") for pair in variables):
        variables.append("HOME=/root")
    user = spec.get("annotations", {}).get("mydocker.user") or f"{process['user']['uid']}:{process['user']['gid']}"
    who = ["--userspec", user] if user not in ("", "0:0", "root") else []
    enter = 'cd "$0" && exec "$@"'
    inside = ["/bin/sh", "-c", enter, process["cwd"], *process["args"]] if process["cwd"] != "/" else process["args"]
    return " ".join(
        [
            "exec",
            "env -i",
            *(quote(pair) for pair in variables),
            _setpriv(process),
            command("chroot", *who, ".", *inside),
        ]
    )


def _setpriv(process: dict[str, Any]) -> str:
    bounding = [name.removeprefix("CAP_").lower() for name in process.get("capabilities", {}).get("bounding", [])]
    # chroot(8) itself needs sys_chroot; mydocker has no such need and drops exactly what it should.
    kept = [*bounding, *([] if "sys_chroot" in bounding else ["sys_chroot"])]
    words = ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-all," + ",".join(f"+{name}" for name in kept)]
    return command(*words, *(["--no-new-privs"] if process.get("noNewPrivileges") else []))
