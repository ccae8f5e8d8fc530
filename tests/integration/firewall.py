"""Machines where iptables alone writes the rules: `--firewall iptables-legacy` or `iptables-nft` makes this one such a machine.

On them mydocker takes iptables for everything, and so do the tests: what rules there are, and how all of them are removed.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mydocker.kernel.mounts import MS_BIND, mount

KINDS = ("iptables-legacy", "iptables-nft")
# The programs of which every iptables command is a link.
_PROGRAMS = {"iptables-legacy": "xtables-legacy-multi", "iptables-nft": "xtables-nft-multi"}
# Without counters and dates. The kernel keeps an empty table of the old iptables once somebody has looked at it, and that is no rule.
_SAVED = "for each in iptables ip6tables; do $each-save | grep -E '^-A|^:.* (-|DROP) ' | sed \"s/ \\[.*//; s/^/$each /\"; done"
LIST_RULES = f"if nft --version >/dev/null 2>&1; then nft list ruleset; else {_SAVED}; fi 2>/dev/null"
_DELETE = "for each in iptables ip6tables; do for table in nat filter raw; do $each -t $table -F && $each -t $table -X; done; done"


def delete_rules(has_no_nft: bool) -> str:
    """Return the script that removes all rules."""
    return _DELETE if has_no_nft else "nft flush ruleset"


def programs(kind: str) -> tuple[str | None, str, set[str]]:
    """Return (the program of a kind, what the command iptables leads to, the programs to hide), by the paths of the files themselves.

    One of them can be in the PATH by two names, as /sbin is /usr/sbin.
    """
    found = {name: str(Path(path).resolve()) for name in ("nft", "iptables", *_PROGRAMS.values()) if (path := shutil.which(name))}
    wanted = found.get(_PROGRAMS[kind])
    usual = found.get("iptables", wanted or "")
    return wanted, usual, {*found.values()} - {wanted, usual}


def be_alone(kind: str) -> None:
    """Hide nft and the other iptables in this process's mount namespace, which must be its own. kind: one of KINDS."""
    wanted, usual, hidden = programs(kind)
    if not wanted or subprocess.run([wanted, "iptables", "-t", "nat", "-S"], capture_output=True).returncode:
        pytest.exit(f"this machine has no {kind}", 2)
    mount(wanted, usual, flags=MS_BIND)
    for path in hidden:
        mount("/dev/null", path, flags=MS_BIND)
