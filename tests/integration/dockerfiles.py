"""The collection tests/data/dockerfiles: its contexts, its base images, and what an image is that comes of one of its files.

NAME.Dockerfile may have comments `# context: DIRECTORY` and `# build: FLAGS`. NAME.image says what comes of it: first who made the
same image, then its configuration, then each of its files that differs from the base image's.

    python tests/integration/dockerfiles.py [NAME...]     # record NAME.image anew, of all files, from docker's two builders
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from imagelines import described, files

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "tests/bench"))

DATA = REPOSITORY / "tests/data/dockerfiles"
NAMES = sorted(path.name.removesuffix(".Dockerfile") for path in DATA.glob("*.Dockerfile"))
CLASSIC, BUILDKIT = "docker's classic builder", "BuildKit"
BY_HAND = "checked by hand: this BuildKit is too old for it"
# Stubs of /usr/local/bin: each is a link to tests/data/dockerfiles/tool.
STUBS = ["addgroup", "adduser", "apk", "apt-get", "bundle", "cargo", "cmake", "composer", "dnf", "dotnet", "gcc", "go", "gosu", "gradle"]
STUBS += ["groupadd", "java", "make", "mix", "mvn", "npm", "pip", "pnpm", "poetry", "python", "useradd", "yarn", "yum"]
# What the base images have besides busybox's.
USER = "node:x:1000:1000::/home/node:/bin/sh\n"
BASE_FLAGS = ["-c", 'CMD ["sh"]', "-c", "ENV PHP_INI_DIR=/usr/local/etc/php", "-c", "LABEL base=yes"]
PARENT = "FROM busybox\nONBUILD WORKDIR /usr/src/app\nONBUILD COPY data/ .\nONBUILD RUN echo $PWD > /triggered\nONBUILD ENV RAN=yes\n"


def text_of(name: str) -> str:
    return (DATA / f"{name}.Dockerfile").read_text()


def command(name: str, tag: str) -> list[str]:
    """Return the words after the tool's own that build a file. They are for the directory that prepare() has made."""
    found = dict(re.findall(r"^# (build|context): (.*)$", text_of(name), re.MULTILINE))
    flags = shlex.split(found.get("build", ""))
    return ["build", "--network", "none", "-t", tag, "-f", f"{name}.Dockerfile", *flags, found.get("context", "context")]


def bases() -> list[str]:
    """Return the names of all base images that the files begin with."""
    found: set[str] = set()
    for name in NAMES:
        for word in re.findall(r"^\s*FROM\s+(?:--\S+\s+)?(\S+)", text_of(name), re.MULTILINE | re.IGNORECASE):
            found.add(re.sub(r"\$\{?GO_VERSION}?", "1.22", re.sub(r"\$\{?TAG}?", "12", word)))
    return sorted(name for name in found if ":" in name or "/" in name)


def prepare(directory: Path) -> None:
    """Make the contexts with their modes, links and tars, and the base image's tar, in a new directory."""
    for path in DATA.glob("*.Dockerfile"):
        shutil.copy(path, directory)
    for context in ("context", "ignoring"):
        shutil.copytree(DATA / context, directory / context, symlinks=True)
    (directory / "context/data/with space.txt").write_text("space\n")
    for context in ("context", "ignoring"):
        for path in (directory / context).rglob("*"):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    context_directory = directory / "context"
    (context_directory / "data/sub/deep").chmod(0o711)
    (context_directory / "config/two.json").chmod(0o600)
    (context_directory / "links").mkdir(mode=0o755)
    (context_directory / "links/file").symlink_to("../data/a.txt")
    (context_directory / "links/directory").symlink_to("../data")
    plain = _tar()
    for ending, packed in (
        ("", plain),
        (".gz", gzip.compress(plain, mtime=0)),
        (".xz", lzma.compress(plain)),
        (".bz2", bz2.compress(plain)),
    ):
        (context_directory / f"files.tar{ending}").write_bytes(packed)
    (directory / "base.tar").write_bytes(_base())


