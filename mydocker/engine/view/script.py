"""--explain=sh: write one script that makes the same container by hand, in a root shell.

Each of our processes becomes a shell of its own, because a shell enters new namespaces by unshare(1), which starts another:

    cli.sh ── unshare --mount ──► monitor.sh ── unshare --pid --uts … ──► init.sh ── chroot ──► the program

Where a shell cannot do what mydocker does, the script does something else, and a comment in it says so.
"""

from __future__ import annotations

import re

from mydocker import reasons
from mydocker.engine.connection.plan import NetworkPlan
from mydocker.engine.monitor.plans import Order
from mydocker.engine.view.commented import Commented
from mydocker.engine.view.compact import looped
from mydocker.kernel.namespaces import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER
from mydocker.runtime.users import mappings
from mydocker.steps.base import Step, command, quote
from mydocker.steps.files import EnterDirectory
from mydocker.steps.namespaces import JoinNamespace, Unshare
from mydocker.steps.process import Exec, SetUser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Linux, Process, Spec

_HEADER = """\
# Paste this into a root shell: it does the same step by step, ends with the program, and cleans up.
(
set -e
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
"""


class Plans:
    """All that one start does, process by process.

    cli: the steps before the monitor
    monitor: the monitor's steps before init
    fork: (who, step) for each step that leads init into its pid and user namespaces
    enter: (who, step) for each step that puts init into its cgroups
    early, isolate, init: init's steps until it has the new root
    confine: init's steps inside the new root. The last one executes the program.
    spec: the bundle's config.json
    undo: shell commands that remove what outlives the processes
    network: the steps that connect the container
    names: {long path or id: the variable of a script that holds it}, those inside others first
    """

    __slots__ = ("cli", "monitor", "fork", "enter", "early", "isolate", "init", "confine", "spec", "undo", "network", "names")

    def __init__(
        self,
        cli: list[Step],
        monitor: list[Step],
        fork: list[tuple[str, Step]],
        enter: list[tuple[str, Step]],
        early: list[Step],
        isolate: list[Step],
        init: list[Step],
        confine: list[Step],
        spec: Spec,
        undo: list[str],
        network: NetworkPlan | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        self.cli = cli
        self.monitor = monitor
        self.fork = fork
        self.enter = enter
        self.early = early
        self.isolate = isolate
        self.init = init
        self.confine = confine
        self.spec = spec
        self.undo = undo
        self.network = network or NetworkPlan(claims=[], connect=[], undo=[])
        self.names = names or {}

    def every(self) -> list[tuple[str, Step]]:
        """Return (who, step) for each step, in the order of each process."""
        told = Told(self)
        told.in_order()
        return [*(("cli", step) for step in self.cli), *(("monitor", step) for step in self.monitor), *told.steps]


class Told(Order):
    """A start that is only told. `steps` collects (who, step) for each step, in the order of the start."""

    __slots__ = ("plans", "steps")

    def __init__(self, plans: Plans) -> None:
        self.plans = plans
        self.steps: list[tuple[str, Step]] = []

    def _tell(self, who: str, steps: list[Step]) -> None:
        self.steps += [(who, step) for step in steps]

    def fork(self) -> int:
        self.steps += [*self.plans.fork, *(each for each in self.plans.enter if each[0] == "monitor")]
        return 0

    def claim(self) -> None:
        self._tell("monitor", self.plans.network.claims)

    def connect(self, pid: int) -> None:
        entering = [step for who, step in self.plans.enter if who == "init"]
        self._tell("init", [*self.plans.early, *entering, *self.plans.isolate])
        self._tell("monitor", self.plans.network.connect)

    def go(self, pid: int) -> None:
        self._tell("init", [*self.plans.init, *self.plans.confine])


def script(plans: Plans) -> str:
    """Return the whole script of a start."""
    writer = Commented(plans.names, reasons.language())
    first, monitor = writer.lines(plans.cli), _monitor_lines(plans, writer)
    undo = [*([] if _leaves_network_out(plans) else plans.network.undo), *plans.undo]
    lines = [
        "# === cli: what is written to disk",
        *first,
        *(_file("init.sh", _init_lines(plans, writer)) if plans.isolate else []),
        *_file("monitor.sh", monitor),
        "status=0",
        f'{_unshare(CLONE_NEWNS)} sh -e "$T/monitor.sh" "$T" || status=$?',
        # What removes whole trees names them in full: with a variable that is not set it would remove others.
        *looped([line if line.startswith("rm -rf") else writer.named(line) for line in undo]),
        'exit "$status"',
    ]
    return "\n".join([_HEADER, *writer.variables(lines), *lines, ")", ""])


def exec_script(plans: Plans, root: str) -> str:
    """Return the script of one more process in a running container. root: /proc/PID/root of the container's first process."""
    writer = Commented(plans.names, reasons.language())
    joins = [step for step in [*_forking(plans), *plans.isolate] if isinstance(step, JoinNamespace) and step.kind != "mount"]
    lines = [
        *_file("exec.sh", [f"cd {quote(root)}", *_init_lines(plans, writer)]),
        "# 0 is the process that writes: this shell enters the cgroups, and what it starts inherits them",
        *writer.lines([step for _, step in plans.enter]),
        "# mydocker enters the mount namespace too; a shell that did so would miss the programs that drop privileges",
        " ".join([*(command(*step.shell_words()) for step in joins), 'sh -e "$T/exec.sh"']),
    ]
    return "\n".join([_HEADER, *writer.variables(lines), *lines, ")", ""])


def _forking(plans: Plans) -> list[Step]:
    return [step for _, step in plans.fork]


def _file(name: str, lines: list[str]) -> list[str]:
    """Return the shell lines that write a file. The line that ends the here-document is made so that the file does not contain it."""
    end = f"END_{name.removesuffix('.sh').upper()}"
    while end in "\n".join(lines).split("\n"):
        end += "_"
    return [f"cat > \"$T/{name}\" <<'{end}'", *lines, end]


def _unshare(flags: int) -> str:
    return command(*Unshare(flags).shell_words())


def _monitor_lines(plans: Plans, writer: Commented) -> list[str]:
    """Return the lines of the monitor's script. They leave out the monitor's unshare, because it has led into this script."""
    steps = [step for step in plans.monitor if not isinstance(step, Unshare)]
    return [
        "# === monitor: the root file system in a mount namespace of its own, and the cgroup",
        *writer.lines(steps),
        *_network_lines(plans, writer),
        *(_own_runtime(plans, writer) if plans.isolate else writer.lines(plans.confine)),
    ]


def _leaves_network_out(plans: Plans) -> bool:
    """Say whether the container's network namespace must be made by a process that is in its user namespace already."""
    return any(isinstance(step, Unshare) and step.flags & CLONE_NEWUSER for step in _forking(plans)) or not plans.isolate


def _network_lines(plans: Plans, writer: Commented) -> list[str]:
    """Return the lines that make a network namespace and connect it. A sleeping process keeps it until init is in it."""
    if not plans.network.connect:
        return []
    if _leaves_network_out(plans):
        return ["# mydocker connects the container's network here; a shell cannot, as the namespace has to belong to what comes below"]
    lines = writer.lines([*plans.network.claims, *plans.network.connect])
    return [
        "# === the network: mydocker connects init's namespace; here init enters one that is connected",
        'within() { nsenter --net=/proc/$NETNS/ns/net "$@"; }',
        "unshare --net sleep 1000000 & NETNS=$!",
        "trap 'kill $NETNS' EXIT",
        "while [ /proc/$NETNS/ns/net -ef /proc/self/ns/net ]; do sleep 0.01; done",
        *(line.replace("nsenter --net=/proc/PID/ns/net", "within").replace("netns PID", "netns $NETNS") for line in lines),
    ]


def _own_runtime(plans: Plans, writer: Commented) -> list[str]:
    """Return the lines that lead to init.sh."""
    return [
        "# 0 is the process that writes: this shell enters the cgroups, and what it starts inherits them",
        *writer.lines([step for _, step in plans.enter]),
        *writer.lines([step for step in _forking(plans) if isinstance(step, EnterDirectory)]),
        "# === into the container's namespaces",
        _into_namespaces(plans) + ' sh -e "$1/init.sh"',
    ]


def _into_namespaces(plans: Plans) -> str:
    """Return the unshare and nsenter commands that lead into the container's namespaces."""
    steps = [*_forking(plans), *plans.isolate, *plans.init]
    joins = [command(*step.shell_words()) for step in steps if isinstance(step, JoinNamespace)]
    flags = sum(step.flags for step in steps if isinstance(step, Unshare))
    if plans.network.connect and not _leaves_network_out(plans):
        joins.append("within")
        flags &= ~CLONE_NEWNET
    words = [*joins, *([_unshare(flags)] if flags else [])]
    return " ".join([*words, *(_maps(plans.spec["linux"]) if flags & CLONE_NEWUSER else [])])


def _maps(linux: Linux) -> list[str]:
    """Return the options of unshare(1) that map users as the monitor does. unshare has them since util-linux 2.39."""
    users, groups = mappings(linux)
    lines = [("users", mapping) for mapping in users] + [("groups", mapping) for mapping in groups]
    maps = [f"--map-{kind}={':'.join(map(str, mapping))}" for kind, mapping in lines]
    return [*maps, "--setuid=0", "--setgid=0"]


def _init_lines(plans: Plans, writer: Commented) -> list[str]:
    steps = [step for step in [*plans.early, *plans.isolate, *plans.init] if not isinstance(step, (Unshare, JoinNamespace))]
    return [
        "# === init: becomes the container",
        *writer.lines(steps),
        *writer.lines([_Only(step) for step in plans.confine]),
        _program(plans),
    ]


class _Only(Step):
    """A step that no command does: the last one of the script does what all of them do together."""

    told: Step

    def describe(self) -> str:
        return abridged(self.told.describe())

    @property
    def origin(self) -> str:
        return self.told.origin


def abridged(words: str) -> str:
    """Return a step's words without all but the first of a long list of capabilities: the last command has the whole of it."""
    return re.sub(r"\b([a-z_]+)(?:,[a-z_]+){3,}", r"\1,…", words)


def _program(plans: Plans) -> str:
    """Return the last command. It sets a clean environment, the capabilities, the user and the new root, and executes the program."""
    process = plans.spec["process"]
    program = next(step for step in plans.confine if isinstance(step, Exec))
    user = next(step for step in plans.confine if isinstance(step, SetUser))
    enter = 'cd "$0" && exec "$@"'
    inside = ["/bin/sh", "-c", enter, process["cwd"], *program.args] if process["cwd"] != "/" else program.args
    variables = (quote(f"{name}={value}") for name, value in program.variables().items())
    return " ".join(["exec env -i --", *variables, _setpriv(process, user), command("chroot", *_who(user), ".", *inside)])


def _setpriv(process: Process, user: SetUser) -> str:
    bounding = [name.removeprefix("CAP_").lower() for name in process["capabilities"].get("bounding", [])]
    # chroot(8) itself needs these. mydocker does not need them, and drops exactly what it should.
    needed = ["sys_chroot", *(["setgid", "setuid"] if user.uid else [])]
    kept = [*bounding, *(name for name in needed if name not in bounding)]
    words = ["/usr/bin/setpriv", "--inh-caps=-all", "--bounding-set=-all," + ",".join(f"+{name}" for name in kept)]
    groups = [] if user.uid else [f"--regid={user.gid}", "--groups=" + ",".join(map(str, user.groups))]
    return command(*words, *groups, *(["--no-new-privs"] if process["noNewPrivileges"] else []))


def _who(user: SetUser) -> list[str]:
    """Return the options of chroot(8) for a user other than root. The plus sign says that what follows is a number and not a name."""
    groups = ",".join(f"+{group}" for group in user.groups)
    return [f"--userspec=+{user.uid}:+{user.gid}", f"--groups={groups}"] if user.uid else []
