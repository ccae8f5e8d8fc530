"""Volumes that are more than a directory, and mounts that show an image or a part of a volume."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Machine

IN = ("run", "--rm", "--network", "none")


@pytest.fixture
def data(mydocker: Machine) -> str:
    """A volume with a file in /a/b, a link to it, and one that would lead out."""
    script = "mkdir -p /d/a/b; echo in > /d/a/b/file; ln -s a /d/link; ln -s / /d/out"
    assert mydocker(*IN, "-v", "data:/d", "busybox", "sh", "-c", script).rc == 0
    return "data"


def removed(mydocker: Machine, *volumes: str) -> None:
    assert mydocker("volume", "rm", *volumes).rc == 0


def test_a_volume_of_type_tmpfs(mydocker: Machine) -> None:
    made = mydocker("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=1m,mode=750", "small")
    assert made.stdout == "small\n"
    shown = mydocker(*IN, "-v", "small:/d", "busybox", "sh", "-c", "stat -c %a /d; df -k /d | tail -1; touch /d/file")
    assert shown.stdout.split()[:3] == ["750", "tmpfs", "1024"]
    assert mydocker("volume", "inspect", "-f", "{{.Options.type}} {{.Options.o}}", "small").stdout == "tmpfs size=1m,mode=750\n"
    assert mydocker("volume", "create", "-o", "type=ramfs", "-o", "device=x", "small").rc == 1
    removed(mydocker, "small")


def test_a_volume_that_is_a_directory_of_the_host(mydocker: Machine) -> None:
    mydocker.sh("mkdir host; echo mine > host/file")
    options = ("-o", "type=none", "-o", "o=bind")
    assert mydocker("volume", "create", *options, "-o", f"device={mydocker.directory}/host", "bound").rc == 0
    assert mydocker(*IN, "-v", "bound:/etc/deep", "busybox", "sh", "-c", "cat /etc/deep/file; touch /etc/deep/new").stdout == "mine\n"
    assert mydocker(*IN, "-v", "bound:/d:ro", "busybox", "touch", "/d/other").rc == 1
    assert mydocker("create", "--name", "box", "-v", "bound:/d", "busybox").rc == 0
    assert mydocker.sh("echo put > put; {mydocker} cp put box:/d/put; {mydocker} rm box; ls host").stdout == "box\nfile\nnew\nput\n"
    removed(mydocker, "bound")
    assert mydocker.sh("ls host").stdout == "file\nnew\nput\n"
    assert mydocker("volume", "create", *options, "-o", f"device={mydocker.directory}/nosuch", "bound").rc == 0
    refused = mydocker(*IN, "-v", "bound:/d", "busybox", "true")
    assert refused.rc == 125 and f"its device does not exist: {mydocker.directory}/nosuch" in refused.stderr
    removed(mydocker, "bound")


def test_mount_makes_a_volume_with_options(mydocker: Machine) -> None:
    mount = "type=volume,src=made,dst=/d,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=mode=700"
    assert mydocker(*IN, "--mount", mount, "busybox", "stat", "-f", "-c", "%T", "/d").stdout == "tmpfs\n"
    assert mydocker("volume", "inspect", "-f", "{{.Options.o}}", "made").stdout == "mode=700\n"
    removed(mydocker, "made")


@pytest.mark.parametrize(("part", "listed"), [("a/b", "file\n"), ("link/b", "file\n"), ("out", "a\nlink\nout\n")])
def test_a_part_of_a_volume(mydocker: Machine, data: str, part: str, listed: str) -> None:
    """A symlink leads no further than the volume's root."""
    assert mydocker(*IN, "--mount", f"src={data},dst=/d,volume-subpath={part}", "busybox", "ls", "/d").stdout == listed
    assert mydocker(*IN, "-v", f"{data}:/d", "busybox", "cat", "/d/a/b/file").stdout == "in\n"
    removed(mydocker, data)


def test_a_part_of_a_volume_that_is_not_there(mydocker: Machine, data: str) -> None:
    refused = mydocker(*IN, "--mount", f"src={data},dst=/d,volume-subpath=nosuch", "busybox", "true")
    assert refused.rc == 125 and "subpath 'nosuch'" in refused.stderr
    assert mydocker(*IN, "-v", f"{data}:/d", "busybox", "cat", "/d/a/b/file").stdout == "in\n"
    removed(mydocker, data)


