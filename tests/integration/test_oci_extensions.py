"""What runc and crun have beyond the specification and their callers use: flags, annotations, the socket of systemd."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from bundles import Runtime
from changes import both, created, linux, namespace, refused

KEEP = {"run.oci.keep_original_groups": "1"}


@pytest.mark.parametrize("is_relative", [False, True])
def test_config_names_another_file_than_the_bundles_own(any_runtime: Runtime, is_relative: bool) -> None:
    any_runtime.leave_out("runc", "has no --config")
    if is_relative:
        any_runtime.leave_out("crun", "is not where the caller is when it reads the file")
    bundle = Path(any_runtime.bundle("echo", "other"))
    other = (bundle / "config.json").rename(bundle / "other.json")
    result = any_runtime("run", "--config", os.path.relpath(other) if is_relative else str(other), "--bundle", str(bundle), "one")
    assert (result.rc, result.stdout) == (0, "other\n")


def test_delete_all_whose_ids_fit_an_expression(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "has no --regex")
    for name in ("web-1", "web-2", "data"):
        assert any_runtime("run", "--detach", "--bundle", any_runtime.bundle("sleep", "1000"), name).rc == 0
    assert any_runtime("delete", "--force", "--regex", "eb-[0-9]$").rc == 0
    assert any_runtime("list", "-q").stdout.split() == ["data"]
    assert any_runtime("delete", "--regex", "web").rc == 0, "none is no error"


def test_delete_with_an_expression_goes_on_past_one_that_cannot_be_deleted(oci: Runtime) -> None:
    created(oci)
    assert oci("run", "--detach", "--bundle", oci.bundle("sleep", "1000"), "other").rc == 0
    result = oci("delete", "--regex", "o")
    assert result.rc == 1
    assert "cannot delete container other that is not stopped: running" in result.stderr
    assert oci("list", "-q").stdout.split() == ["other"]
    assert "--regex '(': missing )" in oci("delete", "--regex", "(").stderr


@pytest.mark.parametrize("users", [False, True])
def test_the_annotation_that_keeps_the_groups_of_the_caller(any_runtime: Runtime, users: bool) -> None:
    any_runtime.leave_out("runc", "does not know it")
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    change = both(lambda spec: spec.update(annotations=KEEP), lambda spec: spec["process"]["user"].update(additionalGids=[7]))
    if users:
        change = both(change, namespace("user"), linux(uidMappings=mapped, gidMappings=mapped))
    bundle = any_runtime.bundle("grep", "^Groups", "/proc/self/status", change=change)
    result = any_runtime("run", "--bundle", bundle, "one", prefix="setpriv --groups 100003,100004")
    # A group that is not mapped looks like 65534 inside; these two are 3 and 4 there.
    assert result.stdout.split() == ["Groups:", *(["3", "4"] if users else ["100003", "100004"])], result.stderr


def test_a_domain_name_may_be_given_twice_if_it_is_the_same(oci: Runtime) -> None:
    def change(domain: str) -> Any:
        return lambda spec: spec.update(domainname=domain, linux={**spec["linux"], "sysctl": {"kernel.domainname": "example.org"}})

    assert oci.run("cat", "/proc/sys/kernel/domainname", change=change("example.org")).stdout == "example.org\n"
    assert "expected the property domainname alone" in refused(oci, change("example.com"))


def test_features_tell_the_version_of_libseccomp(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "has no features")
    version = json.loads(any_runtime("features").stdout)["annotations"]["io.github.seccomp.libseccomp.version"]
    assert len(version.split(".")) == 3 and all(part.isdigit() for part in version.split("."))


def test_a_namespace_that_cannot_be_reached_is_refused_with_the_reason(oci: Runtime, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "not a directory" in refused(oci, namespace("network", path=f"{tmp_path}/file/net"))
    assert "no such file" in refused(oci, namespace("network", path=f"{tmp_path}/net"))
