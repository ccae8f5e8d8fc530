"""What is decided about a container before anything happens: what it takes from others, what is refused."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run
from mydocker.engine.container.create import prepare
from mydocker.errors import BadInput, Conflict, Error, NotFound
from mydocker.paths import Paths
from mydocker.steps.files import CreateFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import MakeRecord
    from tests.unit.engine.conftest import Parse

    Donor = Callable[..., None]

    Machine = Callable[[str], Paths]


@pytest.fixture
def paths(tmp_path: Path, cgroup_machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Return a root with one image, 'box', on a machine with cgroup v2."""
    monkeypatch.setenv("MYDOCKER_ROOT", f"{tmp_path}/root")
    monkeypatch.setenv("MYDOCKER_STORAGE_DRIVER", "vfs")
    with tarfile.open(tmp_path / "box.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("file"))
    assert run(mydocker, ["import", "-c", 'CMD ["sh"]', "-c", "VOLUME /data", f"{tmp_path}/box.tar", "box"]) == 0
    machine = cgroup_machine("v2")
    return Paths(f"{tmp_path}/root", f"{tmp_path}/state", machine.proc, machine.sys, machine.cgroup)


@pytest.fixture
def donor(paths: Paths, save_record: MakeRecord) -> Callable[..., None]:
    """Return a function that writes a container 'donor' and its files."""

    def write(ipc: str = "private") -> None:
        record = save_record(paths, id="d" * 64, name="donor", config={"Hostname": "donorbox"}, hostConfig={"IpcMode": ipc})
        for name in ("hostname", "hosts", "resolv.conf"):
            Path(f"{paths.container(record['id'])}/{name}").write_text(f"the donor's {name}\n")

    return write


def files(paths: Paths, parsed: Parse, *words: str) -> dict[str, str]:
    steps = prepare(paths, parsed(*words, "box")).bundle_steps()
    found = {os.path.basename(step.path): step.content for step in steps if isinstance(step, CreateFile)}
    return {name: found[name] for name in ("hostname", "hosts", "resolv.conf")}


def test_a_network_of_its_own(paths: Paths, parsed: Parse) -> None:
    found = files(paths, parsed, "-h", "here")
    assert (found["hostname"], found["resolv.conf"]) == ("here\n", "")
    assert found["hosts"].endswith("127.0.1.1\there\n")


def test_another_containers_network(paths: Paths, donor: Donor, parsed: Parse) -> None:
    donor()
    assert files(paths, parsed, "--network", "container:donor") == {
        name: f"the donor's {name}\n" for name in ("hostname", "hosts", "resolv.conf")
    }
    spec = prepare(paths, parsed("--network", "container:donor", "box")).spec
    assert spec["hostname"] == "donorbox"
    assert "HOSTNAME=donorbox" in spec["process"]["env"]


def test_the_hosts_network(paths: Paths, parsed: Parse) -> None:
    found = files(paths, parsed, "--network", "host")
    assert found["hostname"] == os.uname().nodename + "\n"
    # A bare chroot has none: then the container gets its own.
    assert found["hosts"] == Path("/etc/hosts").read_text() if os.path.exists("/etc/hosts") else "localhost" in found["hosts"]


@pytest.mark.parametrize("mode", ["shareable", "host", "container:other"])
def test_an_ipc_namespace_that_is_for_sharing(paths: Paths, donor: Donor, parsed: Parse, mode: str) -> None:
    donor(ipc=mode)
    spec = prepare(paths, parsed("--ipc", "container:donor", "box")).spec
    assert {"type": "ipc", "path": "container:donor"} in spec["linux"]["namespaces"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--ipc", "container:donor"], Conflict, "cannot join the ipc namespace of container donor: it is private"),
        (["--ipc", "container:nosuch"], NotFound, "no such container: nosuch"),
        (["--pid", "container:nosuch"], NotFound, "no such container: nosuch"),
        (["--network", "container:nosuch"], NotFound, "no such container: nosuch"),
        (["--volumes-from", "nosuch"], NotFound, "no such container: nosuch"),
        (["--cap-add", "nosuch"], BadInput, None),
        (["--security-opt", "seccomp=/nosuch"], Error, None),
        (["--mount", "type=bind,src=/nosuch,dst=/d"], BadInput, "bind source path does not exist: /nosuch"),
        (["--storage-driver", "zfs"], BadInput, "unknown storage driver 'zfs': expected overlay, aufs, vfs"),
        (["--entrypoint", ""], BadInput, "no command specified: image 'box' has none of its own"),
    ],
)
def test_refused_with_nothing_done(
    paths: Paths, donor: Donor, parsed: Parse, words: list[str], error: type[Error], message: str | None
) -> None:
    donor()
    with pytest.raises(error) as caught:
        prepare(paths, parsed(*words, "box"))
    assert message is None or caught.value.message == message
    assert os.listdir(paths.containers) == ["d" * 64]
    assert not os.path.exists(paths.volumes)


def test_an_images_volume(paths: Paths, parsed: Parse) -> None:
    [point] = prepare(paths, parsed("box")).record["mounts"]
    assert (point["destination"], point["anonymous"]) == ("/data", True)
    [point] = prepare(paths, parsed("-v", "named:/data", "box")).record["mounts"]
    assert (point["name"], point["anonymous"]) == ("named", False)
