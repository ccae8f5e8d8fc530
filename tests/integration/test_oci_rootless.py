"""mydocker-oci as an ordinary user's: a user namespace, and no rights on cgroups. runc and crun are asked the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from conftest import REPOSITORY, wait_until

from mydocker.program import script

USER = 64321


class Rootless(Runtime):
    """A runtime that an ordinary user runs."""

    def __init__(self, machine: Any, who: str, program: str, directory: str, rootfs: str) -> None:
        super().__init__(machine, f"{who} {program}", directory, rootfs)
        self.who = who
        self.program = program

    def bundle_by_spec(self, *args: str, **linux: Any) -> str:
        """Make a bundle of the runtime's own `spec --rootless`; return its directory."""
        path = Path(self.directory, f"bundle{len(list(Path(self.directory).glob('bundle*')))}")
        path.mkdir()
        os.chown(path, USER, USER)
        result = self.machine.sh(f"{self.who} sh -c 'cd {path} && {self.program} spec --rootless'")
        assert result.rc == 0, result.stderr
        spec = json.loads((path / "config.json").read_text())
        spec["process"] |= {"terminal": False, "args": list(args), "rlimits": []}
        spec["root"]["path"] = self.rootfs
        spec["linux"] |= linux
        (path / "config.json").write_text(json.dumps(spec))
        return str(path)


@pytest.fixture(params=["mydocker-oci", "runc", "crun"])
def rootless(request: pytest.FixtureRequest, mydocker: Any, busybox: str) -> Iterator[Rootless]:
    """Each runtime that is installed, with a directory of the user's."""
    directory = Path(mydocker.directory, "user")
    directory.mkdir()
    prefix = ""
    if request.param == "mydocker-oci":
        program = own_copy(directory)
    else:
        if not mydocker.host.exists(request.param):
            pytest.skip(f"{request.param} is not installed")
        program = request.param
        prefix = request.getfixturevalue("crun").removesuffix("crun") if request.param == "crun" else ""
    subprocess.run(["chown", "-R", f"{USER}:{USER}", directory], check=True)
    who = f"setpriv --reuid {USER} --regid {USER} --clear-groups env -i PATH={os.environ['PATH']} XDG_RUNTIME_DIR={directory}"
    runtime = Rootless(mydocker, f"{prefix}{who}", program, str(directory), busybox)
    yield runtime
    for name in runtime("list", "-q").stdout.split():
        runtime("delete", "--force", name)
    shutil.rmtree(directory)


def own_copy(directory: Path) -> str:
    """Give the user a copy of the package: neither this checkout nor an administrator's interpreter need be readable for others."""
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False).returncode:
        pytest.skip(f"{python} is older than 3.11, and another one may not be readable for every user")
    shutil.copytree(REPOSITORY / "mydocker", directory / "lib/mydocker", ignore=shutil.ignore_patterns("__pycache__"))
    program = directory / "mydocker-oci"
    program.write_text(script(python, "mydocker.oci.entry", str(directory / "lib")))
    program.chmod(0o755)
    return str(program)


def test_run_maps_the_user_to_root_and_returns_the_status(rootless: Rootless) -> None:
    bundle = rootless.bundle_by_spec("sh", "-c", "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; exit 7")
    result = rootless("run", "--bundle", bundle, "one")
    assert (result.rc, result.stdout.split()) == (7, ["0", "0", "0", str(USER), "1", "0", str(USER), "1", "deny"]), result.stderr


def test_a_container_goes_through_its_life(rootless: Rootless) -> None:
    bundle = rootless.bundle_by_spec("sleep", "1000")
    assert rootless("create", "--bundle", bundle, "one").rc == 0
    state = rootless.state("one")
    assert state["status"] == "created"
    assert os.stat(f"/proc/{state['pid']}").st_uid == USER
    assert rootless("start", "one").rc == 0
    assert rootless.state("one")["status"] == "running"
    result = rootless("exec", "one", "/bin/sh", "-c", "id -u; hostname; exit 5")
    assert (result.rc, result.stdout.split()[0]) == (5, "0"), result.stderr
    assert rootless("kill", "one", "KILL").rc == 0
    wait_until(lambda: rootless.state("one")["status"] == "stopped")
    assert rootless("delete", "one").rc == 0
    assert rootless("list", "-q").stdout == ""


def test_a_limit_that_nobody_could_apply_is_an_error(rootless: Rootless) -> None:
    for name in ("runc", "crun"):
        rootless.leave_out(name, "leaves limits out without a word")
    bundle = rootless.bundle_by_spec("true", resources={"memory": {"limit": 64 << 20}})
    result = rootless("run", "--bundle", bundle, "one")
    assert (result.rc, "resources memory: this user may not make cgroups" in result.stderr) == (1, True)
    assert rootless("list", "-q").stdout == ""


@pytest.mark.parametrize("allowed", [True, False])
def test_several_ids_are_mapped_by_newuidmap_where_subuid_allows_it(rootless: Rootless, tmp_path: Path, allowed: bool) -> None:
    if not rootless.machine.host.exists("newuidmap"):
        pytest.skip("newuidmap is not installed (package uidmap)")
    rootless.leave_out("crun", "is in a mount namespace of its own here, without the files of this test")
    name = f"user:x:{USER}:{USER}::/:/bin/sh\n"
    lines = {"passwd": Path("/etc/passwd").read_text() + name, "subuid": "", "subgid": ""}
    if allowed:
        lines |= {"subuid": f"{USER}:300000:1000\n", "subgid": f"{USER}:300000:1000\n"}
    for file, text in lines.items():
        (tmp_path / file).write_text(text)
    mapping = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": 300000, "size": 1000}]
    bundle = rootless.bundle_by_spec("cat", "/proc/self/uid_map", "/proc/self/gid_map", uidMappings=mapping, gidMappings=mapping)
    binds = "; ".join(f"mount --bind {tmp_path}/{file} /etc/{file}" for file in lines)
    line = f"unshare --mount sh -c '{binds}; exec {rootless.prefixed} run --bundle {bundle} one < /dev/null'"
    result = rootless.machine.sh(line)
    if allowed:
        assert result.stdout.split() == ["0", str(USER), "1", "1", "300000", "1000"] * 2, result.stderr
    else:
        assert result.rc != 0
        assert "newuidmap" in result.stderr
