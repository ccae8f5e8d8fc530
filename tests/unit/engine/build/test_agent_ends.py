"""An ssh-agent of a build that is killed."""

from __future__ import annotations

import os
import subprocess

from mydocker.engine.build import agent


def test_it_ends_with_a_build_that_could_not_even_read_from_it() -> None:
    with subprocess.Popen(["sleep", "100"]) as standing_for_it:
        environment = {**os.environ, "SSH_AGENT_PID": str(standing_for_it.pid)}
        read, write = os.pipe()
        os.close(read)
        command = ["sh", "-c", agent._WAITING]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.DEVNULL, env=environment, timeout=20)
        os.close(write)
        try:
            assert standing_for_it.wait(10) == -15
        finally:
            standing_for_it.kill()
