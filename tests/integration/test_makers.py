"""Images of other makers are loaded, pulled, run, saved and pushed again with the digest that they had."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import makers
import pytest
from conftest import Machine
from makers import ANNOTATED, EPOCH, NEVER, ZIP, Files, Image, Layout, gzipped, hexadecimal, layer, of_docker
from test_travel import HOST, serving

from mydocker.images.config import host_platform

ARCHITECTURE = host_platform().split("/")[1]
OWN = {"platform": {"os": "linux", "architecture": ARCHITECTURE}}
MADE = layer({"made": b"made\n"})
TAGGED = {"annotations": {"org.opencontainers.image.ref.name": "made:1"}}


def image(*layers: bytes, **more: Any) -> Image:
    return Image([makers.base(), *(layers or (MADE,))], ARCHITECTURE, **more)


def without(made: Image, *fields: str) -> Image:
    for field in fields:
        made.document.pop(field)
    return made


def docker_20() -> Files:
    """A layer that is there twice is a symlink the second time; each layer has the files of docker's first format."""
    made = image(MADE, layer({"more": b"more\n"}))
    files = of_docker(made, lambda position, _: f"{position:064x}/layer.tar", f"{hexadecimal(made.config)}.json")
    extra = {f"{position:064x}/{name}": text for position in range(3) for name, text in (("VERSION", b"1.0"), ("json", b"{}"))}
    return {**files, **extra, "repositories": json.dumps({"made": {"1": f"{2:064x}"}}).encode()}


def docker_25() -> Files:
    """Both formats in one archive: manifest.json names the blobs of the layout."""
    made, layout = image(), Layout()
    entry = layout.manifest(made, bytes, "")
    files = layout.index({**entry, "annotations": ANNOTATED})
    paths = [f"blobs/sha256/{hexadecimal(each)}" for each in made.layers]
    listed = [{"Config": f"blobs/sha256/{hexadecimal(made.config)}", "RepoTags": ["made:1"], "Layers": paths}]
    return {**files, "manifest.json": json.dumps(listed).encode()}


def buildah() -> Files:
    made = image()
    made.document["history"].append({"created": EPOCH, "created_by": "/bin/sh", "empty_layer": True, "comment": "FROM base"})
    return of_docker(made, lambda _, data: f"{hexadecimal(data)}.tar", f"{hexadecimal(made.config)}.json")


def podman() -> Files:
    layout = Layout()
    return layout.index({**layout.manifest(image(), annotations={"org.opencontainers.image.base.name": ""}), **TAGGED})


