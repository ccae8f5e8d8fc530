"""The text that starts a program of ours in an interpreter that looks for nothing itself: `python -I -S`, without site and the environment.

site and what pip's own launchers import would cost every start several ms. Nothing is found then but the standard library, so the text
says where our package is; behind the standard library, which nothing of ours or of click's shall hide.
"""

from __future__ import annotations

import os
import sys

# Where this package lies: all that a program needs which is not the command line.
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text(module: str, arguments: str = "", libraries: tuple[str, ...] = (HERE,)) -> str:
    """Return what calls a module's main(). arguments: as they stand between its parentheses."""
    # The garbage of a start is not worth the 2 ms that looking for it takes: it is looked for after so many new objects, not after 700.
    return f"import gc, sys; gc.set_threshold(50_000); sys.path += {list(libraries)!r}; from {module} import main; main({arguments})"


def command(module: str, arguments: str = "") -> list[str]:
    """Return the words that execute a module's main() in another interpreter like this one."""
    return [sys.executable, "-I", "-S", "-c", text(module, arguments)]


def script(interpreter: str, module: str, *libraries: str) -> str:
    """Return an executable file's text. libraries: where our package is, and click."""
    return f"#!{interpreter} -IS\n{text(module, libraries=libraries)}\n"
