"""Options as the command line gives them, and starts planned from them on recorded machines: nothing runs."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mydocker import store
from mydocker.cli.base import Verb
from mydocker.cli.base import run as run_command
from mydocker.cli.flags import run_flags
from mydocker.cli.main import mydocker
from mydocker.engine.create import Prepared, prepare
from mydocker.engine.describe import plans
from mydocker.engine.options import Options, parse
from mydocker.network.bridge import mac_of
from mydocker.network.default import fixed_id
from mydocker.network.nft import table_name
from mydocker.paths import Paths
from mydocker.runtime.users import mappings

Machine = Callable[..., Paths]
# (machine, pid, start time, state letter): add a process to a fake /proc.
Process = Callable[..., None]
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


# The recordings of tests/data/machines that stand for each kind.
MACHINES = {"v1": "comounted", "v2": "v2", "hybrid": "hybrid"}
DONOR = "d" * 64
# (file in the image, its content)
IMAGE = (("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/srv:/bin/sh\n"), ("etc/group", "root:x:0:\nweb:x:50:www\n"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a root that holds one image, 'box', and a running container to share namespaces with, 'donor'."""
    directory = tmp_path_factory.mktemp("plans")
    with tarfile.open(directory / "box.tar", "w") as tar:
        for name, content in IMAGE:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    words = ["--root", f"{directory}/root", "import", "-c", 'CMD ["sh"]', f"{directory}/box.tar", "box"]
    assert run_command(mydocker, words) == 0
    donor = {"id": DONOR, "name": "donor", "mounts": [], "config": {"Hostname": "donorbox"}, "hostConfig": {"IpcMode": "shareable"}}
    (directory / "root/containers" / DONOR).mkdir(parents=True)
    store.write_json(f"{directory}/root/containers/{DONOR}/config.json", donor)
    (directory / "root/names").mkdir()
    (directory / "root/names/donor").write_text(DONOR)
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
        for _, outside, _ in mappings(prepared.spec["linux"], "uidMappings"):
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
