"""How a build tells what it does: line by line, as docker's classic builder does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class LineByLine:
    """Tells of a build. What shows a build on a terminal takes its place (cli/buildscreen.py).

    print: prints a line
    """

    def __init__(self, print: Callable[[str], None]) -> None:
        self._print = print

    def line(self, text: str) -> None:
        """Tell anything else, such as a warning."""
        self._print(text)

    def begins(self, stage: str, number: int, count: int, source: str) -> None:
        """Tell that an instruction begins.

        stage: the name of its stage, '' if there is only one
        number, count: its place among all instructions, from 1, and how many there are
        source: all of it as the user wrote it
        """
        self._print(self.head(number, count, source))

    @staticmethod
    def head(number: int, count: int, source: str) -> str:
        """Return the line that says which instruction begins."""
        return f"Step {number}/{count} : {source}"

    def triggers(self, source: str) -> None:
        """Tell that an instruction begins that the base image has given (ONBUILD)."""
        self._print(f"# Executing build trigger: {source}")

    def is_cached(self) -> None:
        """Tell that an earlier build has done what the instruction says."""
        self._print(" ---> Using cache")

    def runs(self, container: str) -> None:
        """Tell that the instruction's command begins. container: its id"""
        self._print(f" ---> Running in {container[:12]}")

    def has_run(self, container: str) -> None:
        """Tell that the command has ended well, and that its container is removed. container: its id"""
        self._print(f"Removing intermediate container {container[:12]}")

    def is_done(self, image: str) -> None:
        """Tell that the instruction has ended. image: the id of what there is now, '' if it lies in a cache elsewhere"""
        if image:
            self._print(f" ---> {image[:12]}")

    def has_failed(self, line: int) -> None:
        """Tell that the instruction has failed, before the error does. line: the number of its line in the Dockerfile, from 1"""
