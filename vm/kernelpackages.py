"""Fetch Debian's kernels as packages. apt verifies them, with directories of its own for this, and nothing is installed.

    CACHE/apt/            apt's sources, lists and archives
    CACHE/NAME            a link to the directory of the version that was fetched last
    CACHE/VERSION/        a package's files: boot/vmlinuz-RELEASE, lib/modules/RELEASE

MYDOCKER_MIRROR is the address of a Debian archive. Without it, the archive that this machine's apt uses is taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# The kernels, and the Debian release that each came with. Which release has the newest kernel changes, so all of NEWEST are asked.
RELEASES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"}
NEWEST = ("trixie-backports", "sid")
NAMES = (*RELEASES, "newest")
PACKAGE = "linux-image-amd64"


class NoKernel(Exception):
    """A kernel cannot be fetched. The message says which one and why."""


class Kernel(NamedTuple):
    """A kernel that can be booted."""

    name: str  # one of NAMES, or its release if it is somebody's own
    release: str  # what uname -r says of it
    image: Path


def cache() -> Path:
    """Return the directory where kernels, boxes and the trial's files are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mydocker-vm"


class Archive:
    """A Debian archive, read by apt with a state of its own below `cache`. mirror: the archive's address."""

    def __init__(self, cache: Path, mirror: str) -> None:
        self.cache = cache
        self.mirror = mirror
        self._versions: dict[str, str] = {}

    def fetch(self, name: str, update: bool) -> Kernel:
        """Return a kernel. Without `update` it is the one that was fetched before, if there is one. Raises NoKernel."""
        link = self.cache / name
        if update or not link.exists():
            version = wanted(name, self.versions())
            directory = self.cache / version
            if not directory.exists():
                self._unpack(version, directory)
            link.unlink(missing_ok=True)
            link.symlink_to(version)
        return found(name, link.resolve())

    def versions(self) -> dict[str, str]:
        """Return {release of Debian: version of its kernel package}. The archive is asked only once."""
        if not self._versions:
            for directory in ("state/lists/partial", "cache/archives/partial"):
                (self.cache / "apt" / directory).mkdir(parents=True, exist_ok=True)
            lines = [f"deb [signed-by={KEYRING}] {self.mirror} {suite} main\n" for suite in (*RELEASES.values(), *NEWEST)]
            (self.cache / "apt/sources.list").write_text("".join(lines))
            self._apt("apt-get", "update", "-qq")
            self._versions = read_versions(self._apt("apt-cache", "madison", PACKAGE))
        return self._versions

    def _unpack(self, version: str, directory: Path) -> None:
        """Fetch the packages of a version and unpack them. After a failure nothing of them is left."""
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            self._apt("apt-get", "download", "-qq", *self._packages(version), directory=scratch)
            root = Path(scratch, "root")
            root.mkdir(mode=0o755)
            for package in Path(scratch).glob("*.deb"):
                _run("dpkg-deb", "-x", str(package), str(root))
            if not (root / "lib").exists():
                (root / "lib").symlink_to("usr/lib")
            link_image(root)
            _run("depmod", "-b", str(root), found("", root).release)
            root.rename(directory)

    def _packages(self, version: str) -> list[str]:
        """Return PACKAGE=VERSION for the metapackage, and for the packages with the kernel and its modules, on which it depends."""
        packages, names = [], [PACKAGE]
        while names:
            name = names.pop()
            packages.append(f"{name}={version}")
            shown = self._apt("apt-cache", "show", f"{name}={version}")
            names += [each for each in dependencies(shown, version) if f"{each}={version}" not in packages and each not in names]
        return packages

    def _apt(self, program: str, *arguments: str, directory: str | None = None) -> str:
        apt = self.cache / "apt"
        places = {"State": apt / "state", "Cache": apt / "cache", "Etc::SourceList": apt / "sources.list", "Etc::SourceParts": "/dev/null"}
        # apt fetches as the caller, and not as the user _apt, who may not enter the cache.
        options = [*(f"Dir::{key}={value}" for key, value in places.items()), "APT::Sandbox::User=root", "Acquire::Languages=none"]
        return _run(program, *(word for option in options for word in ("-o", option)), *arguments, directory=directory)


def archive() -> Archive:
    """Return the archive that kernels are fetched from. Raises NoKernel if there is none."""
    return Archive(cache() / "kernels", mirror())


