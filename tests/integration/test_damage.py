"""Every file below ROOT and STATE, damaged in every way: all else works, lists go on, it is named, removed by force, or put away.

The files are those of engine/system/documents.py. One used ROOT is made once, and copied for each case; nothing in it runs. Verbs are
called in this process, as hundreds of cases call dozens of them each.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Machine

from mydocker.cli.main import mydocker as group
from mydocker.cli.outcome import run
from mydocker.engine.record import execs
from mydocker.engine.system.documents import DOCUMENTS, Document, places
from mydocker.errors import Damaged
from mydocker.paths import Paths

HACKING = REPOSITORY / "HACKING.md"
VICTIM, OTHER = "victim", "other"
pytestmark = pytest.mark.timeout(60)  # what waits for a FIFO waits for ever


class Called:
    """What one command line did."""

    def __init__(self, words: tuple[str, ...], rc: int, out: str, err: str) -> None:
        self.words, self.rc, self.out, self.err = words, rc, out, err

    def __repr__(self) -> str:
        return f"{' '.join(self.words)}: {self.rc} {self.out!r} {self.err!r}"


class Tree:
    """A ROOT and a STATE of their own."""

    def __init__(self, directory: str, victim: str = "") -> None:
        self.directory = directory
        self.paths = Paths(f"{directory}/root", f"{directory}/state")
        self.victim = victim or Path(self.paths.names, VICTIM).read_text()

    def __call__(self, *words: str) -> Called:
        """Run a command line; whatever becomes of it, nothing unforeseen does."""
        streams, before = [io.TextIOWrapper(io.BytesIO()) for _ in range(2)], (sys.stdout, sys.stderr)
        sys.stdout, sys.stderr = streams
        try:
            status = run(group, ["--root", self.paths.root, "--state", self.paths.state, *words])
        finally:
            sys.stdout, sys.stderr = before
        for stream in streams:
            stream.flush()
        out, err = (stream.buffer.getvalue().decode(errors="surrogateescape") for stream in streams)
        called = Called(words, status, out, err)
        assert not os.path.exists(self.paths.errors), called
        return called

    def must(self, *words: str) -> str:
        called = self(*words)
        assert called.rc == 0, called
        return called.out

    def of_victim(self, pattern: str) -> Path:
        """Return the file of a kind that belongs to what is to be damaged: the container, volume or network `victim`."""
        found = list(places(self.paths, pattern))
        return Path(next((path for path, name in found if name in (VICTIM, self.victim)), found[0][0]))

    def copy(self, directory: str) -> Tree:
        os.mkdir(directory)
        subprocess.run(["cp", "-a", f"{self.directory}/root", f"{self.directory}/state", directory], check=True)
        for path in Path(directory).glob("root/containers/*/**/config.json"):
            if path.is_file():  # what a bundle and a record say of the place
                path.write_bytes(path.read_bytes().replace(self.directory.encode(), directory.encode()))
        return Tree(directory, self.victim)


# What an older version did not write, and what a newer one may write besides.
def older(content: bytes) -> bytes:
    document = json.loads(content)
    return json.dumps({key: document[key] for key in list(document)[:1]}).encode()


def newer(content: bytes) -> bytes:
    return json.dumps({**json.loads(content), "ofAnotherDay": {"x": [1]}}).encode()


def _content(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def _instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def damage(path: Path) -> None:
        path.unlink(missing_ok=True)
        make(path)

    return damage


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "kept").write_text("kept")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": _content(lambda _: b""),
    "truncated": _content(lambda content: content[: len(content) // 2]),
    "garbage": _content(lambda _: b"\x00\xff\xfe{[garbage" * 40),
    "another type": _content(lambda _: b"[5]"),
    "deep": _content(lambda _: b"[" * 100_000),
    "directory": _instead(_directory),
    "FIFO": _instead(os.mkfifo),
    "unreadable": _instead(lambda path: path.symlink_to(path.name)),
    "older": _content(older),
    "newer": _content(newer),
}
ONLY_JSON = ("older", "newer")


def cases() -> Iterator[Any]:
    for document in DOCUMENTS:
        for kind in DAMAGES:
            if kind not in ONLY_JSON or (document.path.endswith(".json") and not document.path.endswith(("log.json", "events.json"))):
                yield pytest.param(document, kind, id=f"{document.path}-{kind}")


@pytest.fixture(scope="module")
def used(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A used ROOT and STATE with a victim and an other one of everything."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    place = tmp_path_factory.mktemp("used")
    environment = {**os.environ, "MYDOCKER_ROOT": f"{place}/root", "MYDOCKER_STATE": f"{place}/state"}

    def call(*words: str) -> None:
        subprocess.run([program, *words], env=environment, check=True, stdout=subprocess.DEVNULL)

    (place / "box.tar").write_bytes(few_programs())
    call("import", "-c", 'CMD ["sh"]', f"{place}/box.tar", "busybox:latest")
    (place / "Dockerfile").write_text("FROM busybox\nCOPY Dockerfile /victim\n")
    call("build", "-q", "-t", VICTIM, str(place))
    for name in (OTHER, VICTIM):
        call("volume", "create", name)
        call("network", "create", "--driver", "none", name)
        flags = ["--network", "none", "-v", f"{name}:/data", "-v", "/anonymous", *(["--health-cmd", "true"] if name == VICTIM else [])]
        call("run", "--name", name, *flags, "busybox", "sh", "-c", f"echo {name} | tee /written /data/written")
    tree = Tree(str(place))
    forge(tree.paths, tree.victim)
    execs.new(tree.paths, tree.victim, {"args": ["true"], "env": [], "terminal": False}, "", "", False, [])
    yield tree
    tree.must("rm", "-fv", OTHER, VICTIM)


def few_programs() -> bytes:
    """Return busybox's tar with the links of those programs only that are needed here: it is copied for each case."""
    made = subprocess.run([f"{REPOSITORY}/mydocker/engine/system/busybox-image"], check=True, stdout=subprocess.PIPE).stdout
    few = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(made)) as every, tarfile.open(fileobj=few, mode="w") as archive:
        for member in every:
            if not member.issym() or member.name.endswith(("/sh", "/tee", "/true")):
                archive.addfile(member, every.extractfile(member) if member.isfile() else None)
    return few.getvalue()


