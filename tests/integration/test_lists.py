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


def names(mydocker: Machine, *filters: str) -> str:
    words = [word for text in filters for word in ("-f", text)]
    return mydocker("ps", "-a", "--format", "{{.Names}}", *words).stdout


def test_docker_s_filters_of_names_and_ancestors(mydocker: Machine) -> None:
    """docker's names begin with a slash; an ancestor is an image that the container's image is built on."""
    mydocker.sh("mkdir ctx; printf 'FROM busybox\\nRUN touch /made\\n' > ctx/Dockerfile")
    assert mydocker("build", "-q", "-t", "made", "ctx").rc == 0
    mydocker("create", "--name", "web1", "busybox")
    mydocker("create", "--name", "web12", "made")
    assert names(mydocker, "name=^/web1$") == names(mydocker, "name=/web1$") == names(mydocker, "name=^web1$") == "web1\n"
    assert names(mydocker, "name=/web") == "web12\nweb1\n"
    assert names(mydocker, "ancestor=busybox") == "web12\nweb1\n"
    assert names(mydocker, "ancestor=made") == "web12\n"
    assert names(mydocker, "ancestor=nosuch") == ""
    mydocker.sh("printf 'FROM busybox\\nENV A=b\\n' | {mydocker} build -q -t child -")  # no layer of its own: its history tells
    assert names(mydocker, "ancestor=child") == ""
    mydocker("create", "--name", "third", "child")
    assert names(mydocker, "ancestor=child") == "third\n"
    assert names(mydocker, "ancestor=busybox") == "third\nweb12\nweb1\n"
    mydocker("rm", "third")
    mydocker("rmi", "child")
    mydocker("builder", "prune", "-f")
    assert mydocker("images", "--format", "{{.Repository}}", "bus*").stdout == "busybox\n"
    assert mydocker("images", "--format", "{{.Repository}}", "bus*:*").stdout == "busybox\n"
    assert mydocker("images", "--format", "{{.Repository}}", "ma?e:x*").stdout == ""
    mydocker("rm", "web1", "web12")
    mydocker("rmi", "made")
    mydocker("builder", "prune", "-af")


def test_prune_until(mydocker: Machine) -> None:
    """What is younger stays; a time that is none is refused before anything is removed."""
    mydocker("create", "--name", "web", "busybox")
    mydocker("network", "create", "net")
    for verb in ("container", "network", "system", "builder", "image"):
        assert mydocker(verb, "prune", "-f", "--filter", "until=24h").rc == 0
        refused = mydocker(verb, "prune", "-f", "--filter", "until=soon")
        assert (refused.rc, "invalid time 'soon'" in refused.stderr) == (1, True)
    assert names(mydocker) == "web\n"
    assert mydocker("network", "ls", "-q", "-f", "name=net").stdout != ""
    assert mydocker("system", "prune", "-f", "--volumes", "--filter", "until=24h").rc == 1
    assert mydocker("volume", "prune", "-f", "--filter", "until=24h").rc == 1
    assert mydocker("container", "prune", "-f", "--filter", "until=0s").rc == 0
    assert names(mydocker) == ""
    mydocker("network", "rm", "net")


def test_no_name_is_a_generated_name(mydocker: Machine) -> None:
    made = mydocker("create", "--name", "", "busybox")
    assert made.rc == 0
    assert "_" in names(mydocker)
    mydocker("rm", made.stdout.strip())


def test_labels_are_in_the_order_of_their_names(mydocker: Machine) -> None:
    """As Go writes a map, whoever asks."""
    mydocker("create", "--name", "box", "-l", "b=1", "-l", "a=2", "busybox")
    mydocker("volume", "create", "--label", "b=1", "--label", "a=2", "data")
    mydocker("network", "create", "--label", "b=1", "--label", "a=2", "net")
    mydocker("commit", "-c", "LABEL d=1", "-c", "LABEL c=2", "box", "labelled")
    shown = [mydocker("inspect", "-f", "{{json .Config.Labels}}", name).stdout for name in ("box", "labelled")]
    shown += [mydocker(kind, "inspect", "-f", "{{json .Labels}}", name).stdout for kind, name in (("volume", "data"), ("network", "net"))]
    plain = '{"a":"2","b":"1"}\n'
    assert shown == [plain, '{"a":"2","b":"1","c":"2","d":"1"}\n', plain, plain]
    mydocker("rm", "box")
    mydocker("rmi", "labelled")
    mydocker("volume", "rm", "data")
    mydocker("network", "rm", "net")
