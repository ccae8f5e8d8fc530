"""ps, inspect and --format: what is told about containers, images and volumes."""

import json
from collections.abc import Iterator

import pytest
from conftest import Machine


@pytest.fixture
def three(mydocker: Machine) -> Iterator[None]:
    """One container that runs, one that has ended with 3, one that was only created."""
    mydocker("run", "-d", "--name", "up", "-l", "tier=web", "-v", "data:/data", "busybox", "sleep", "1000")
    mydocker("run", "--name", "down", "-l", "tier=db", "busybox", "sh", "-c", "exit 3")
    mydocker("create", "--name", "new", "busybox", "true")
    yield
    mydocker("rm", "-f", "up", "down", "new")
    mydocker("volume", "rm", "data")


def test_ps(mydocker: Machine, three: None) -> None:
    def names(*flags: str) -> list[str]:
        return mydocker("ps", *flags, "--format", "{{.Names}}").stdout.split()

    assert names() == ["up"]
    assert names("-a") == ["new", "down", "up"]
    assert names("-l") == ["new"]
    assert names("-n", "2") == ["new", "down"]
    for text, expected in {
        "status=exited": ["down"],
        "status=running": ["up"],
        "exited=3": [],
        "label=tier": ["up"],
        "label=tier=db": [],
        "name=^u": ["up"],
        "volume=data": ["up"],
        "volume=/data": ["up"],
        "ancestor=busybox": ["up"],
        "ancestor=other": [],
        "network=bridge": ["up"],
        "network=none": [],
    }.items():
        assert names("--filter", text) == expected, text
    assert names("-a", "--filter", "exited=3") == ["down"]
    assert names("-a", "--filter", "ancestor=busybox:latest") == ["new", "down", "up"]
    assert mydocker("ps", "-a", "--format", '{{.Names}} {{.Label "tier"}}').stdout.split() == ["new", "down", "db", "up", "web"]
    for wrong in ("status=asleep", "exited=x", "health=fine"):
        assert mydocker("ps", "--filter", wrong).rc == 1
    assert names("-a", "--filter", "since=up") == ["new", "down"]
    assert names("-a", "--filter", "before=new", "--filter", "label=tier") == ["down", "up"]
    assert names("-a", "--filter", "status=created", "--filter", "status=running") == ["new", "up"]


def test_ps_formats(mydocker: Machine, three: None) -> None:
    table = mydocker("ps", "-a", "--format", "table {{.Names}}\\t{{.State}}").stdout.splitlines()
    assert [line.split() for line in table] == [["NAMES", "STATE"], ["new", "created"], ["down", "exited"], ["up", "running"]]
    rows = [json.loads(line) for line in mydocker("ps", "-a", "--format", "json").stdout.splitlines()]
    assert [row["Names"] for row in rows] == ["new", "down", "up"]
    assert "Exited (3)" in rows[1]["Status"]
    wrong = mydocker("ps", "--format", "{{.Nosuch}}")
    assert (wrong.rc, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("mydocker: invalid --format '{{.Nosuch}}': there is no field 'Nosuch'")


def test_ps_sizes(mydocker: Machine) -> None:
    mydocker("run", "--name", "big", "busybox", "sh", "-c", "head -c 3000000 /dev/zero > /big")
    assert mydocker("ps", "-a", "-s", "--format", "{{.Size}}").stdout.startswith("3MB (virtual ")
    mydocker("rm", "big")


def test_inspect(mydocker: Machine, three: None) -> None:
    (found,) = json.loads(mydocker("inspect", "up").stdout)
    assert found["Name"] == "/up"
    assert found["State"]["Running"] is True
    assert found["State"]["Pid"] == mydocker.pid("up")
    assert (found["Path"], found["Args"]) == ("sleep", ["1000"])
    assert found["Config"]["Labels"] == {"tier": "web"}
    assert found["HostConfig"]["Binds"] == ["data:/data"]
    assert [(m["Type"], m["Name"], m["Destination"], m["RW"]) for m in found["Mounts"]] == [("volume", "data", "/data", True)]
    assert mydocker.sh(f"ls {found['LogPath']} {found['HostsPath']}").rc == 0
    assert mydocker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "down", "new").stdout == "exited 3\ncreated 0\n"


def test_inspect_finds_images_and_volumes_too(mydocker: Machine, three: None) -> None:
    both = mydocker("inspect", "busybox", "data", "nosuch")
    assert both.rc == 1
    image, volume = json.loads(both.stdout)
    assert image["RepoTags"] == ["busybox:latest"]
    assert volume["Mountpoint"].endswith("/data/_data")
    assert both.stderr == "mydocker: no such object: nosuch\n"
    assert mydocker("inspect", "--type", "container", "busybox").rc == 1
    assert mydocker("image", "inspect", "-f", "{{.Config.Cmd}}", "busybox").stdout == "[sh]\n"


def test_lists_of_images_and_volumes(mydocker: Machine, three: None) -> None:
    assert mydocker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout == "busybox:latest\n"
    assert mydocker("volume", "ls", "--format", "{{.Name}} {{.Driver}}").stdout == "data local\n"