def forge(paths: Paths, victim: str) -> None:
    """Write what only a running container has, as a reboot would leave it if STATE were on a disk, and locks that nobody has needed yet."""
    state = {"boot": "of another day", "pid": 1, "started": 1, "monitor": 1, "monitorStarted": 1, "cgroup": f"/mydocker/{victim}"}
    addresses = [{"address": "10.9.9.9", "prefix": 24, "gateway": ""}]
    endpoint = {"network": VICTIM, "owner": victim, "interface": "eth0", "link": "", "mac": "", "aliases": [], "isDefault": False}
    attachment = {"name": VICTIM, "hostname": "x", "endpoints": [{**endpoint, "addresses": addresses}], "published": []}
    files = {
        f"{paths.running(victim)}/state.json": json.dumps(state),
        f"{paths.running(victim)}/network.json": json.dumps(attachment),
        f"{paths.addresses}/{VICTIM}/10.9.9.9": victim,
        f"{paths.container(victim)}/health.json": json.dumps({"Status": "healthy", "FailingStreak": 0, "Log": []}),
    }
    names = (f"{paths.addresses}/.linked", f"{paths.addresses}/.names")
    locks = (f"{paths.networks}/.lock", f"{paths.networks}/{VICTIM}/lock", f"{paths.images}/incoming.lock")
    for path, content in {**files, **dict.fromkeys([*names, *locks, f"{paths.layers}/lock", f"{paths.events}.lock"], "")}.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(content)


@pytest.fixture
def tree(mydocker: Machine, used: Tree, tmp_path: Path) -> Iterator[Tree]:
    yield used.copy(f"{tmp_path}/tree")
    shutil.rmtree(tmp_path)


