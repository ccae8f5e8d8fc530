"""Where a container's cgroups are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mydocker.cgroups.layout import Layout
from mydocker.errors import BadInput, Unsupported
from mydocker.oci import cgroup, systemd
from mydocker.oci.arguments import parse
from mydocker.oci.containers import Container
from mydocker.oci.settings import FLAGS, Settings
from mydocker.paths import Paths


@pytest.fixture
def container(tmp_path: Path, cgroup_machine: Callable[..., Paths]) -> Container:
    """A container 'one' on a machine with version 2."""
    settings = Settings(parse(["--root", str(tmp_path), "verb"], FLAGS, mixed=False))
    made = Container(settings, "one")
    made._layout = Layout.detect(cgroup_machine("v2"))
    return made


@pytest.mark.parametrize("wanted, path", [("/a/b", "/a/b"), ("/a//b/.", "/a/b"), ("a", "OWN/a"), ("", "OWN/one")])
def test_an_absolute_path_counts_from_the_mount_point(
    container: Container, monkeypatch: pytest.MonkeyPatch, wanted: str, path: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    own = cgroup._own(container.layout)
    assert cgroup.cgroup_path({"linux": {"cgroupsPath": wanted}}, container, container.settings) == path.replace("OWN", own)


@pytest.mark.parametrize("wanted", ["/..", "/a/../../b", "../a"])
def test_no_path_leads_up(container: Container, wanted: str) -> None:
    with pytest.raises(BadInput, match=r"expected a path without \.\."):
        cgroup.cgroup_path({"linux": {"cgroupsPath": wanted}}, container, container.settings)


def test_an_ordinary_user_without_a_cgroup_of_its_own_makes_none(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert cgroup.cgroup_path({"linux": {}}, container, container.settings) == ""


@pytest.mark.parametrize(
    "wanted, found",
    [
        ([], {}),
        (["/sub"], {"": "/sub"}),
        (["sub/", "pids:/other", "cpu,cpuacct:third"], {"": "/sub", "pids": "/other", "cpu,cpuacct": "/third"}),
        (["/"], {"": ""}),
    ],
)
def test_cgroups_below_for_exec(wanted: list[str], found: dict[str, str]) -> None:
    assert cgroup.sub_cgroups(wanted) == found
    with pytest.raises(BadInput, match=r"expected a path without \.\."):
        cgroup.sub_cgroups(["a/../b"])


@pytest.mark.parametrize(
    "name, path", [("system.slice", "/system.slice"), ("-.slice", ""), ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice")]
)
def test_slices(name: str, path: str) -> None:
    assert systemd.slice_path(name) == path


@pytest.mark.parametrize("name", ["", "system", "a.scope", "a--b.slice", "-a.slice", "a/b.slice"])
def test_what_is_no_slice(name: str) -> None:
    with pytest.raises(BadInput, match=r"expected a name such as system\.slice"):
        systemd.slice_path(name)


def test_scopes_need_their_form_and_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="expected SLICE:PREFIX:NAME"):
        systemd.scope_path("/a/b", "one")
    monkeypatch.setattr("os.path.isdir", lambda path: False)
    with pytest.raises(Unsupported, match="systemd is not running"):
        systemd.scope_path("", "one")
    monkeypatch.setattr("os.path.isdir", lambda path: True)
    assert systemd.scope_path("", "one") == "/system.slice/mydocker-one.scope"
    assert systemd.scope_path("user.slice::x", "one") == "/user.slice/x.scope"
