"""Each MUST of the runtime specification in config.md of root and mounts: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundles import Change, Runtime
from changes import (
    SHELL,
    both,
    mount,
    refused,
)

from mydocker.cgroups.layout import Layout
from mydocker.paths import Paths

# config.md


@pytest.mark.parametrize("version", ["2.0.0", "one", ""])
def test_specification_version_is_a_semantic_version_that_is_supported(any_runtime: Runtime, version: str) -> None:
    any_runtime.leave_out("runc", "takes any")
    any_runtime.leave_out("crun", "takes any")
    assert version in refused(any_runtime, lambda spec: spec.update(ociVersion=version))


def test_root_path_must_exist(any_runtime: Runtime) -> None:
    refused(any_runtime, lambda spec: spec["root"].update(path="/no/such/root"))


def test_root_readonly(any_runtime: Runtime) -> None:
    result = any_runtime.run("touch", "/file")
    assert result.rc != 0
    assert "ead-only" in result.stderr


def test_mounts_are_made_in_the_listed_order(any_runtime: Runtime) -> None:
    change = both(mount("/tmp/a"), mount("/tmp/a/b", "size=64k"), mount("/tmp/a", "size=128k"))
    result = any_runtime.run(*SHELL, "ls /tmp/a; grep -c ' /tmp/a/b ' /proc/self/mounts; df -k /tmp/a | tail -1", change=change)
    assert result.stdout.split()[0] == "1"
    assert " 128 " in result.stdout


def test_mounts_source_of_a_bind_may_be_relative_to_the_bundle(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("cat", "/tmp/x", change=mount("/tmp/x", "bind", kind="bind", source="of-the-bundle"))
    Path(bundle, "of-the-bundle").write_text("found\n")
    result = any_runtime("run", "--bundle", bundle, "one")
    assert result.stdout == "found\n", result.stderr


def test_mounts_a_relative_destination_counts_from_the_root(any_runtime: Runtime) -> None:
    result = any_runtime.run("grep", "-c", " /tmp/x ", "/proc/self/mounts", change=mount("tmp/x"))
    assert result.stdout == "1\n", result.stderr


MOUNT_OPTIONS = {
    "nosuid": "nosuid",
    "nodev": "nodev",
    "noexec": "noexec",
    "ro": "ro",
    "sync": "sync",
    "dirsync": "dirsync",
    "noatime": "noatime",
    "nodiratime": "nodiratime",
    "nosymfollow": "nosymfollow",
    "lazytime": "lazytime",
}


@pytest.mark.parametrize("option", MOUNT_OPTIONS)
def test_linux_mount_options(any_runtime: Runtime, option: str) -> None:
    if option == "nosymfollow":
        any_runtime.leave_out("crun", "1.8 does not know it")
    result = any_runtime.run("grep", " /tmp/x ", "/proc/self/mountinfo", change=mount("/tmp/x", option))
    words = result.stdout.replace(" - ", ",").replace(" ", ",").strip().split(",")
    assert MOUNT_OPTIONS[option] in words


@pytest.mark.parametrize(
    "set_first", [("suid", "nosuid"), ("dev", "nodev"), ("exec", "noexec"), ("rw", "ro"), ("atime", "noatime"), ("async", "sync")]
)
def test_linux_mount_options_that_take_another_one_back(any_runtime: Runtime, set_first: tuple[str, str]) -> None:
    any_runtime.leave_out("crun", "sets what mount(8) sets first")
    result = any_runtime.run("grep", " /tmp/x ", "/proc/self/mounts", change=mount("/tmp/x", set_first[1], set_first[0]))
    assert set_first[1] not in result.stdout.split()[3].split(",")


RECURSIVE = {"rro": "ro", "rnosuid": "nosuid", "rnodev": "nodev", "rnoexec": "noexec", "rnoatime": "noatime", "rnodiratime": "nodiratime"}


@pytest.fixture
def nested(any_runtime: Runtime, tmp_path: Path) -> Iterator[Path]:
    """A directory with a mount of its own below."""
    (tmp_path / "outer/inner").mkdir(parents=True)
    any_runtime.machine.sh(f"{any_runtime.place}mount -t tmpfs tmpfs {tmp_path}/outer/inner")
    yield tmp_path / "outer"
    any_runtime.machine.sh(f"{any_runtime.place}umount {tmp_path}/outer/inner")


@pytest.mark.parametrize("option", RECURSIVE)
def test_linux_mount_options_recursive_ones_reach_the_mounts_below(any_runtime: Runtime, nested: Path, option: str) -> None:
    if "atime" in option:
        any_runtime.leave_out("crun", "1.8 does not reach the mounts below")
    change = mount("/tmp/x", "rbind", option, kind="bind", source=str(nested))
    result = any_runtime.run("grep", "/tmp/x", "/proc/self/mounts", change=change)
    options = [line.split()[3].split(",") for line in result.stdout.splitlines()]
    assert len(options) == 2
    assert all(RECURSIVE[option] in each for each in options), result.stdout


def test_linux_mount_options_ro_of_a_bind_is_not_recursive(any_runtime: Runtime, nested: Path) -> None:
    change = mount("/tmp/x", "rbind", "ro", kind="bind", source=str(nested))
    result = any_runtime.run(*SHELL, "touch /tmp/x/inner/a && ! touch /tmp/x/b 2>/dev/null", change=change)
    assert result.rc == 0, result.stderr


def test_linux_mount_options_bind_leaves_out_what_is_mounted_below_and_rbind_does_not(any_runtime: Runtime, nested: Path) -> None:
    change = both(*(mount(f"/tmp/{word}", word, kind="bind", source=str(nested)) for word in ("bind", "rbind")))
    result = any_runtime.run("grep", "/tmp/.*bind", "/proc/self/mounts", change=change)
    assert sorted(line.split()[1] for line in result.stdout.splitlines()) == ["/tmp/bind", "/tmp/rbind", "/tmp/rbind/inner"]


def test_linux_mount_options_tmpcopyup(any_runtime: Runtime) -> None:
    result = any_runtime.run(*SHELL, "ls /bin/busybox && touch /bin/new && ls /bin/new", change=mount("/bin", "tmpcopyup"))
    assert result.stdout == "/bin/busybox\n/bin/new\n", result.stderr


def idmap(spec: dict[str, Any]) -> None:
    spec["mounts"][-1].update({kind: [{"containerID": 0, "hostID": 7000, "size": 1000}] for kind in ("uidMappings", "gidMappings")})


def test_mounts_idmap_and_mappings_of_its_own(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 has no idmapped mounts")
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 5, 6)
    words = ["bind", "idmap"]
    change = both(mount("/tmp/x", *words, kind="bind", source=str(tmp_path / "data")), idmap)
    result = any_runtime.run("stat", "-c", "%u %g", "/tmp/x", change=change)
    if "idmap" in result.stderr:
        pytest.skip(result.stderr)
    assert result.stdout == "7005 7006\n", result.stderr


@pytest.mark.parametrize(
    ("option", "expected"),
    [("idmap", "5 6"), ("idmap=uids=5-7003-1;gids=6-7004-1", "3 4"), ("idmap=uids=@5-9-1;gids=6-7004-1", "9 4")],
)
def test_mounts_idmap_by_the_user_namespace_or_by_triplets_as_podman_passes_them(
    any_runtime: Runtime, tmp_path: Path, option: str, expected: str
) -> None:
    any_runtime.leave_out("runc", "1.1 has no idmapped mounts")
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 5, 6)

    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"].append({"type": "user"})
        spec["linux"].update({kind: [{"containerID": 0, "hostID": 7000, "size": 1000}] for kind in ("uidMappings", "gidMappings")})

    result = any_runtime.run(
        "stat", "-c", "%u %g", "/tmp/x", change=both(mount("/tmp/x", "bind", option, kind="bind", source=str(tmp_path / "data")), change)
    )
    assert result.stdout == f"{expected}\n", result.stderr


def test_mounts_idmap_without_any_mapping_is_an_error(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 has no idmapped mounts")
    any_runtime.leave_out("crun", "1.8 ignores it")
    assert "uidMappings" in refused(any_runtime, mount("/tmp/x", "bind", "idmap", kind="bind", source=str(tmp_path)))


@pytest.mark.parametrize("word", ["private", "slave", "shared", "unbindable"])
def test_mounts_propagation(any_runtime: Runtime, tmp_path: Path, word: str) -> None:
    if word in ("shared", "unbindable"):
        any_runtime.leave_out("crun", "makes all of it private at the end")
    result = any_runtime.run("grep", " /tmp/x ", "/proc/self/mountinfo", change=mount("/tmp/x", f"r{word}"))
    optional = result.stdout.partition(" - ")[0]
    assert ("shared:" in optional, "unbindable" in optional) == (word == "shared", word == "unbindable")


def test_mounts_a_shared_bind_of_a_private_mount(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("crun", "makes all of it private at the end")
    sh, place = any_runtime.machine.sh, f"{tmp_path}/private"
    assert sh(f"mkdir {place} && mount -t tmpfs none {place} && mount --make-private {place}").rc == 0
    try:
        bind = mount("/tmp/x", "rbind", "rshared", kind="bind", source=place)
        result = any_runtime.run("grep", " /tmp/x ", "/proc/self/mountinfo", change=bind)
    finally:
        assert sh(f"umount {place}").rc == 0
    assert "shared:" in result.stdout.partition(" - ")[0], result.stderr


def without(destination: str) -> Change:
    """Return a change that takes a mount out."""
    return lambda spec: spec.update(mounts=[each for each in spec["mounts"] if each["destination"] != destination])


CGROUP = mount("/sys/fs/cgroup", "ro", "nosuid", "noexec", "nodev", kind="cgroup", source="cgroup")


def test_mounts_in_their_order_below_the_cgroups(any_runtime: Runtime, tmp_path: Path) -> None:
    """podman's --systemd=always and docker's -v /sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd ask for this."""
    any_runtime.leave_out("crun", "runs beside no cgroup version 2")
    (tmp_path / "inside").mkdir()
    first = next(iter(Layout.detect(Paths.from_environment()).container_mounts("/x")))
    if not first.directory:
        pytest.skip("version 2 has no directory for each hierarchy")
    below = f"/sys/fs/cgroup/{first.directory}"
    change = both(CGROUP, mount(below, "bind", kind="bind", source=str(tmp_path)))
    result = any_runtime.run(*SHELL, f"ls -d {below}/inside; touch /sys/fs/cgroup/new", change=change)
    assert result.stdout == f"{below}/inside\n", result.stderr
    assert "Read-only" in result.stderr or any_runtime.name == "runc"


def test_mounts_in_their_order_above_the_cgroups(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "runs beside no cgroup version 2")
    change = both(CGROUP, mount("/sys/fs"))
    assert any_runtime.run("ls", "/sys/fs", change=change).stdout == ""


def test_mounts_a_read_only_dev_becomes_so_last(any_runtime: Runtime) -> None:
    def change(spec: dict[str, Any]) -> None:
        next(each for each in spec["mounts"] if each["destination"] == "/dev")["options"].append("ro")

    result = any_runtime.run(*SHELL, "ls -d /dev/fd /dev/null /dev/pts; touch /dev/new", change=change)
    assert result.stdout.split() == ["/dev/fd", "/dev/null", "/dev/pts"]
    assert "Read-only file system" in result.stderr


@pytest.mark.parametrize(("place", "options"), [("/bin", ["mode=700"]), ("/tmp/new", ["mode=700", "size=1m"])])
def test_mounts_the_mode_of_a_tmpfs_that_copies(oci: Runtime, place: str, options: list[str]) -> None:
    change = mount(place, "tmpcopyup", *options)
    assert oci.run("/bin/busybox", "stat", "-c", "%a", place, change=change).stdout == "700\n"


def test_mounts_proc_may_be_bound_by_options_alone(any_runtime: Runtime) -> None:
    change = both(without("/proc"), mount("/proc", "rbind", kind="none", source="/proc"))
    assert any_runtime.run("ls", "/proc/self/root", change=change).rc == 0


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_cve_2019_19921_proc_and_sys_are_no_symlinks(oci: Runtime, tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    shutil.copytree(oci.rootfs, root, symlinks=True)
    (root / name).rmdir()
    (root / "elsewhere").mkdir()
    (root / name).symlink_to("elsewhere")
    assert f"mount {name}" in refused(oci, lambda spec: spec["root"].update(path=str(root)))


def test_mounts_on_a_symlink_that_leads_to_nothing(oci: Runtime, tmp_path: Path) -> None:
    """/etc/resolv.conf of real images is one, to below /run/systemd."""
    root = tmp_path / "root"
    shutil.copytree(oci.rootfs, root, symlinks=True)
    (root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    (root / "data").symlink_to("/var/lib/data")
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    change = both(
        mount("/etc/resolv.conf", "bind", kind="bind", source=str(tmp_path / "resolv.conf")),
        mount("/data", "mode=700"),
        lambda spec: spec["root"].update(path=str(root), readonly=False),
    )
    result = oci.run(*SHELL, "cat /etc/resolv.conf; stat -c %a /var/lib/data", change=change)
    assert result.stdout == "nameserver 192.0.2.1\n700\n", result.stderr
    assert (root / "run/systemd/resolve/stub-resolv.conf").is_file()
