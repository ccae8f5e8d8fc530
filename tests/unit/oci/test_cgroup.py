"""Where a container's cgroups are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker.cgroups.layout import Layout
from mydocker.errors import BadInput, Unsupported
from mydocker.oci import cgroup, systemd
from mydocker.oci.arguments import parse
from mydocker.oci.containers import Container
from mydocker.oci.settings import FLAGS, Settings
from mydocker.paths import Paths
from mydocker.runtime.spec import SPEC
from mydocker.shape import fit

if TYPE_CHECKING:
    from tests.unit.conftest import Recording


@pytest.fixture
def container(tmp_path: Path, cgroup_machine: Callable[..., Paths]) -> Container:
    """A container 'one' on a machine with version 2."""
    settings = Settings(parse(["--root", str(tmp_path), "verb"], FLAGS, mixed=False))
    made = Container(settings, "one")
    made._layout = Layout.detect(cgroup_machine("v2"))
    return made


def placed_at(path: str) -> Any:
    """Return a config.json with a cgroupsPath."""
    spec = {"linux": {"cgroupsPath": path}}
    fit(spec, SPEC)
    return spec


@pytest.mark.parametrize("wanted, path", [("/a/b", "/a/b"), ("/a//b/.", "/a/b"), ("/", "/"), ("a", "BASE/a"), ("", "BASE/one")])
def test_an_absolute_path_counts_from_the_mount_point(
    container: Container, monkeypatch: pytest.MonkeyPatch, wanted: str, path: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    base = cgroup._bases(container.layout)[0]
    assert cgroup.cgroup_path(placed_at(wanted), container, container.settings) == path.replace("BASE", base)


def test_a_user_who_may_make_cgroups_in_the_own_one_alone_makes_them_there(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    (unified,) = container.layout.hierarchies
    object.__setattr__(unified, "own", "/delegated")
    (Path(unified.mount) / "delegated").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda path, _: path == f"{unified.mount}/delegated")
    assert cgroup.cgroup_path(placed_at("a"), container, container.settings) == "/delegated/a"
    monkeypatch.setattr("os.access", lambda *_: True)
    assert cgroup.cgroup_path(placed_at("a"), container, container.settings) == "/a"


@pytest.mark.parametrize("wanted", ["/..", "/a/../../b", "../a"])
def test_no_path_leads_up(container: Container, wanted: str) -> None:
    with pytest.raises(BadInput, match=r"expected a path without \.\."):
        cgroup.cgroup_path(placed_at(wanted), container, container.settings)


def test_an_ordinary_user_without_a_cgroup_of_its_own_makes_none(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert cgroup.cgroup_path(placed_at(""), container, container.settings) == ""


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
    with pytest.raises(BadInput, match=r"a/\.\./b is not a sub cgroup path"):
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


def test_scopes_have_their_form(tmp_path: Path) -> None:
    (tmp_path / "systemd/system").mkdir(parents=True)
    with pytest.raises(BadInput, match="expected SLICE:PREFIX:NAME"):
        systemd.scope_path("/a/b", "one", str(tmp_path))
    assert systemd.scope_path("user.slice::x", "one", str(tmp_path)) == "/user.slice/x.scope"


def test_systemd_makes_cgroups_where_it_runs(recording: Recording, recorded: Paths) -> None:
    if recording.systemd:
        assert systemd.scope_path("", "one", recorded.run) == "/system.slice/mydocker-one.scope"
        return
    with pytest.raises(Unsupported, match="systemd is not running"):
        systemd.scope_path("", "one", recorded.run)


# Where the recorder was, in the hierarchy that counts, and with version 2 what is above; where nothing is said, at the top.
SERVICE = "/system.slice/kernel-command-line.service"
BASE = {"hybrid": "/outer/inner", "systemd-v1": SERVICE, "systemd-hybrid": SERVICE, "systemd-v2": "/system.slice"}


def test_a_relative_path_counts_from_the_callers_cgroup_or_the_one_above(
    recording: Recording, recorded: Paths, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    container._layout = Layout.detect(recorded)
    path = cgroup.cgroup_path(placed_at(""), container, container.settings)
    assert path == f"{BASE.get(recording.name, '')}/one"
    assert recording.closed or Path(cgroup.freezer_file(container.layout, "/mydocker")).exists()
