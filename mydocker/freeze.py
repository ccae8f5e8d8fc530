"""Write the files of modules that frozen.py reads, when mydocker is installed.

    python -m mydocker.freeze [PREFIX]     for modules that will lie in PREFIX/mydocker; without it, where they lie now

Each program is imported in a process of its own, whose main() says in what order its modules were executed.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from typing import ClassVar

from mydocker import program
from mydocker.frozen import path_of
from mydocker.program import HERE
from mydocker.store import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from mydocker.frozen import Frozen

# The modules of the verbs that people type all day. The others' are imported from their own files.
_OFTEN = ("ps", "life", "logs", "rm", "images", "inspect", "cp", "build")
_GROUPS = ("networks", "volumes")
# What mydocker-oci's verbs import, most of it when they get as far.
_SPECIFIED = ["mydocker.runtime.spec", "mydocker.cgroups.resources", "mydocker.kernel.seccomp_object"]
_MAKING = ["mydocker.oci.create", "mydocker.cgroups.manager", "mydocker.cgroups.choice"]
_OCI = {
    "create": _MAKING,
    "run": _MAKING,
    "start": ["mydocker.oci.life", *_SPECIFIED],
    "kill": ["mydocker.oci.life"],
    "delete": ["mydocker.oci.life", *_SPECIFIED, "mydocker.cgroups.manager"],
    "exec": ["mydocker.oci.execute", *_SPECIFIED],
    "state": ["mydocker.oci.look"],
}
# What each program imports.
PROGRAMS = {
    "main": ["mydocker.cli.main"],
    "monitor": ["mydocker.engine.monitor.monitor", "mydocker.engine.monitor.execute", "mydocker.cgroups.stats"],
    "run": ["mydocker.cli.main", "mydocker.cli.run", "mydocker.engine.request.seccomp", "mydocker.kernel.seccomp_rules"],
    "execute": ["mydocker.cli.main", "mydocker.cli.execute"],
    **{verb: [f"mydocker.cli.{verb}"] for verb in _OFTEN},
    **{verbs: ["mydocker.cli.groups", f"mydocker.cli.{verbs}"] for verbs in _GROUPS},
    **{f"oci-{verb}": ["mydocker.oci.entry", *modules] for verb, modules in _OCI.items()},
}
# What these import alike is a file of its own, executed before the monitor is forked.
SHARED = "start"
SHARING = ("monitor", "run", "execute")
# Which file comes before a file: what that one has is left out.
AFTER = {**dict.fromkeys(SHARING, SHARED), **dict.fromkeys((*_OFTEN, *_GROUPS), "main")}


class _Recorder(SourceFileLoader):
    """A loader that notes which modules it has executed. A module comes after those that it imports."""

    executed: ClassVar[list[str]] = []

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self.executed.append(self.name)


def main(modules: list[str]) -> None:
    """Import modules, and print those of ours that were executed for that, in order. For a process of its own."""
    sys.path_hooks.insert(0, FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Recorder, SOURCE_SUFFIXES)))
    sys.path_importer_cache.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "mydocker"]:
        del sys.modules[name]
    for name in modules:
        __import__(name)
    print(*(name for name in _Recorder.executed if name.partition(".")[0] == "mydocker"))


def orders() -> dict[str, list[str]]:
    """Return {file: its modules in the order in which they are executed}."""
    whole = {name: _order_of(modules) for name, modules in PROGRAMS.items()}
    whole[SHARED] = [name for name in whole[SHARING[0]] if all(name in whole[other] for other in SHARING[1:])]
    return {name: [module for module in order if module not in whole.get(AFTER.get(name, ""), [])] for name, order in whole.items()}


def _order_of(modules: list[str]) -> list[str]:
    return subprocess.run(program.command("mydocker.freeze", repr(modules)), check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def write(prefix: str = HERE) -> None:
    """Write all files. prefix: the directory that the package will be in, which tracebacks name."""
    for name, order in orders().items():
        content = AFTER.get(name, ""), [_frozen(module, prefix) for module in order]
        write_atomic(path_of(name), marshal.dumps(content), mode=0o644)


def _frozen(name: str, prefix: str) -> Frozen:
    spec = importlib.util.find_spec(name)
    assert spec and spec.origin
    path = os.path.relpath(spec.origin, HERE)
    status = os.stat(spec.origin)
    with open(spec.origin, "rb") as file:
        code = compile(file.read(), f"{prefix}/{path}", "exec", dont_inherit=True)
    return name, spec.submodule_search_locations is not None, path, int(status.st_mtime), status.st_size, code


if __name__ == "__main__":
    write(*sys.argv[1:2])
