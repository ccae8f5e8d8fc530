"""The table of the verbs of mydocker-oci. They are runc's verbs, each with the module that it needs."""

from __future__ import annotations

from mydocker.value import Value
from mydocker.version import VERSION

SPECIFICATION = "1.3.0"
# runc has these verbs too and does them by CRIU. Here they are refused before their flags are read.
REFUSED = ("checkpoint", "restore")


class Verb(Value):
    """One verb."""

    module: str  # its name inside mydocker.oci
    function: str  # its name inside the module
    flags: str  # the name of its Flags inside the module
    synopsis: str  # what follows the verb, for --help
    least: int  # how many words that are not flags it takes at least
    most: int | None  # how many it takes at most; None for any number
    mixed: bool = True  # whether flags may follow the first word that is not a flag


_MAKE = "[--bundle DIR] [--config FILE] [--pid-file FILE] [--console-socket PATH] [--preserve-fds N] [--no-pivot] [--no-new-keyring]"

VERBS = {
    "create": Verb(module="create", function="create", flags="CREATE", synopsis=f"{_MAKE} ID", least=1, most=1),
    "start": Verb(module="life", function="start", flags="NONE", synopsis="ID", least=1, most=1),
    "run": Verb(module="create", function="run", flags="RUN", synopsis=f"[--detach] [--keep] {_MAKE} ID", least=1, most=1),
    "state": Verb(module="look", function="state", flags="NONE", synopsis="ID", least=1, most=1),
    "list": Verb(module="look", function="listing", flags="LIST", synopsis="[--format table|json] [--quiet]", least=0, most=0),
    "kill": Verb(module="life", function="kill", flags="KILL", synopsis="[--all] ID [SIGNAL]", least=1, most=2),
    "delete": Verb(module="life", function="delete", flags="DELETE", synopsis="[--force] [--regex] ID", least=1, most=1),
    "exec": Verb(
        module="execute",
        function="execute",
        flags="EXEC",
        synopsis="[--process FILE] [--detach] [--tty] [--env K=V] … [--cgroup PATH] ID [COMMAND] …",
        least=1,
        most=None,
        mixed=False,
    ),
    "ps": Verb(
        module="look", function="processes", flags="PS", synopsis="[--format table|json] ID [PS OPTION] …", least=1, most=None, mixed=False
    ),
    "pause": Verb(module="life", function="pause", flags="NONE", synopsis="ID", least=1, most=1),
    "resume": Verb(module="life", function="resume", flags="NONE", synopsis="ID", least=1, most=1),
    "update": Verb(
        module="update",
        function="update",
        flags="UPDATE",
        synopsis="[--resources FILE|-] [--memory N] [--cpu-quota N] [--pids-limit N] … ID",
        least=1,
        most=1,
    ),
    "events": Verb(module="events", function="events", flags="EVENTS", synopsis="[--stats] [--interval DURATION] ID", least=1, most=1),
    "features": Verb(module="features", function="features", flags="NONE", synopsis="", least=0, most=0),
    "spec": Verb(module="template", function="spec", flags="SPEC", synopsis="[--bundle DIR] [--rootless]", least=0, most=0),
}


def version() -> str:
    """Return what --version prints. Callers read the first line and the line that begins with 'spec:'."""
    return f"mydocker-oci version {VERSION}\nspec: {SPECIFICATION}\n"


def usage() -> str:
    """Return what --help prints."""
    lines = [f"  {name:8} {verb.synopsis}" for name, verb in VERBS.items()]
    flags = "[--root DIR] [--log FILE] [--log-format text|json] [--debug] [--systemd-cgroup]"
    return f"Usage: mydocker-oci {flags} VERB …\n\nOCI containers from bundles, as runc makes them.\n\n" + "\n".join(lines) + "\n"
