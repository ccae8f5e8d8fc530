"""A run of chaos (tests/chaos/chaos.py): as many rounds as `--rounds` says, and none without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos import Chaos
from conftest import IMPORT_BUSYBOX, Machine, clean


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    number: int = request.config.getoption("rounds")
    return number or pytest.skip("without --rounds; tox -e chaos has it")


@pytest.fixture
def own(mydocker: Machine, program: str) -> Iterator[Machine]:
    """The command with a ROOT and a STATE of its own, which hold the image busybox."""
    machine = Machine(mydocker.host, program, f"{mydocker.directory}/chaos")
    mydocker.sh("mkdir chaos")
    assert machine.sh(IMPORT_BUSYBOX).rc == 0
    assert machine("run", "--rm", "--network", "none", "busybox", "true").rc == 0
    try:
        yield machine
    finally:
        clean(machine)
        machine("system", "prune", "-f")  # the default network, which is made when it is needed


@pytest.mark.timeout(0)  # each verb has a deadline of its own
def test_chaos(rounds: int, own: Machine, needs_controllers: None, seed: int) -> None:
    run = Chaos(own, seed)
    for _ in range(rounds):
        run.round()
    run.finish()