def skopeo() -> Files:
    """What docker's types become in a layout: the manifest is kept as it was."""
    made, layout = image(), Layout()
    layers = [layout.put(gzipped(each), makers.DOCKER_LAYER + ".gzip") for each in made.layers]
    config = layout.put(made.config, makers.DOCKER_CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": makers.DOCKER_MANIFEST, "config": config, "layers": layers}
    return layout.index({**layout.put(json.dumps(manifest, indent=3).encode(), makers.DOCKER_MANIFEST), **TAGGED})


def umoci() -> Files:
    made, layout = image(), Layout()
    made.document["history"] = [{"created_by": "umoci insert", "author": "umoci", "comment": "", "created": EPOCH}] * 2
    return layout.index({**layout.manifest(made), **TAGGED})


def kaniko() -> Files:
    """go-containerregistry's archive: compressed layers, and a configuration whose name has a colon."""
    made = image(created=NEVER)
    return of_docker(made, lambda _, data: f"{hexadecimal(gzipped(data))}.tar.gz", makers.digest(made.config), gzipped)


def ko() -> Files:
    made = image(layer({"/made": b"made\n", "/ko-app": None, "/ko-app/app": b"", "/var/run/ko": None}), created=NEVER)
    layout = Layout()
    return layout.index({**layout.manifest(made, annotations={"org.opencontainers.image.base.digest": ""}), **OWN, **TAGGED})


def jib() -> Files:
    made = image(layer({"app/": None, "app/classes/": None, "made": b"made\n"}, 1), created=EPOCH, ExposedPorts={}, Labels={}, Volumes={})
    made.document["history"] = [{"created": EPOCH, "author": "Jib", "created_by": "jib-maven-plugin:3.4.0", "comment": "classes"}] * 2
    return of_docker(made, lambda _, data: f"{hexadecimal(data)}.tar.gz", "config.json", gzipped)


def bazel() -> Files:
    """No history, no created, no slash before names but ./"""
    made = without(image(layer({"./": None, "./made": b"made\n"})), "history", "created")
    return of_docker(made, lambda position, _: f"{position}.tar", f"{hexadecimal(made.config)}.json")


def nix() -> Files:
    layers = [layer({f"nix/store/{number}": None, f"nix/store/{number}/f": b"x"}, 1) for number in range(20)]
    made = image(*layers, layer({"made": "nix/made", "nix/made": b"made\n"}), created=ZIP)
    made.document["history"] = [{"created": ZIP, "comment": f"store paths: ['/nix/store/{number}']"} for number in range(22)]
    return of_docker(made, lambda _, data: f"{hexadecimal(data)}/layer.tar", f"{hexadecimal(made.config)}.json")


def apko() -> Files:
    made, layout = without(image(), "history"), Layout()
    made.document |= {"author": "github.com/chainguard-dev/apko", "variant": ""}
    return layout.index({**layout.manifest(made, annotations={"org.opencontainers.image.vendor": "x"}), **OWN, **TAGGED})


def twice() -> Files:
    """The same layer twice, and layers without files."""
    empty, layout = bytes(10240), Layout()
    made = image(MADE, empty, layer({".wh.made": b""}), MADE, empty, bytes(1024))
    return layout.index({**layout.manifest(made), **TAGGED})


def zstd() -> Files:
    layout = Layout()
    return layout.index({**layout.manifest(image(), makers.zstd, "+zstd"), **TAGGED})


def estargz() -> Files:
    """gzip in many members, a table of contents as the last file, its digest in the annotations."""
    contents = json.dumps({"version": 1, "entries": [{"name": "made", "type": "reg", "size": 5}]}).encode()
    made, layout = image(layer({".prefetch.landmark": b"\x0f", "made": b"made\n", "stargz.index.json": contents})), Layout()
    notes = {
        "annotations": {"containerd.io/snapshot/stargz/toc.digest": makers.digest(contents), "io.containers.estargz.uncompressed-size": "9"}
    }
    return layout.index({**layout.manifest(made, makers.in_members, layer_annotations=notes), **TAGGED})


def buildkit() -> Files:
    """An index below the index, with an attestation, an unknown platform and another one."""
    layout = Layout()
    own = {**layout.manifest(image()), **OWN}
    other = {**layout.manifest(Image([MADE], "s390x")), "platform": {"os": "linux", "architecture": "s390x"}}
    statement = layout.put(b'{"_type": "https://in-toto.io/Statement/v0.1"}', "application/vnd.in-toto+json")
    about = {"schemaVersion": 2, "mediaType": makers.MANIFEST, "config": layout.put(b"{}", makers.CONFIG), "layers": [statement]}
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": own["digest"]}
    attestation = layout.put(
        json.dumps(about).encode(), makers.MANIFEST, annotations=marks, platform={"os": "unknown", "architecture": "unknown"}
    )
    index = {"schemaVersion": 2, "mediaType": makers.INDEX, "manifests": [attestation, other, own]}
    return layout.index({**layout.put(json.dumps(index).encode(), makers.INDEX), "annotations": ANNOTATED})


DOCKERS = [docker_20, buildah, kaniko, jib, bazel, nix]
LAYOUTS = [docker_25, podman, skopeo, umoci, ko, apko, twice, zstd, estargz, buildkit]


@pytest.fixture
def registry(mydocker: Machine) -> Iterator[Machine]:
    for _ in serving(mydocker, ""):
        yield mydocker
        for name in ("made:1", f"{HOST}/made:1"):
            mydocker("rmi", "-f", name)


def field(mydocker: Machine, name: str, key: str) -> Any:
    return json.loads(mydocker("image", "inspect", name).stdout)[0][key]


def check(mydocker: Machine, name: str) -> str:
    """Run an image, and return its id."""
    shown = mydocker("run", "--rm", "--network", "none", name)
    assert (shown.rc, shown.stdout) == (0, "made\n"), shown.stderr
    return str(field(mydocker, name, "Id"))


def pushed(mydocker: Machine) -> str:
    """Push the image, and return the digest that the registry has for it."""
    mydocker("tag", "made:1", f"{HOST}/made:1")
    sent = mydocker("push", f"{HOST}/made:1")
    assert sent.rc == 0, sent.stderr
    return sent.stdout.rpartition("digest: ")[2].split()[0]


def manifest_of(files: Files) -> str:
    """Return the digest of the manifest that is for this machine."""
    entry = json.loads(files["index.json"])["manifests"][0]
    if entry["mediaType"] != makers.INDEX:
        return str(entry["digest"])
    inner = json.loads(files["blobs/sha256/" + entry["digest"].removeprefix("sha256:")])["manifests"]
    return next(str(each["digest"]) for each in inner if each["platform"] == OWN["platform"])


@pytest.mark.parametrize("make", [*DOCKERS, *LAYOUTS], ids=lambda make: make.__name__)
def test_an_archive(registry: Machine, make: Callable[[], Files]) -> None:
    mydocker = registry
    if make is zstd and not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    files = make()
    Path(mydocker.directory, "made.tar").write_bytes(makers.tar_of(files))
    loaded = mydocker("load", "-i", "made.tar")
    assert (loaded.rc, loaded.stdout) == (0, "Loaded image: made:1\n"), loaded.stderr
    before = check(mydocker, "made:1")
    first = pushed(mydocker)
    if make in LAYOUTS:
        assert first == manifest_of(files)
    assert mydocker("save", "-o", "saved.tar", "made:1").rc == 0
    with tarfile.open(fileobj=io.BytesIO(Path(mydocker.directory, "saved.tar").read_bytes())) as archive:
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
    assert [entry["digest"] for entry in index["manifests"]] == [first]
    for name in ("made:1", f"{HOST}/made:1"):
        mydocker("rmi", "-f", name)
    assert mydocker("load", "-i", "saved.tar").rc == 0
    assert (check(mydocker, "made:1"), pushed(mydocker)) == (before, first)


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_a_registry(registry: Machine, make: Callable[[], Files]) -> None:
    mydocker = registry
    if make is zstd and not shutil.which("zstd"):
        pytest.skip("zstd is not installed")
    files = make()
    makers.upload(HOST, "made", files, "1")
    pulled = mydocker("pull", f"{HOST}/made:1")
    assert pulled.rc == 0, pulled.stderr
    top = json.loads(files["index.json"])["manifests"][0]["digest"]
    assert f"Digest: {top}\n" in pulled.stdout
    assert field(mydocker, f"{HOST}/made:1", "RepoDigests") == [f"{HOST}/made@{top}"]
    check(mydocker, f"{HOST}/made:1")
    mydocker("tag", f"{HOST}/made:1", "made:1")
    assert pushed(mydocker) == manifest_of(files)
