"""A pull or a start through the API that is killed in its middle: nothing half done is left, and it can be done again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading

import pytest
from conftest import Machine, wait_until
from services import Service
from stalling import stalling


def pull(service: Service, name: str) -> str:
    """Pull an image, and return what is told last; '' if the service does not get so far."""
    repository, _, tag = name.rpartition(":")
    try:
        lines = service.raw("POST", f"/images/create?fromImage={repository}&tag={tag}")[1].splitlines()
    except (OSError, http.client.HTTPException):
        return ""
    return str(json.loads(lines[-1]).get("status", "")) if lines else ""


def kept(machine: Machine) -> str:
    """Return all that a pull can leave: names, data on their way, and layers."""
    return machine.sh("find root/images/staging root/images/blobs root/layers/* -maxdepth 2; cat root/images/index.json").stdout


def is_as(machine: Machine, before: str) -> bool:
    """Say whether the repair leaves nothing of a pull. What helped the process that was killed may take a moment to end."""
    machine("system", "check", "--repair")
    return machine("system", "check").stdout == "" and kept(machine) == before


def children(service: Service) -> list[int]:
    listed = service.machine.sh(f"cat /proc/{service.process.pid}/task/{service.process.pid}/children").stdout
    return [int(pid) for pid in listed.split()]


@pytest.mark.parametrize("victims", ["child", "service and child", "service"])
def test_a_pull_that_is_killed_in_a_layer_leaves_nothing(mydocker: Machine, service: Service, victims: str) -> None:
    before = kept(mydocker)
    with stalling() as (registry, name):
        pulling = threading.Thread(target=pull, args=(service, name))
        pulling.start()
        assert registry.has_stalled.wait(20)
        for pid in children(service) if "child" in victims else []:
            os.kill(pid, signal.SIGKILL)
        if "service" in victims:
            service.process.kill()
            service.process.wait()
        if victims == "service":
            # The child that pulls outlives it, and finishes what it does.
            registry.may_go_on.set()
            pulling.join(30)
            assert mydocker("image", "inspect", name).rc == 0
        else:
            pulling.join(30)
            assert mydocker("image", "inspect", name).rc == 1
            wait_until(lambda: is_as(mydocker, before))
            registry.may_go_on.set()
            if service.process.poll() is not None:
                service.start()
            assert pull(service, name).startswith("Status: Downloaded newer image")
        assert mydocker("run", "--rm", "--network", "none", name, "cat", "/content").rc == 0
        mydocker("rmi", name)
    wait_until(lambda: is_as(mydocker, before))


@pytest.mark.parametrize("step", range(1, 7))
def test_a_pull_whose_child_dies_after_a_step_leaves_nothing(mydocker: Machine, step: int) -> None:
    before = kept(mydocker)
    dying = Service(mydocker, env={"MYDOCKER_CRASH_AFTER": f"api:{step}"})
    with stalling() as (registry, name):
        registry.may_go_on.set()
        try:
            told = pull(dying, name)
        finally:
            dying.stop()
        mydocker("system", "check", "--repair")
        if mydocker("image", "inspect", name).rc == 0:  # it had been named before the child died, and is whole
            assert mydocker("run", "--rm", "--network", "none", name, "cat", "/content").rc == 0
            assert mydocker("rmi", name).rc == 0
        else:
            assert told == ""
    wait_until(lambda: is_as(mydocker, before))


def test_a_pull_whose_client_goes_away_ends(mydocker: Machine, service: Service) -> None:
    """As with docker, whose clients end a pull by Ctrl-C."""
    before = kept(mydocker)
    with stalling() as (registry, name):
        from services import UnixConnection

        connection = UnixConnection(service.path)
        repository, _, tag = name.rpartition(":")
        connection.request("POST", f"/v1.41/images/create?fromImage={repository}&tag={tag}")
        assert registry.has_stalled.wait(20)
        connection.close()
        registry.may_go_on.set()
        wait_until(lambda: not children(service))
        mydocker("rmi", name)
    wait_until(lambda: is_as(mydocker, before))


@pytest.mark.parametrize("victim", ["monitor:1", "monitor:4", "monitor:8", "monitor:12", "init:1", "init:10"])
def test_a_start_of_which_a_process_dies_can_be_done_again(mydocker: Machine, victim: str) -> None:
    """The child that answers takes no step of a start itself: the monitor does, and goes on without it."""
    before = mydocker.snapshot()
    mydocker("create", "--name", "half", "-v", "halfdata:/data", "busybox", "sleep", "1000")
    dying = Service(mydocker, env={"MYDOCKER_CRASH_AFTER": victim})
    try:
        status, told = dying.ask("POST", "/containers/half/start")
        assert (status, bool(told["message"])) == (500, True)
    finally:
        dying.stop()
    mydocker("system", "check", "--repair")
    whole = Service(mydocker)
    try:
        assert whole.ask("POST", "/containers/half/start")[0] == 204
        assert whole.ask("GET", "/containers/half/json")[1]["State"]["Status"] == "running"
        assert mydocker("exec", "half", "test", "-d", "/data").rc == 0
        assert whole.ask("DELETE", "/containers/half?force=1")[0] == whole.ask("DELETE", "/volumes/halfdata")[0] == 204
    finally:
        whole.stop()
    assert mydocker.left_since(before) == []
