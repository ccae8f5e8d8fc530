"""Write an ssh configuration for Vagrant's machines, with one connection for all commands, for ssh, fabric and the integration tests.

python vm/sshconfig.py [--output FILE] [MACHINE…]     all machines that are up, unless some are named; into vm/ssh-config

A command over a connection that is open already takes a tenth of the time of one that makes its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

VM = Path(__file__).resolve().parent
OUTPUT = VM / "ssh-config"
# A name of fixed length, as a socket's path has 108 bytes at most.
SHARING = ("ControlMaster auto", "ControlPath ~/.ssh/mydocker-%C", "ControlPersist 60")


def with_sharing(config: str) -> str:
    """Return a configuration that keeps the first connection to each of its hosts for those that follow."""
    lines = []
    for line in config.splitlines():
        lines.append(line)
        if line.startswith("Host "):
            lines += [f"  {option}" for option in SHARING]
    return "".join(f"{line}\n" for line in lines)


def running(status: str) -> list[str]:
    """Return the names of the machines that run, from what `vagrant status --machine-readable` prints: time,machine,kind,value."""
    fields = [line.split(",") for line in status.splitlines()]
    return [field[1] for field in fields if field[2:4] == ["state", "running"]]


def _vagrant(*arguments: str) -> str:
    result = subprocess.run(["vagrant", *arguments], cwd=VM, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise SystemExit(f"sshconfig: 'vagrant {' '.join(arguments)}' failed, see above")
    return result.stdout


def write(machines: list[str], output: Path) -> None:
    """Ask Vagrant for each machine's entry and replace the file; SystemExit if none is up or Vagrant fails."""
    names = machines or running(_vagrant("status", "--machine-readable"))
    if not names:
        raise SystemExit("sshconfig: no machine is up: start one with 'cd vm && vagrant up'")
    text = "".join(with_sharing(_vagrant("ssh-config", name)) for name in names)
    Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(temporary, output)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="write an ssh configuration for Vagrant's machines")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write [vm/ssh-config]")
    parser.add_argument("machines", nargs="*", help="their names [all that are up]")
    arguments = parser.parse_args()
    write(arguments.machines, arguments.output)
    print(arguments.output)


if __name__ == "__main__":
    main()