def wanted(name: str, versions: dict[str, str]) -> str:
    """Return the version that a kernel's name stands for. Raises NoKernel if the archive has none."""
    suites = [RELEASES[name]] if name in RELEASES else list(NEWEST)
    offered = [versions[suite] for suite in suites if suite in versions]
    if not offered:
        raise NoKernel(f"kernel {name}: the archive has no {PACKAGE} in {' or '.join(suites)}")
    return max(offered, key=_numbers)


def _numbers(version: str) -> list[int]:
    """Return the numbers in a package's version. They are enough to order kernels."""
    return [int(digits) for digits in re.findall(r"\d+", version.partition("~")[0])]


def read_versions(madison: str) -> dict[str, str]:
    """Return {suite: version} from what `apt-cache madison` prints.

    Its lines are: name | version | address suite/component architecture kind
    """
    rows = [[cell.strip() for cell in line.split("|")] for line in madison.splitlines() if line.count("|") == 2]
    return {row[2].split()[1].partition("/")[0]: row[1] for row in rows}


def dependencies(shown: str, version: str) -> list[str]:
    """Return the packages of a kernel that a package depends on, with exactly its own version. shown: what `apt-cache show` prints."""
    lines = [line.partition(":")[2] for line in shown.splitlines() if line.startswith("Depends:")]
    entries = [each.strip() for line in lines for each in line.split(",")]
    return sorted(each.split()[0] for each in entries if each.startswith("linux-") and each.endswith(f"(= {version})"))


def link_image(root: Path) -> None:
    """Make boot/vmlinuz-RELEASE if a package has lib/modules/RELEASE/vmlinuz instead, as packages do from Linux 7 on."""
    for image in root.glob("lib/modules/*/vmlinuz"):
        (root / "boot").mkdir(exist_ok=True)
        (root / f"boot/vmlinuz-{image.parent.name}").hardlink_to(image)


def found(name: str, root: Path) -> Kernel:
    """Return the kernel in the files of a package. Raises NoKernel if there is none."""
    images = sorted(root.glob("boot/vmlinuz-*"))
    if not images:
        raise NoKernel(f"kernel {name}: no boot/vmlinuz-* in {root}")
    return Kernel(name, images[0].name.removeprefix("vmlinuz-"), images[0])


def given(path: Path) -> Kernel:
    """Return a kernel of somebody's own. Its name is its release. Raises NoKernel.

    path: an image, or a directory with boot/vmlinuz-RELEASE and lib/modules/RELEASE. What modules need of each other is written
        there anew (depmod), so a module that was copied to them is found.
    """
    image = path if path.is_file() else _only_image(path)
    release = image_release(image)
    if path.is_dir() and (path / "lib/modules" / release).is_dir():
        _run("depmod", "-b", str(path), release)
    return Kernel(release, release, image.resolve())


def _only_image(directory: Path) -> Path:
    images = sorted(directory.glob("boot/vmlinuz-*"))
    if len(images) != 1:
        names = ", ".join(image.name for image in images) or "none"
        raise NoKernel(f"{directory}: expected a kernel's image, or a directory with one boot/vmlinuz-RELEASE, found {names}")
    return images[0]


def image_release(image: Path) -> str:
    """Return the release of a kernel's image for x86 (Documentation/arch/x86/boot.rst, kernel_version). Raises NoKernel."""
    with open(image, "rb") as file:
        head = file.read(0x10000)
    start = int.from_bytes(head[0x20E:0x210], "little") + 0x200
    words = head[start : start + 256].partition(b"\0")[0].decode(errors="replace").split()
    if head[0x202:0x206] != b"HdrS" or not words:
        raise NoKernel(f"{image}: expected a kernel's image (bzImage)")
    return words[0]


def mirror() -> str:
    """Return the address of a Debian archive. Raises NoKernel if none is known."""
    given = os.environ.get("MYDOCKER_MIRROR")
    if given:
        return given
    if not shutil.which("apt-get") or not os.path.exists(KEYRING):
        raise NoKernel(f"kernels are Debian packages: apt-get and {KEYRING} (package debian-archive-keyring) are needed")
    targets = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    for address in targets.splitlines():
        if address.rstrip("/").endswith("/debian"):
            return address
    raise NoKernel("MYDOCKER_MIRROR: expected the address of a Debian archive, as this machine's apt has none")


def _run(*command: str, directory: str | None = None) -> str:
    """Run a command and return its output. Raises NoKernel with the last line of its standard error."""
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        raise NoKernel(f"{command[0]} {command[-1]}: {reason}")
    return result.stdout
