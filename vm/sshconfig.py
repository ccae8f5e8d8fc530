"""Write an ssh configuration for Vagrant's machines. ssh, fabric and the integration tests use it, with one connection for all commands.

python vm/sshconfig.py [--output FILE] [MACHINE…]     for these machines, or all that are up, to FILE or vm/ssh-config

A command over a connection that is already open takes a tenth of the time of a command that opens its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

VM = Path(__file__).resolve().parent
OUTPUT = VM / "ssh-config"
# %C is a name of fixed length. A socket's path has at most 108 bytes.
SHARING = ("ControlMaster auto", "ControlPath ~/.ssh/mydocker-%C", "ControlPersist 60")


def with_sharing(config: str) -> str:
    """Return a configuration with which all connections to a host share the first one."""
    lines = []
    for line in config.splitlines():
        lines.append(line)
        if line.startswith("Host "):
            lines += [f"  {option}" for option in SHARING]
    return "".join(f"{line}\n" for line in lines)


def running(status: str) -> list[str]:
    """Return the names of the machines that run.

    status: what `vagrant status --machine-readable` prints, lines of time,machine,kind,value
    """
    fields = [line.split(",") for line in status.splitlines()]
    return [field[1] for field in fields if field[2:4] == ["state", "running"]]


def _vagrant(*arguments: str) -> str:
    result = subprocess.run(["vagrant", *arguments], cwd=VM, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise SystemExit(f"sshconfig: 'vagrant {' '.join(arguments)}' failed, see above")
    return result.stdout


def write(machines: list[str], output: Path) -> None:
    """Ask Vagrant for the entry of each machine, and replace the file. Raises SystemExit if no machine is up or Vagrant fails.

    machines: their names, [] for all that are up
    """
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
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="write an ssh configuration for Vagrant's machines")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write [vm/ssh-config]")
    parser.add_argument("machines", nargs="*", help="their names [all that are up]")
    arguments = parser.parse_args()
    write(arguments.machines, arguments.output)
    print(arguments.output)


if __name__ == "__main__":
    main()