def test_the_list_has_every_file_of_the_table_of_modes() -> None:
    rows = re.findall(r"^\| `((?:ROOT|STATE)[^`]*)` \| 6[0-7]{2} \|", HACKING.read_text(), re.MULTILINE)
    # Of blobs and frames, those that an image reaches are checked; of the others, nothing is read that could be wrong.
    others = (
        "blobs/sha256/HEX",
        "frames/HEX",
        "events.json.1",
        "log.json.NUMBER",
        "log.json.lock",
        "never-filled",
        "starter",
        "docker.sock",
    )
    named = {document.path.replace("FILTER", "seccomp-HEX.bpf") for document in DOCUMENTS}
    assert {row for row in rows if not row.endswith(others)} == named


def is_damaged(document: Document, file: Path) -> bool:
    try:
        document.check(str(file))
    except FileNotFoundError:
        return document.is_needed or document.path == "ROOT/names/NAME"
    except Damaged:
        return True
    return False


# Verbs on everything else, and the documents of what they are about besides: without those they need not work.
VERBS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (f"inspect {OTHER}", ()),
    (f"diff {OTHER}", ()),
    (f"logs {OTHER}", ()),
    (f"rename {OTHER} another", ()),
    (f"rename another {OTHER}", ()),
    (f"update --restart no {OTHER}", ()),
    (f"volume inspect {OTHER}", ()),
    (f"network inspect {OTHER} bridge host", ()),
    ("image inspect busybox", ("ROOT/images/index.json",)),
    ("history busybox", ("ROOT/images/index.json",)),
    ("ps -aqs", ()),
    ("images -q", ("ROOT/images/index.json",)),
    ("volume ls -q", ()),
    ("network ls -q", ()),
    ("system df -v", ()),
    ("info", ()),
    ("events --since 1h --until 0s", ("ROOT/events.json", "ROOT/events.json.lock")),
    ("volume create fresh", ()),
    ("volume rm fresh", ()),
    ("network create --driver none fresh", ("ROOT/networks/.lock",)),
    ("network rm fresh", ("ROOT/networks/.lock",)),
    ("create --name fresh --network none busybox true", ("ROOT/images/index.json", "ROOT/layers/lock")),
    ("rm -f fresh", ()),
    ("tag busybox fresh", ("ROOT/images/index.json", "ROOT/images/lock")),
    ("rmi fresh", ("ROOT/images/index.json", "ROOT/images/lock")),
    ("container prune -f --filter label=none", ()),
    ("network prune -f --filter label=none", ()),
    ("volume prune -f --filter label=none", ()),
    ("image prune -f", ("ROOT/images/index.json", "ROOT/images/lock")),
)


def others_work(tree: Tree, document: Document) -> None:
    for line, needed in VERBS:
        if document.path not in needed:
            tree.must(*line.split())


def written(tree: Tree) -> set[str]:
    """Return what users wrote, wherever it is."""
    return {f"{path.name} {path.read_text()}" for path in Path(tree.directory).rglob("written")}


@pytest.mark.parametrize(("document", "kind"), list(cases()))
def test_one_damaged_file(tree: Tree, tmp_path: Path, document: Document, kind: str) -> None:
    file = tree.of_victim(document.path)
    if document.path == "STATE/storage-driver" and os.environ.get("MYDOCKER_STORAGE_DRIVER"):
        pytest.skip("which driver there is need not be found out, so that nothing is written of it")
    DAMAGES[kind](file)
    damaged = is_damaged(document, file)
    users = written(tree)
    content = file.read_bytes() if file.is_file() else b"kept"
    assert len(users) == 2
    told = tree("system", "check").out
    assert (str(file) in told) == damaged, told
    if damaged:
        forced = tree.copy(f"{tmp_path}/forced")
        force(forced, document, Path(str(file).replace(tree.directory, forced.directory)))
    others_work(tree, document)
    repaired = tree.must("system", "check", "--repair")
    assert tree.must("system", "check") == ""
    assert written(tree) == users
    # What mydocker found out by itself, it finds out again, and needs no repair.
    if damaged and kind != "missing" and document.path != "STATE/storage-driver":
        assert str(file) in repaired
        kept = list(Path(tree.paths.damaged).rglob("*"))
        assert file.name in [path.name for path in kept]
        held = [path.read_bytes() for path in kept if path.is_file() and not path.is_symlink()]
        assert any(content in each for each in held) or kind in ("FIFO", "unreadable")
    tree.must("ps", "-aq")
    if kind == "directory":
        others_work(tree, document)