@pytest.mark.storage
def test_an_image_is_shown_read_only(mydocker: Machine) -> None:
    whole = "type=image,src=busybox,dst=/image"
    assert mydocker(*IN, "--mount", whole, "busybox", "/image/bin/busybox", "echo", "hello").stdout == "hello\n"
    assert mydocker(*IN, "--mount", whole, "busybox", "touch", "/image/file").rc == 1
    part = mydocker(*IN, "--mount", f"{whole},image-subpath=bin", "busybox", "ls", "/image").stdout
    assert "busybox" in part.split()
    refused = mydocker(*IN, "--mount", "type=image,src=nosuch,dst=/image", "busybox", "true")
    assert refused.rc == 125 and "no such image: nosuch" in refused.stderr


def test_an_image_is_kept_and_copied_while_a_container_shows_it(mydocker: Machine) -> None:
    mydocker.sh("mkdir ctx; echo text > ctx/file; printf 'FROM scratch\\nCOPY file /\\n' > ctx/Dockerfile")
    assert mydocker("build", "-q", "-t", "files:1", "ctx").rc == 0
    assert mydocker("create", "--name", "box", "--mount", "type=image,src=files:1,dst=/image", "busybox", "cat", "/image/file").rc == 0
    assert mydocker("rmi", "files:1").rc == 0
    assert mydocker("start", "-a", "box").stdout == "text\n"
    assert mydocker.sh("{mydocker} cp box:/image/file out && cat out").stdout == "text\n"
    shown = mydocker("inspect", "-f", "{{range .Mounts}}{{.Type}} {{.Source}} {{.RW}}{{end}}", "box").stdout
    assert shown == "image files:1 false\n"
    mydocker("rm", "box")
    mydocker("builder", "prune", "-f")


def test_what_is_mounted_below_a_bind(mydocker: Machine) -> None:
    """Read-only, as it is, or not there."""
    mydocker.sh("mkdir -p host/sub; mount -t tmpfs -o mode=777 none host/sub; touch host/sub/file")
    try:
        bind = f"type=bind,src={mydocker.directory}/host,dst=/d,ro"
        assert mydocker(*IN, "--mount", f"{bind},bind-recursive=writable", "busybox", "touch", "/d/sub/new").rc == 0
        strict = f"{bind},bind-recursive=readonly,bind-propagation=rprivate"
        assert mydocker(*IN, "--mount", strict, "busybox", "touch", "/d/sub/other").rc == 1
        assert mydocker(*IN, "--mount", f"{bind},bind-recursive=disabled", "busybox", "ls", "/d/sub").stdout == ""
    finally:
        mydocker.sh("umount host/sub")


def test_a_device_that_a_cdi_specification_describes(mydocker: Machine) -> None:
    mydocker.sh("echo library > library; mkdir -p /etc/cdi")
    edits = {
        "deviceNodes": [{"path": "/dev/mine", "hostPath": "/dev/zero"}],
        "env": ["MINE=yes"],
        "mounts": [{"hostPath": f"{mydocker.directory}/library", "containerPath": "/library"}],
        "hooks": [{"hookName": "createContainer", "path": "/bin/sh", "args": ["sh", "-c", f"touch {mydocker.directory}/hooked"]}],
    }
    described = {"cdiVersion": "0.6.0", "kind": "mydocker.test/thing", "devices": [{"name": "one", "containerEdits": edits}]}
    path = f"/etc/cdi/mydocker-test-{os.getpid()}.json"
    Path(path).write_text(json.dumps(described))
    try:
        script = "head -c 2 /dev/mine | od -An -c; echo $MINE; cat /library"
        shown = mydocker("run", "--name", "box", "--network", "none", "--device", "mydocker.test/thing=one", "busybox", "sh", "-c", script)
        assert shown.stdout.split() == ["\\0", "\\0", "yes", "library"], shown.stderr
        assert mydocker.sh("ls hooked").rc == 0
        form = "{{range .HostConfig.DeviceRequests}}{{.Driver}} {{.DeviceIDs}}{{end}} {{.HostConfig.Devices}}"
        assert mydocker("inspect", "-f", form, "box").stdout == "cdi [mydocker.test/thing=one] []\n"
        refused = mydocker(*IN, "--device", "mydocker.test/thing=two", "busybox", "true")
        assert refused.rc == 125 and "there are mydocker.test/thing=one" in refused.stderr
        assert mydocker(*IN, "--gpus", "all", "busybox", "true").rc == 125
    finally:
        mydocker("rm", "box")
        mydocker.sh(f"rm {path}; rmdir --ignore-fail-on-non-empty /etc/cdi")
