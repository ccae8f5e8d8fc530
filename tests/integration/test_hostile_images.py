"""Archives of images that lie or want out: refused in one line, nothing stored, nothing written outside."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(*members: tuple[str, bytes, str | bytes]) -> bytes:
    """Return a tar of (name, type, content or target)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o755
            if isinstance(content, bytes):
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                member.linkname = content
                archive.addfile(member)
    return stream.getvalue()


def file(name: str, content: bytes = b"evil") -> tuple[str, bytes, bytes]:
    return name, tarfile.REGTYPE, content


class Archive:
    """An OCI archive of one layer; what is changed before archive() is a lie that the rest does not know of."""

    def __init__(self, layer: bytes) -> None:
        self.layer = layer
        self.diff_id = digest_of(layer)
        self.layer_size = len(layer)
        self.layer_name = digest_of(layer)
        self.extra: list[tuple[str, bytes, str | bytes]] = []
        self.leave_out: set[str] = set()

    def archive(self) -> bytes:
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [self.diff_id]}}).encode()
        parts = {
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": self.layer_name, "size": self.layer_size}],
        }
        manifest = json.dumps({"schemaVersion": 2, **parts}).encode()
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest_of(manifest), "size": len(manifest)}
        named = {**entry, "annotations": {"org.opencontainers.image.ref.name": "evil:1"}}
        blobs = {digest_of(config): config, self.layer_name: self.layer, digest_of(manifest): manifest}
        files = [file("blobs/" + name.replace(":", "/"), data) for name, data in blobs.items() if name not in self.leave_out]
        index = json.dumps({"schemaVersion": 2, "manifests": [named]}).encode()
        return tar_of(*self.extra, *files, file("index.json", index), file("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'))


def other_diff_id(archive: Archive) -> None:
    archive.diff_id = "sha256:" + "0" * 64


def other_size(archive: Archive) -> None:
    archive.layer_size += 1


def other_content(archive: Archive) -> None:
    archive.layer_name = "sha256:" + "1" * 64


def no_layer(archive: Archive) -> None:
    archive.leave_out = {archive.layer_name}


def path_for_a_digest(archive: Archive) -> None:
    archive.layer_name = "sha256:../../../../evil"


GOOD = tar_of(file("etc/good", b"good"))


# Every file of ours but what any load may make, and what lies around.
SEEN = "find . ! -name incoming.lock ! -name vfs ! -name '*.json' | sort; cat canary/file; ls / /evil /tmp/evil; ls root/images/blobs/*"


@pytest.fixture
def refuses(mydocker: Any) -> Callable[..., str]:
    """Return what loads an archive and checks that nothing came of it; returns the complaint."""

    def load(data: bytes, *flags: str) -> str:
        path = Path(mydocker.directory) / "evil.tar"
        path.write_bytes(data)
        mydocker.sh("mkdir -p canary && echo safe > canary/file")
        before = mydocker.sh(SEEN).stdout
        result = mydocker("load", *flags, "-i", "evil.tar")
        assert (result.rc, result.stdout) == (1, "")
        assert mydocker.sh(SEEN).stdout == before
        assert mydocker("system", "check").stdout == ""
        first, *rest = result.stderr.splitlines()
        assert all(line.startswith("hint: ") for line in rest)
        return str(first)

    return load


@pytest.mark.parametrize(
    "members", [[file("/evil", b"in")], [("out", tarfile.SYMTYPE, "/"), file("out/evil", b"in")]], ids=["absolute", "symlink"]
)
def test_a_layer_whose_names_are_taken_inside_the_root(mydocker: Any, driver: str, members: list[Any]) -> None:
    mydocker.environment["MYDOCKER_STORAGE_DRIVER"] = driver
    Path(mydocker.directory, "odd.tar").write_bytes(Archive(tar_of(*members)).archive())
    assert mydocker("load", "-i", "odd.tar").rc == 0
    name = mydocker("create", "--network", "none", "evil:1", "true").stdout.strip()
    assert mydocker.sh("{mydocker} cp " + name + ":/evil - | tar -xO").stdout == "in"
    assert mydocker.sh("ls /evil").rc != 0
    mydocker("rm", name)
    mydocker("rmi", "evil:1")


@pytest.mark.parametrize(
    "members",
    [
        [file("../evil")],
        [file("a/../../../evil")],
        [file("/../evil")],
        [("out", tarfile.SYMTYPE, "../../../../../canary"), file("out/file")],
        [("link", tarfile.LNKTYPE, "../../../../canary/file")],
        [("link", tarfile.LNKTYPE, "/etc/hostname")],
        [file("..wh."), file(".wh...")],
    ],
    ids=lambda members: " ".join(name for name, _, _ in members) if isinstance(members, list) else members,
)
def test_a_layer_that_wants_out(refuses: Any, mydocker: Any, members: list[Any], driver: str) -> None:
    mydocker.environment["MYDOCKER_STORAGE_DRIVER"] = driver
    assert "tar member" in refuses(Archive(tar_of(*members)).archive())


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (other_diff_id, "does not match its diff id"),
        (other_size, "bytes, expected"),
        (other_content, "is missing"),
        (no_layer, "is missing"),
        (path_for_a_digest, "invalid digest"),
    ],
)
def test_an_archive_that_lies(refuses: Any, lie: Callable[[Archive], None], words: str) -> None:
    archive = Archive(GOOD)
    lie(archive)
    assert words in refuses(archive.archive())


