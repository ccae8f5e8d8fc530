"""vm/kernelpackages.py: which package a kernel is; apt itself is asked for real by vm/kernels.py."""

import shutil
from pathlib import Path

import kernelpackages
import pytest
from kernelpackages import Archive, NoKernel, dependencies, read_versions, wanted

MADISON = """\
linux-image-amd64 | 7.3.4-1~bpo13+1 | http://mirror/debian trixie-backports/main amd64 Packages
linux-image-amd64 |   7.2.13-1 | http://mirror/debian sid/main amd64 Packages
linux-image-amd64 | 6.12.117-1 | http://mirror/debian trixie/main amd64 Packages
linux-image-amd64 | 5.10.223-1 | http://mirror/debian bullseye/main amd64 Packages
N: a note
"""


def test_a_kernel_is_a_releases_and_the_newest_is_the_newest_of_all() -> None:
    versions = read_versions(MADISON)
    assert versions["bullseye"] == "5.10.223-1"
    assert wanted("6.12", versions) == "6.12.117-1"
    assert wanted("newest", versions) == "7.3.4-1~bpo13+1"
    assert wanted("newest", {"sid": "6.9.10-1", "trixie-backports": "6.10.2-1~bpo13+1"}) == "6.10.2-1~bpo13+1"


def test_an_archive_without_it_is_named() -> None:
    with pytest.raises(NoKernel, match=r"kernel 6\.1: the archive has no linux-image-amd64 in bookworm"):
        wanted("6.1", read_versions(MADISON))


def test_of_the_dependencies_only_the_kernels_own_parts_are_fetched() -> None:
    shown = """Package: linux-image-7.3.4-amd64
Depends: dracut | initramfs-tools (>= 0.120), linux-base (>= 4), linux-binary-7.3.4-amd64 (= 7.3.4-1), linux-modules-7.3.4-amd64 (= 7.3.4-1)
"""
    assert dependencies(shown, "7.3.4-1") == ["linux-binary-7.3.4-amd64", "linux-modules-7.3.4-amd64"]


def test_a_kernel_that_is_there_needs_no_archive(tmp_path: Path) -> None:
    (tmp_path / "6.1.99-1/boot").mkdir(parents=True)
    (tmp_path / "6.1.99-1/boot/vmlinuz-6.1.0-9-amd64").touch()
    (tmp_path / "6.1").symlink_to("6.1.99-1")
    kernel = Archive(tmp_path, "nowhere").fetch("6.1", update=False)
    assert (kernel.name, kernel.release, kernel.image.parent.parent.name) == ("6.1", "6.1.0-9-amd64", "6.1.99-1")


def test_an_image_among_the_modules_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "lib/modules/7.3.4-amd64").mkdir(parents=True)
    (tmp_path / "lib/modules/7.3.4-amd64/vmlinuz").touch()
    kernelpackages.link_image(tmp_path)
    assert kernelpackages.found("newest", tmp_path).release == "7.3.4-amd64"


def test_a_package_without_a_kernel_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoKernel, match=r"kernel 6\.1: no boot/vmlinuz"):
        kernelpackages.found("6.1", tmp_path)


def image(path: Path, release: str = "6.1.9-own", magic: bytes = b"HdrS") -> Path:
    """Write what tells the release of an image for x86."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytearray(0x1000)
    head[0x202:0x206], head[0x20E:0x210] = magic, (0x400).to_bytes(2, "little")
    text = f"{release} (me@here) #1 SMP\0".encode()
    head[0x600 : 0x600 + len(text)] = text
    path.write_bytes(head)
    return path


def test_a_kernel_of_ones_own_is_an_image_or_a_directory(tmp_path: Path) -> None:
    path = image(tmp_path / "own/boot/vmlinuz-6.1.9-own")
    assert kernelpackages.given(path) == kernelpackages.given(tmp_path / "own") == ("6.1.9-own", "6.1.9-own", path)


@pytest.mark.skipif(not shutil.which("depmod"), reason="needs depmod (kmod)")
def test_the_modules_beside_it_are_listed_anew(tmp_path: Path) -> None:
    image(tmp_path / "boot/vmlinuz-6.1.9-own")
    modules = tmp_path / "lib/modules/6.1.9-own"
    modules.mkdir(parents=True)
    for name in ("modules.order", "modules.builtin"):
        (modules / name).touch()
    kernelpackages.given(tmp_path)
    assert (modules / "modules.dep").exists()


def test_what_is_no_kernel_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoKernel, match=r"expected a kernel's image, or a directory with one boot/vmlinuz-RELEASE, found none"):
        kernelpackages.given(tmp_path)
    image(tmp_path / "boot/vmlinuz-1")
    image(tmp_path / "boot/vmlinuz-2", magic=b"ELF.")
    with pytest.raises(NoKernel, match="found vmlinuz-1, vmlinuz-2"):
        kernelpackages.given(tmp_path)
    with pytest.raises(NoKernel, match=r"vmlinuz-2: expected a kernel's image \(bzImage\)"):
        kernelpackages.given(tmp_path / "boot/vmlinuz-2")


def test_where_packages_come_from_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYDOCKER_MIRROR", "file:///mirror")
    assert kernelpackages.mirror() == "file:///mirror"
    monkeypatch.delenv("MYDOCKER_MIRROR")
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(NoKernel, match="apt-get and"):
        kernelpackages.mirror()


def test_what_a_program_complains_about_is_told() -> None:
    with pytest.raises(NoKernel, match=r"^ls /no/such: .*No such file"):
        kernelpackages._run("ls", "/no/such")