def force(tree: Tree, document: Document, file: Path) -> None:
    """Remove by force what a damaged file belongs to, and find that all of it is gone."""
    if document.whole.startswith("ROOT/containers/") or document.path.startswith("STATE/ID/"):
        tree.must("rm", "-f", tree.victim)
        assert tree.victim not in tree.must("ps", "-aq", "--no-trunc")
        assert not os.path.exists(tree.paths.container(tree.victim)) and not os.path.exists(tree.paths.running(tree.victim))
        assert not os.path.exists(f"{tree.paths.names}/{VICTIM}")
    elif document.path.startswith("ROOT/volumes/"):
        tree.must("rm", "-f", VICTIM)
        tree.must("volume", "rm", "-f", VICTIM)
        assert VICTIM not in tree.must("volume", "ls", "-q").split()
    elif document.path.startswith("ROOT/networks/NAME/") and document.whole:
        tree.must("network", "rm", VICTIM)
        assert VICTIM not in tree.must("network", "ls", "--format", "{{.Name}}").split()
    else:
        return
    assert str(file) not in tree("system", "check").out


SHOWN = {
    "ROOT/containers/ID/config.json": (("ps", "-a", "--format", "{{.Names}} {{.Status}}"), f"{VICTIM} Damaged", ("inspect", VICTIM)),
    "STATE/ID/state.json": (("ps", "-a", "--format", "{{.Names}} {{.Status}}"), f"{VICTIM} Damaged", ("inspect", VICTIM)),
    "ROOT/containers/ID/health.json": (("ps", "-a", "--format", "{{.Names}} {{.Status}}"), f"{VICTIM} Damaged", ("inspect", VICTIM)),
    "ROOT/volumes/NAME/volume.json": (("volume", "ls"), f"damaged   {VICTIM}", ("volume", "inspect", VICTIM)),
    "ROOT/networks/NAME/network.json": (("network", "ls", "--format", "{{.Name}} {{.Driver}}"), f"{VICTIM} damaged", ("inspect", VICTIM)),
}


@pytest.mark.parametrize("path", SHOWN)
def test_lists_show_it_and_inspect_says_why(tree: Tree, path: str) -> None:
    words, line, inspect = SHOWN[path]
    file = tree.of_victim(path)
    file.write_text('{"id": 5}')
    assert line in tree.must(*words)
    if path.startswith("ROOT/networks"):
        tree.must("rm", "-f", VICTIM)  # inspect finds the container first
        tree.must("volume", "rm", VICTIM)
        tree.must("rmi", VICTIM)
    refused = tree(*inspect)
    assert refused.rc == 1 and str(file) in refused.err and len(refused.err.splitlines()) == 1, refused


def test_a_damaged_blob_takes_its_image_only(tree: Tree) -> None:
    """The image is shown as damaged, and becomes a layout of its own; its names, and all blobs that can be found, are there."""
    entry = next(each for each in json.loads(Path(tree.paths.images, "index.json").read_text())["manifests"] if VICTIM in str(each))
    blob = Path(tree.paths.images, "blobs/sha256", entry["digest"].removeprefix("sha256:"))
    manifest = json.loads(blob.read_text())
    blob.write_text("garbage")
    assert re.search(rf"^{VICTIM} +latest +\w+ +Damaged", tree.must("images"), re.MULTILINE)
    assert "busybox" in tree.must("images")
    assert "bytes" in tree("inspect", "--type", "image", VICTIM).err
    assert entry["digest"][7:19] in tree.must("images", "-q").split()
    forced = tree.copy(f"{tree.directory}/forced")
    forced.must("rmi", "-f", VICTIM)
    assert VICTIM not in forced.must("images")
    assert f"image {VICTIM}:latest: blob" in tree("system", "check").out
    tree.must("system", "check", "--repair")
    assert VICTIM not in tree.must("images") and tree.must("system", "check") == ""
    [kept] = Path(tree.paths.damaged).iterdir()
    assert json.loads((kept / "index.json").read_text())["manifests"] == [entry]
    assert (kept / "blobs/sha256" / blob.name).read_text() == "garbage"
    assert len(manifest["layers"]) == 2 and tree.must("diff", VICTIM) == "A /written\n"