def test_a_bomb(refuses: Any, mydocker: Any) -> None:
    archive = Archive(tar_of(file("zeros", bytes(3_000_000)))).archive()
    assert "more than 2097152 bytes" in refuses(archive, "--max-size", "2m")
    assert mydocker("load", "--max-size", "4m", "-i", "evil.tar").stdout == "Loaded image: evil:1\n"
    mydocker("rmi", "evil:1")


def test_a_header_as_large_as_a_disk(refuses: Any) -> None:
    member = tarfile.TarInfo("././@PaxHeader")
    member.type, member.size = tarfile.XHDTYPE, 1 << 40
    huge = member.tobuf(tarfile.GNU_FORMAT) + bytes(10240)
    assert "a header of 1099511627776 bytes" in refuses(huge)
    assert "a header of 1099511627776 bytes" in refuses(Archive(huge).archive())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no archive at all" * 100, "not a tar archive"),
        (b"", "is not a tar archive"),
        (GOOD, "is no archive of images"),
        (Archive(GOOD).archive()[:5000], "not a tar archive, or a damaged one"),
        (tar_of(file("repositories", b"{}")), "an archive of docker before 1.10"),
        (tar_of(file("manifest.json", b"{")), "not valid JSON"),
        (tar_of(file("manifest.json", b"{}")), "manifest.json: {}: expected a list"),
        (tar_of(file("manifest.json", b'[{"Config": "../../etc/shadow", "Layers": []}]')), "etc/shadow is missing"),
        (tar_of(file("manifest.json", b'[{"Config": 1}]')), "manifest.json: [0].Config 1: expected a text"),
        (tar_of(("manifest.json", tarfile.SYMTYPE, "manifest.json")), "is no archive of images"),
        (tar_of(file("index.json", b'{"schemaVersion": 2, "manifests": []}'), file("oci-layout", b"{}")), "has no image in it"),
        (tar_of(file("index.json", b'{"schemaVersion": 2, "manifests": {}}'), file("oci-layout", b"{}")), "manifests {}: expected a list"),
        (
            tar_of(file("index.json", b'{"schemaVersion": 2, "manifests": [1]}'), file("oci-layout", b"{}")),
            "manifests[0] 1: expected an object",
        ),
    ],
)
def test_what_is_no_archive_of_images(refuses: Any, data: bytes, words: str) -> None:
    assert words in refuses(data)


def test_members_outside_of_the_archives_root_are_only_names(mydocker: Any) -> None:
    archive = Archive(GOOD)
    archive.extra = [file("../../../../evil"), file("/evil"), ("out", tarfile.SYMTYPE, "/etc"), file("out/evil")]
    (Path(mydocker.directory) / "odd.tar").write_bytes(archive.archive())
    assert mydocker("load", "-i", "odd.tar").stdout == "Loaded image: evil:1\n"
    assert not any(Path(path).exists() for path in ("/evil", "/etc/evil", f"{mydocker.directory}/evil"))
    assert len(mydocker.sh("ls root/images/staging").stdout) == 0
    mydocker("rmi", "evil:1")
    assert mydocker("system", "check").stdout == ""