def _tar() -> bytes:
    """Return a tar with owners, modes and links."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, mode, uid, content in (("d", 0o2750, 7, None), ("d/f", 0o4711, 8, b"f"), ("hello", 0o755, 0, b"hello\n")):
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid = mode, uid, uid + 1
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.size = len(content or b"")
            archive.addfile(member, io.BytesIO(content or b""))
        for name, type_, target in (("link", tarfile.SYMTYPE, "d/f"), ("hard", tarfile.LNKTYPE, "hello")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode, member.gid = type_, target, 0o755, 1
            archive.addfile(member)
    return data.getvalue()


def _base() -> bytes:
    """Return the root file system of the base images: busybox's, the stubs, and one more user."""
    made = subprocess.run([REPOSITORY / "mydocker/engine/system/busybox-image"], check=True, capture_output=True).stdout
    data = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(made)) as busybox, tarfile.open(fileobj=data, mode="w") as archive:
        for member in busybox:
            content = busybox.extractfile(member).read() if member.isreg() else b""  # type: ignore[union-attr]
            if member.name in ("./etc/passwd", "./etc/group"):
                content += (USER if member.name.endswith("passwd") else "node:x:1000:\n").encode()
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        tool = tarfile.TarInfo("./usr/local/bin/tool")
        tool.mode, tool.size = 0o755, (DATA / "tool").stat().st_size
        for place in ("./usr/local", "./usr/local/bin", "./home/node"):
            directory = tarfile.TarInfo(place)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            directory.uid = directory.gid = 1000 if place.endswith("node") else 0
            archive.addfile(directory)
        archive.addfile(tool, io.BytesIO((DATA / "tool").read_bytes()))
        for name in STUBS:
            link = tarfile.TarInfo(f"./usr/local/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "tool"
            archive.addfile(link)
    return data.getvalue()


def recorded(name: str) -> tuple[str, list[str]]:
    """Return who made the image that is recorded for a file, and its description."""
    by, *lines = (DATA / f"{name}.image").read_text().splitlines()
    return by, lines


class Dockers:
    """docker's two builders, with the base images. words: its client's."""

    def __init__(self, words: list[str], directory: Path) -> None:
        self.words = words
        self.directory = directory
        self._run(["import", *BASE_FLAGS, "base.tar", "busybox:latest"], "0")
        for name in bases():
            self._run(["tag", "busybox:latest", name], "0")
        (directory / "parent").write_text(PARENT)
        self._run(["build", "-t", "onbuild-parent:1", "-f", "parent", "context"], "0")
        self.base = files(self._saved("busybox:latest"))

    def _run(self, words: list[str], buildkit: str) -> None:
        environment = {**os.environ, "DOCKER_BUILDKIT": buildkit}
        subprocess.run([*self.words, *words], check=True, capture_output=True, cwd=self.directory, env=environment, text=True)

    def _saved(self, name: str) -> Path:
        path = self.directory / "saved.tar"
        self._run(["save", "-o", str(path), name], "0")
        return path

    def made(self, name: str, buildkit: bool) -> list[str]:
        """Return the image that comes of a file. Raises CalledProcessError."""
        self._run(command(name, "made:1"), "1" if buildkit else "0")
        return described(self._saved("made:1"), self.base)

    def record(self, name: str, tell: Callable[[str], None]) -> tuple[str, list[str]]:
        """Return who made the image, and its description: BuildKit's, if it can."""
        answers: dict[str, list[str]] = {}
        for builder in (CLASSIC, BUILDKIT):
            try:
                answers[builder] = self.made(name, builder == BUILDKIT)
            except subprocess.CalledProcessError as error:
                tell(f"{name}: {builder} fails: {(error.stderr.strip().splitlines() or [''])[-1]}")
        if not answers:
            return "", []
        truth = answers.get(BUILDKIT) or answers[CLASSIC]
        for builder, answer in answers.items():
            for line in sorted(set(answer) ^ set(truth)):
                tell(f"{name}: only {builder if line in answer else BUILDKIT}: {line}")
        return ", ".join(builder for builder, answer in answers.items() if answer == truth), truth


def all_recorded(dockers: Dockers, names: list[str], tell: Callable[[str], None]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (name, who, description) of each of these files that docker can build."""
    for name in names:
        by, lines = dockers.record(name, tell)
        if by:
            yield name, by, lines


def main() -> None:
    from tools import Docker, Scratch, remove_cgroups

    with tempfile.TemporaryDirectory() as place:
        tool = Docker(Scratch(place))
        try:
            reason = tool.unusable()
            if reason:
                sys.exit(f"docker does not work here: {reason}")
            directory = Path(place, "collection")
            directory.mkdir()
            prepare(directory)
            for name, by, lines in all_recorded(Dockers(tool.words, directory), sys.argv[1:] or NAMES, print):
                (DATA / f"{name}.image").write_text("\n".join([by, *lines, ""]))
        finally:
            tool.stop()
            remove_cgroups()


if __name__ == "__main__":
    main()
