"""The table of mydocker-oci's verbs: runc's, with the module that each needs."""

from __future__ import annotations

from mydocker.version import VERSION

SPECIFICATION = "1.3.0"
# runc has them, by CRIU. Their flags are not even read.
REFUSED = ("checkpoint", "restore")


class Verb:
    """module, function and flags: names inside mydocker.oci. least, most: how many words that are no flags."""

    __slots__ = ("module", "function", "flags", "synopsis", "least", "most", "mixed")

    def __init__(self, module: str, function: str, flags: str, synopsis: str, least: int, most: int | None, mixed: bool = True) -> None:
        self.module = module
        self.function = function
        self.flags = flags
        self.synopsis = synopsis
        self.least = least
        self.most = most
        self.mixed = mixed


_MAKE = "[--bundle DIR] [--pid-file FILE] [--console-socket PATH] [--preserve-fds N] [--no-pivot] [--no-new-keyring]"

VERBS = {
    "create": Verb("create", "create", "CREATE", f"{_MAKE} ID", 1, 1),
    "start": Verb("life", "start", "NONE", "ID", 1, 1),
    "run": Verb("create", "run", "RUN", f"[--detach] [--keep] {_MAKE} ID", 1, 1),
    "state": Verb("look", "state", "NONE", "ID", 1, 1),
    "list": Verb("look", "listing", "LIST", "[--format table|json] [--quiet]", 0, 0),
    "kill": Verb("life", "kill", "KILL", "[--all] ID [SIGNAL]", 1, 2),
    "delete": Verb("life", "delete", "DELETE", "[--force] ID", 1, 1),
    "exec": Verb(
        "execute", "execute", "EXEC", "[--process FILE] [--detach] [--tty] [--env K=V] … [--cgroup PATH] ID [COMMAND] …", 1, None, False
    ),
    "ps": Verb("look", "processes", "PS", "[--format table|json] ID [PS OPTION] …", 1, None, False),
    "pause": Verb("life", "pause", "NONE", "ID", 1, 1),
    "resume": Verb("life", "resume", "NONE", "ID", 1, 1),
    "update": Verb("update", "update", "UPDATE", "[--resources FILE|-] [--memory N] [--cpu-quota N] [--pids-limit N] … ID", 1, 1),
    "events": Verb("events", "events", "EVENTS", "[--stats] [--interval DURATION] ID", 1, 1),
    "features": Verb("features", "features", "NONE", "", 0, 0),
    "spec": Verb("template", "spec", "SPEC", "[--bundle DIR] [--rootless]", 0, 0),
}


def version() -> str:
    """Return what --version prints; callers read the first line and the one that begins with 'spec:'."""
    return f"mydocker-oci version {VERSION}\nspec: {SPECIFICATION}\n"


def usage() -> str:
    """Return what --help prints."""
    lines = [f"  {name:8} {verb.synopsis}" for name, verb in VERBS.items()]
    flags = "[--root DIR] [--log FILE] [--log-format text|json] [--debug] [--systemd-cgroup]"
    return f"Usage: mydocker-oci {flags} VERB …\n\nOCI containers from bundles, as runc makes them.\n\n" + "\n".join(lines) + "\n"
