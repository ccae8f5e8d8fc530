"""The text that starts a program of ours in another interpreter, `python -I -S`, which ignores site and the environment.

site, and what pip's own launchers import, would cost every start several ms. Such an interpreter finds only the standard library, so the
text says where our package is. It comes after the standard library, so that no module of ours or of click's hides one of those.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The directory that this package is in.
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text(module: str, arguments: str = "", libraries: tuple[str, ...] = (HERE,)) -> str:
    """Return the Python text that calls the main() of a module.

    arguments: the text between its parentheses.
    libraries: directories to add to sys.path.
    """
    # To look for the garbage of a start takes 2 ms, which it is not worth. So it is looked for after 50,000 new objects, not after 700.
    return f"import gc, sys; gc.set_threshold(50_000); sys.path += {list(libraries)!r}; from {module} import main; main({arguments})"


def open_streams() -> None:
    """Open /dev/null in place of every standard stream that the caller has closed.

    Otherwise the next file that is opened would get its number, and what is written to the stream would go there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - it stays open


def function(module: str) -> Callable[..., None]:
    """Return the main() of a module, for a process that is an interpreter of ours already."""
    __import__(module)
    main: Callable[..., None] = sys.modules[module].main
    return main


def command(module: str, arguments: str = "") -> list[str]:
    """Return the command line that executes the main() of a module in another interpreter like this one.

    A monitor imports dnspython, which can lie elsewhere than this package: where that is a link to a tree that somebody works on.
    """
    from importlib.machinery import PathFinder  # few starts come here

    found = PathFinder.find_spec("dns")
    others = [os.path.dirname(place) for place in found.submodule_search_locations or ()] if found else []
    return [sys.executable, "-I", "-S", "-c", text(module, arguments, tuple(dict.fromkeys((HERE, *others))))]


def script(interpreter: str, module: str, *libraries: str) -> str:
    """Return the text of an executable file that calls the main() of a module.

    interpreter: the path of the interpreter.
    libraries: the directories that our package and click are in.
    """
    return f"#!{interpreter} -IS\n{text(module, libraries=libraries)}\n"
