from __future__ import annotations

from pathlib import Path

import pytest

from mydocker.errors import Unsupported
from mydocker.steps.base import Step
from mydocker.steps.confinement import (
    DropBoundingSet,
    LoadSeccomp,
    SetCapabilities,
    SetKeepCapabilities,
    SetNoNewPrivileges,
    WriteAttr,
    apparmor_exec,
    selinux_exec,
)

TWO = ["CAP_CHOWN", "CAP_NET_RAW"]


@pytest.mark.parametrize(
    ("step", "description", "shell"),
    [
        (SetNoNewPrivileges(), "prctl PR_SET_NO_NEW_PRIVS", "# setpriv --no-new-privs, before the command"),
        (SetKeepCapabilities(), "prctl PR_SET_KEEPCAPS", "# prctl PR_SET_KEEPCAPS"),
        (
            DropBoundingSet(TWO),
            "prctl PR_CAPBSET_DROP all but chown,net_raw",
            "# setpriv --bounding-set -all,+chown,+net_raw, before the command",
        ),
        (DropBoundingSet([]), "prctl PR_CAPBSET_DROP all but none", "# setpriv --bounding-set -all, before the command"),
        (
            SetCapabilities.from_oci({"effective": TWO, "permitted": TWO, "bounding": TWO}),
            "capset effective chown,net_raw permitted chown,net_raw inheritable none ambient none",
            "# setpriv --inh-caps -all --ambient-caps -all, before the command",
        ),
        (
            LoadSeccomp(bytes(80), 6),
            "seccomp SECCOMP_SET_MODE_FILTER flags SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW, 10 instructions",
            "# seccomp SECCOMP_SET_MODE_FILTER flags SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW, 10 instructions",
        ),
        (
            WriteAttr("apparmor", "exec docker-default"),
            "write 'exec docker-default' to apparmor's /proc/self/attr exec",
            "printf %s 'exec docker-default' > /proc/$$/attr/exec",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Step) else "",
)
def test_words(step: Step, description: str, shell: str) -> None:
    assert (step.describe(), step.shell()) == (description, shell)


@pytest.mark.parametrize(("own", "written"), [(True, "attr/apparmor/exec"), (False, "attr/exec")])
def test_attr_is_written_where_the_kernel_has_it(tmp_path: Path, own: bool, written: str) -> None:
    attr = tmp_path / "self/attr"
    (attr / "apparmor").mkdir(parents=True)
    (attr / "exec").touch()
    if own:
        (attr / "apparmor/exec").touch()
    WriteAttr("apparmor", "exec p", str(tmp_path)).apply()
    assert (tmp_path / "self" / written).read_text() == "exec p"


def sys_with_apparmor(root: Path, enabled: str) -> str:
    (root / "module/apparmor/parameters").mkdir(parents=True)
    (root / "module/apparmor/parameters/enabled").write_text(enabled + "\n")
    return str(root)


def test_apparmor_where_it_is_enabled(tmp_path: Path) -> None:
    assert apparmor_exec("p", sys_with_apparmor(tmp_path, "Y")) == WriteAttr("apparmor", "exec p")


def test_apparmor_that_the_kernel_was_told_to_leave(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="apparmor profile 'p': apparmor is not enabled in this kernel"):
        apparmor_exec("p", sys_with_apparmor(tmp_path, "N"))


def test_security_modules_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="apparmor profile 'p': apparmor is not enabled in this kernel"):
        apparmor_exec("p", str(tmp_path))
    with pytest.raises(Unsupported, match="selinux label 'l': selinux is not enabled in this kernel"):
        selinux_exec("l", str(tmp_path))


def test_selinux_where_it_is_enabled(tmp_path: Path) -> None:
    (tmp_path / "fs/selinux").mkdir(parents=True)
    (tmp_path / "fs/selinux/enforce").write_text("1")
    assert selinux_exec("a:b:c:s0", str(tmp_path)) == WriteAttr("selinux", "a:b:c:s0")
