"""The modules of a verb from one file: their bytecode, in the order in which they are executed.

Python looks for each module by itself, reads it and checks it, which takes as long as executing it. An installation has a few files that
hold what a program imports, one after the other (freeze.py writes them). When load() has executed one, the program's imports find all
there is to find. Such a file is never needed: what is not in it, or not as its source any more, is imported as always.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import ModuleSpec  # importlib.machinery takes another ms
from _frozen_importlib_external import SourceFileLoader
from marshal import loads

from mydocker.program import HERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    # A file is the name of another one, '' for none, whose modules come first, and a list of these:
    # a module's name, whether it is a package, its file below HERE, when that was changed (seconds) and its size (bytes), its bytecode.
    Frozen = tuple[str, bool, str, int, int, CodeType]

_Module = type(sys)
_loaded: set[str] = set()


def path_of(name: str) -> str:
    """Return the path of a file of modules. name: a program of freeze.PROGRAMS."""
    return f"{HERE}/mydocker/__pycache__/{name}.{sys.implementation.cache_tag}.frozen"


def load(name: str) -> bool:
    """Import the modules of a program as far as their sources are what they were then. Say whether there is a file of them."""
    if name in _loaded:
        return True
    try:
        with open(path_of(name), "rb", buffering=0) as file:
            content: tuple[str, list[Frozen]] = loads(file.read())
        before, modules = content
    except (OSError, EOFError, ValueError, TypeError):
        return False  # none that can be read, or not whole: everything is imported from its own file then
    _loaded.add(name)
    if before:
        load(before)
    for module in modules:
        if module[0] in sys.modules:
            continue
        if not _is_as_it_was(module):
            break
        _execute(module)
    return True


def _is_as_it_was(module: Frozen) -> bool:
    """Say whether a module's source is the one that its bytecode was made of, as Python does for its own .pyc files."""
    _, _, path, changed, size, _ = module
    try:
        status = os.stat(f"{HERE}/{path}")
    except OSError:
        return False  # the import says what is wrong with it
    return (int(status.st_mtime), status.st_size) == (changed, size)


def _execute(frozen: Frozen) -> None:
    """Do what an import does: see that its package is there, make the module, execute it, and give it to the package."""
    name, is_package, relative, _, _, code = frozen
    path = f"{HERE}/{relative}"
    package, _, last = name.rpartition(".")
    if package:
        __import__(package)  # it may have been left out with what follows a source that has changed
    module = _Module(name)
    module.__file__ = path
    module.__loader__ = SourceFileLoader(name, path)
    module.__spec__ = ModuleSpec(name, module.__loader__, origin=path, is_package=is_package)
    module.__spec__.has_location = True
    module.__package__ = name if is_package else package
    if is_package:
        module.__path__ = module.__spec__.submodule_search_locations = [os.path.dirname(path)]
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    if package:
        setattr(sys.modules[package], last, module)
