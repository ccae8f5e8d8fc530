"""Options as the command line gives them: click parses, nothing runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from mydocker.cli.base import Verb
from mydocker.cli.flags import run_flags
from mydocker.engine.options import Options, parse

# Words of a run command line → its options.
Parse = Callable[..., Options]


@pytest.fixture(scope="session")
def parsed() -> Parse:
    """Return a function that parses the words after `mydocker run`."""

    @click.command(cls=Verb, interspersed=False)
    @run_flags
    def run(**flags: Any) -> Options:
        return parse(flags)

    def call(*words: str) -> Options:
        options: Options = run.main(list(words), standalone_mode=False)
        return options

    return call
