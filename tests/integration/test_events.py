"""events: replayed, live, filtered and formatted."""

import json
from itertools import pairwise

from conftest import Machine

ACTIONS = (
    "create start exec_create exec_start exec_die pause unpause rename top update archive-path "
    "kill kill die stop start restart kill die destroy"
)


def past(mydocker: Machine, *flags: str) -> list[str]:
    result = mydocker("events", "--since", "1m", "--until", "0s", *flags)
    assert result.rc == 0, result.stderr
    return result.stdout.splitlines()


def test_the_life_of_a_container(mydocker: Machine) -> None:
    mydocker("run", "-d", "--name", "seen", "--label", "test=life", "busybox", "sleep", "1000")
    mydocker("exec", "seen", "true")
    for line in ("pause seen", "unpause seen", "rename seen gone", "top gone", "update --restart always gone"):
        assert mydocker(*line.split()).rc == 0
    assert mydocker.sh("{mydocker} cp gone:/etc/hostname - > /dev/null").rc == 0
    for line in ("restart -t 0 gone", "kill gone", "rm -f gone"):
        assert mydocker(*line.split()).rc == 0
    found = [json.loads(line) for line in past(mydocker, "--filter", "label=test=life", "--format", "{{json .}}")]
    assert [event["Action"].partition(":")[0] for event in found] == ACTIONS.split()
    assert all(earlier["timeNano"] < later["timeNano"] for earlier, later in pairwise(found))
    end = next(event for event in found if event["Action"] == "die")
    assert end["Actor"]["Attributes"]["exitCode"] == "137"
    assert end["Actor"]["Attributes"]["name"] == "gone"


def test_live(mydocker: Machine) -> None:
    mydocker.sh("{mydocker} events --filter label=test=live --filter event=start --filter event=die > live.txt 2>&1 & echo $! > live.pid")
    try:
        mydocker.wait_until(lambda: mydocker.sh("ls -l /proc/$(cat live.pid)/fd").stdout.count("inotify"))
        mydocker("run", "--rm", "--label", "test=live", "busybox", "false")
        mydocker.wait_until(lambda: "container die" in mydocker.sh("cat live.txt").stdout)
        lines = mydocker.sh("cat live.txt").stdout.splitlines()
        assert [line.split()[2] for line in lines] == ["start", "die"]
        assert "exitCode=1, image=busybox, name=" in lines[1]
    finally:
        mydocker.sh("kill $(cat live.pid)")


def test_until_a_moment_that_comes(mydocker: Machine) -> None:
    script = "{mydocker} events --filter label=test=until --format '{{.Action}}' --until $(( $(date +%s) + 2 )) > until.txt 2>&1 & P=$!"
    mydocker.sh(script + "; sleep 0.3; {mydocker} run --rm --label test=until busybox true; wait $P")
    assert mydocker.sh("cat until.txt").stdout.split() == ["create", "attach", "start", "die", "destroy"]


def test_of_volumes(mydocker: Machine) -> None:
    mydocker("volume", "create", "seenvolume")
    mydocker("run", "--rm", "-v", "seenvolume:/d:ro", "busybox", "true")
    mydocker("volume", "rm", "seenvolume")
    lines = past(mydocker, "--filter", "volume=seenvolume", "--format", '{{.Action}} {{index .Actor.Attributes "read/write"}}')
    assert lines == ["create ", "mount false", "unmount ", "destroy "]


def test_a_network_that_is_refused_has_no_event(mydocker: Machine) -> None:
    """The kernel wants another number for the second."""
    flags = ["-d", "vxlan", "--opt", "vni=4711", "--opt", "peers=10.255.255.254"]
    assert mydocker("network", "create", *flags, "taken").rc == 0
    assert mydocker("network", "create", *flags, "refused").rc == 1
    mydocker("network", "rm", "taken")
    of_type = past(mydocker, "--filter", "type=network", "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    assert [line for line in of_type if line.split()[1] in ("taken", "refused")] == ["create taken", "destroy taken"]


def test_a_failed_run_leaves_no_event_of_a_start(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "--label", "test=failed", "busybox", "/none").rc == 127
    assert [line.split()[2] for line in past(mydocker, "--filter", "label=test=failed")] == ["create", "attach", "destroy"]


def test_refusals(mydocker: Machine) -> None:
    for flags in (["--since", "soon"], ["--filter", "colour=red"], ["--format", "{{"]):
        result = mydocker("events", *flags, "--until", "0s")
        assert result.rc == 1
        assert len(result.stderr.splitlines()) == 1
