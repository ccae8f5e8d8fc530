"""generate systemd: units that systemd takes, and whose commands run the container."""

from __future__ import annotations

import os
import shlex

import pytest
from conftest import Machine


def generated(mydocker: Machine, *words: str) -> dict[str, str]:
    """Return the lines of a unit by their keys, once systemd has found nothing wrong with it."""
    path = f"{os.path.dirname(mydocker.command)}:{os.environ['PATH']}"
    shown = mydocker("generate", "systemd", *words, env={"PATH": path})
    assert shown.rc == 0, shown.stderr
    if mydocker.sh("command -v systemd-analyze").rc == 0:
        with open(f"{mydocker.directory}/box.service", "w") as file:
            file.write(shown.stdout)
        verified = mydocker.sh("systemd-analyze verify ./box.service 2>&1")
        assert verified.rc == 0 and "box.service" not in verified.stdout, verified.stdout
    return dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)


def done(mydocker: Machine, line: str) -> str:
    """Do what systemd would: the words of these lines mean the same to a shell, but for the doubled signs."""
    return mydocker.sh(shlex.join(word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line.lstrip("-")))).stdout


def test_a_unit_for_a_container_that_is_there(mydocker: Machine) -> None:
    mydocker("create", "--name", "box", "--stop-timeout", "3", "--network", "none", "busybox", "echo", "hello")
    unit = generated(mydocker, "--name", "box")
    assert (unit["Restart"], unit["TimeoutStopSec"], unit["KillMode"]) == ("on-failure", "63", "process")
    assert done(mydocker, unit["ExecStart"]) == "hello\n"
    assert " stop -t 3 box" in unit["ExecStop"]
    mydocker("rm", "box")


def test_a_unit_that_makes_the_container_anew(mydocker: Machine) -> None:
    script = "echo $A-$FROM-100%; hostname"
    flags = ("-it", "--rm", "--name", "box", "-e", "A=b c", "-e", "FROM", "-h", "there", "--network=none", "--init")
    assert mydocker("create", *flags, "busybox", "sh", "-c", script, env={"FROM": "here"}).rc == 0
    unit = generated(mydocker, "--new", "--time", "5", "--restart-policy", "always", "box")
    assert (unit["Restart"], unit["WorkingDirectory"]) == ("always", mydocker.directory)
    assert " -- busybox sh -c " in unit["ExecStart"] and "--interactive" not in unit["ExecStart"]
    assert done(mydocker, unit["ExecStartPre"]) == "box\n"
    assert done(mydocker, unit["ExecStart"]).split("\r\n")[:2] == ["b c-here-100%", "there"]
    assert mydocker("ps", "-aq").stdout == ""


def test_files(mydocker: Machine) -> None:
    mydocker("create", "--name", "box", "busybox")
    written = mydocker("generate", "systemd", "-f", "-n", "box").stdout
    assert written == f"{mydocker.directory}/container-box.service\n"
    assert mydocker.sh("grep -c ExecStart= container-box.service; rm container-box.service").stdout == "1\n"
    mydocker("rm", "box")


@pytest.mark.parametrize(
    ("words", "message"), [(("nosuch",), "no such container"), (("--restart-policy", "x", "box"), "restart-policy"), ((), "container")]
)
def test_what_is_wrong_is_named(mydocker: Machine, words: tuple[str, ...], message: str) -> None:
    refused = mydocker("generate", "systemd", *words)
    assert refused.rc != 0 and message in refused.stderr.lower()