def test_a_truncated_layer_is_told_and_put_away(tree: Tree) -> None:
    layers = sorted(Path(tree.paths.images, "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    layers[-1].write_bytes(b"short")
    assert "has 5 bytes, expected" in tree("system", "check").out
    tree.must("system", "check", "--repair")
    assert tree.must("system", "check") == ""
    assert sorted(path.name.split("-")[:2] for path in Path(tree.paths.damaged).iterdir())[0][0] == "image"
    assert tree.must("diff", OTHER) == "A /written\n"


def test_a_lost_index_loses_no_blob(tree: Tree) -> None:
    blobs = {path.name for path in Path(tree.paths.images, "blobs/sha256").iterdir()}
    Path(tree.paths.images, "index.json").unlink()
    assert "index.json: is missing, and there are blobs" in tree("images").err
    tree.must("system", "check", "--repair")
    assert {path.name for path in Path(tree.paths.images, "blobs/sha256").iterdir()} == blobs
    assert "<none>" in tree.must("images")


@pytest.mark.parametrize("instead", [None, "a file"])
def test_a_layer_that_is_gone_is_unpacked_again(tree: Tree, instead: str | None) -> None:
    [layer, *_] = json.loads(Path(tree.paths.container(tree.victim), "config.json").read_text())["layers"]
    [path] = Path(tree.paths.layers).glob(f"*/{layer}")
    shutil.rmtree(path)
    if instead:
        path.write_text(instead)
    assert f"{path}: is " in tree("system", "check").out
    tree.must("system", "check", "--repair")
    assert tree.must("system", "check") == ""
    assert (path / "bin/busybox").exists()


def test_the_layers_of_a_damaged_container_stay(tree: Tree) -> None:
    before = {path.name for path in Path(tree.paths.layers).glob("*/*")}
    Path(tree.paths.container(tree.victim), "config.json").write_text("")
    tree.must("rmi", "-f", "busybox")
    tree.must("rm", "-f", OTHER)
    tree.must("rmi", "-f", VICTIM)
    tree.must("system", "check", "--repair")
    tree.must("volume", "prune", "-af")
    assert {path.name for path in Path(tree.paths.layers).glob("*/*")} == before
    assert VICTIM in tree.must("volume", "ls", "-q").split()


def test_a_line_of_a_log_that_is_none_is_shown(tree: Tree) -> None:
    log = Path(tree.paths.container(tree.victim), "log.json")
    log.write_bytes(b"gar\xffbage\n" + log.read_bytes())
    assert tree.must("logs", VICTIM) == "gar\udcffbage\nvictim\n"


def test_a_root_that_is_read_only(mydocker: Machine, used: Tree, tmp_path: Path) -> None:
    """Whatever only looks works; the rest says so in one line."""
    tree = used.copy(f"{tmp_path}/tree")
    tree.must("system", "check", "--repair")
    subprocess.run(["mount", "--bind", tree.paths.root, tree.paths.root], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", tree.paths.root], check=True)
    try:
        for line in ("info", "system check", "events --since 1h --until 0s", "ps -a", "images", "system df", f"inspect {OTHER}"):
            tree.must(*line.split())
        for line in (f"rm {OTHER}", "tag busybox two", "volume create fresh", f"rename {OTHER} two", "create busybox true"):
            refused = tree(*line.split())
            assert refused.rc and "Read-only file system" in refused.err and len(refused.err.splitlines()) == 1, refused
    finally:
        subprocess.run(["umount", tree.paths.root], check=True)
        shutil.rmtree(tmp_path)


def test_rules_that_somebody_removed(mydocker: Machine) -> None:
    mydocker("network", "create", "net")
    try:
        assert mydocker("system", "check").stdout == ""
        mydocker.delete_rules()
        assert "net needs, are missing" in mydocker("system", "check").stdout
        assert mydocker("system", "check", "--repair").stdout.startswith("written anew: ")
        assert mydocker("system", "check").stdout == ""
    finally:
        mydocker("network", "rm", "net")
