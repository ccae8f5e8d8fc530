"""What the tests of several rooms need; nothing runs.

Options as the command line gives them, and starts planned from them on recorded machines. A root with images made of small tars, and a
storage driver that keeps layers as plain directories.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

from mydocker.cli.lean import values
from mydocker.cli.main import mydocker
from mydocker.cli.outcome import run as run_command
from mydocker.cli.run import run as run_verb
from mydocker.engine.catalog import importing
from mydocker.engine.catalog.importing import ImportOptions
from mydocker.engine.container.create import Prepared, prepare
from mydocker.engine.record import state
from mydocker.engine.request import devices
from mydocker.engine.request.flags import parse
from mydocker.engine.request.options import Options
from mydocker.engine.view.describe import plans
from mydocker.images.reference import parse_name
from mydocker.network.bridge import mac_of
from mydocker.network.default import fixed_id
from mydocker.network.nft import table_name
from mydocker.paths import Paths
from mydocker.runtime.users import mappings
from mydocker.steps.base import Run
from mydocker.storage.base import StorageDriver
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import PLAIN

if TYPE_CHECKING:
    from mydocker.engine.record.containers import Record
    from tests.unit.conftest import MakeRecord

Machine = Callable[..., Paths]
# (machine, pid, start time, state letter): add a process to a fake /proc.
Process = Callable[..., None]
# Words of a run command line → its options.
Parse = Callable[..., Options]


@pytest.fixture(scope="session")
def parsed() -> Parse:
    """Return a function that parses the words after `mydocker run`."""

    def call(*words: str) -> Options:
        return parse({name: value for name, value in values(run_verb, list(words)).items() if name not in ("explain", "dry_run")})

    return call


# The recordings of tests/data/machines that stand for each kind.
MACHINES = {"v1": "comounted", "v2": "v2", "hybrid": "hybrid"}
DONOR = "d" * 64
# (file in the image, its content)
IMAGE = (("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/srv:/bin/sh\n"), ("etc/group", "root:x:0:\nweb:x:50:www\n"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, save_record: MakeRecord) -> Path:
    """Return a root that holds one image, 'box', and a running container to share namespaces with, 'donor'."""
    directory = tmp_path_factory.mktemp("plans")
    with tarfile.open(directory / "box.tar", "w") as tar:
        for name, content in IMAGE:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    words = ["--root", f"{directory}/root", "import", "-c", 'CMD ["sh"]', f"{directory}/box.tar", "box"]
    assert run_command(mydocker, words) == 0
    donor = {"config": {"Hostname": "donorbox"}, "hostConfig": {"IpcMode": "shareable"}}
    save_record(Paths(f"{directory}/root"), id=DONOR, name="donor", **donor)
    return directory


class Start:
    """What the tests need to plan starts on one machine."""

    def __init__(self, paths: Paths, parsed: Parse) -> None:
        self.paths = paths
        self.parsed = parsed

    def prepared(self, driver: str, *flags: str) -> Prepared:
        options = self.parsed("--name", "named", "--storage-driver", driver, *flags, *([] if "box" in flags else ["box"]))
        # Overlay is usable where a mount of one succeeds, which takes root: the answer is in its place already.
        os.makedirs(self.paths.state, exist_ok=True)
        Path(f"{self.paths.state}/storage-driver").write_text(driver)
        options.storage_driver = None
        return prepare(self.paths, options)

    def unpacked(self, driver: str, *flags: str) -> Prepared:
        """Return a prepared start whose image's layers look unpacked, as far as planning looks at them."""
        prepared = self.prepared(driver, *flags)
        for chain_id in prepared.record["layers"]:
            for name, content in IMAGE:
                file = Path(prepared.driver.layer(chain_id), name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        return prepared

    def text(self, driver: str, *flags: str) -> str:
        prepared = self.unpacked(driver, *flags)
        lines = [f"{who:8} {step.describe()}" for who, step in plans(prepared).every()]
        return self.neutral(prepared, "\n".join(lines) + "\n")

    def neutral(self, prepared: Prepared, text: str) -> str:
        """Return a text with names in the place of what differs from run to run and from host to host."""
        identity = prepared.record["id"]
        machine = os.path.dirname(self.paths.proc)
        for _, outside, _ in mappings(prepared.spec["linux"])[0]:
            text = text.replace(str(outside), "SUBUID")
        for place, name in ((self.paths.root, "ROOT"), (self.paths.state, "STATE"), (machine, ""), (identity, "ID"), (identity[:12], "ID")):
            text = text.replace(place, name)
        for position, chain_id in enumerate(prepared.record["layers"]):
            text = text.replace(chain_id, f"LAYER{position}")
        text = re.sub("[0-9a-f]{64}", "HEX", text)
        text = text.replace(f"md{identity[:9]}.", "mdID.").replace(table_name(self.paths.root), "TABLE")
        text = text.replace(mac_of(fixed_id(self.paths, "bridge")), "MAC")
        text = re.sub("mb[0-9a-f]{12}", "mbHEX", text)
        return re.sub(r"\d+ (characters|instructions, |instructions$)", r"N \1", text, flags=re.M)


@pytest.fixture
def start(template: Path, cgroup_machine: Machine, parsed: Parse, bare_network: None) -> Callable[[str], Start]:
    """Return a function that gives a Start on a kind of machine, or on a recording."""

    def on(kind: str) -> Start:
        machine = cgroup_machine(MACHINES.get(kind, kind))
        return Start(Paths(f"{template}/root", f"{template}/state-{kind}", machine.proc, machine.sys, machine.cgroup), parsed)

    return on


@pytest.fixture
def null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/null as the kernel makes it; here somebody may have changed its mode or its owner."""
    node = os.stat_result((stat.S_IFCHR | 0o666, 0, 0, 1, 0, 0, 0, 0, 0, 0), {"st_rdev": os.makedev(1, 3)})
    of_host = devices._node
    monkeypatch.setattr(devices, "_node", lambda path: node if path == "/dev/null" else of_host(path))


class PlainDriver(StorageDriver):
    """Unpacks into a directory; a container's changes are the files in DIRECTORY/upper."""

    name = "plain"

    def __init__(self, layers: str) -> None:
        super().__init__(layers)
        self.applied: list[tuple[str, list[str]]] = []

    def layer(self, chain_id: str) -> str:
        return f"{self.layers}/{chain_id}"

    def has(self, chain_id: str) -> bool:
        return os.path.isdir(self.layer(chain_id))

    def apply(self, chain_id: str, parents: list[str], stream: BinaryIO, max_size: int | None = None) -> None:
        os.mkdir(self.layer(chain_id) + ".partial")
        unpack(stream, self.layer(chain_id) + ".partial", PLAIN, max_size)
        while stream.read(1 << 16):
            pass
        os.rename(self.layer(chain_id) + ".partial", self.layer(chain_id))
        self.applied.append((chain_id, parents))

    def remove_layer(self, chain_id: str) -> None:
        shutil.rmtree(self.layer(chain_id))

    def diff(self, directory: str, layers: list[str], stream: BinaryIO, exclude: set[str]) -> None:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            for path in sorted(Path(directory, "upper").rglob("*")):
                inside = path.relative_to(f"{directory}/upper")
                if f"/{inside}" not in exclude:
                    tar.add(path, inside, recursive=False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=f"{tmp_path}/root", state=f"{tmp_path}/state")


@pytest.fixture
def driver(paths: Paths) -> PlainDriver:
    os.makedirs(paths.layers + "/plain")
    return PlainDriver(paths.layers + "/plain")


@pytest.fixture
def run() -> Run:
    return Run("cli")


@pytest.fixture
def make_image(paths: Paths, run: Run) -> Callable[..., str]:
    """Return make(name, content, changes) → id of an image of one file, /file, with that content."""

    def make(name: str | None, content: str = "x", *changes: str) -> str:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("file")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
        archive.seek(0)
        stdin: io.BufferedReader = io.BufferedReader(archive)
        return importing.import_image(paths, "-", stdin, parse_name(name) if name else None, ImportOptions(changes=changes), run)

    return make


@pytest.fixture
def make_container(paths: Paths, save_record: MakeRecord) -> Callable[..., Record]:
    """Return make(image id, layers, config) → record of a stopped container; `running=True` gives it runtime state."""

    def make(image_id: str, layers: list[str] | None = None, running: bool = False, **config: object) -> Record:
        identity = os.urandom(32).hex()
        record = save_record(paths, id=identity, name=f"made-{identity[:8]}", imageId=image_id, layers=layers or [], config=config)
        os.makedirs(paths.container(identity) + "/upper")
        if running:
            os.makedirs(paths.running(identity))
            state.save(paths, identity, os.getpid(), "")
        return record

    return make
