"""Each MUST of the specification in bundle.md, runtime.md and features.md: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from bundles import Runtime
from changes import (
    SHELL,
    cgroup_of,
    created,
    refused,
    stopped,
)
from conftest import wait_until

# bundle.md


def test_bundle_format_config_json_is_in_the_root_of_the_bundle(any_runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert any_runtime("create", "--bundle", str(tmp_path / "empty"), "one").rc != 0
    assert any_runtime("list", "-q").stdout == ""


# runtime.md


def test_state_has_all_properties(any_runtime: Runtime) -> None:
    state = created(any_runtime, change=lambda spec: spec.update(annotations={"org.example.key": "value"}))
    assert state["ociVersion"].startswith("1.")
    assert (state["id"], state["status"], state["annotations"]["org.example.key"]) == ("one", "created", "value")
    assert os.path.exists(f"/proc/{state['pid']}")
    assert os.path.isabs(state["bundle"])


def test_lifecycle_step_2_the_program_is_not_run_by_create_and_changes_come_too_late(any_runtime: Runtime) -> None:
    bundle = any_runtime.bundle("sh", "-c", "echo first > /tmp/it; sleep 1000")
    assert any_runtime("create", "--bundle", bundle, "one").rc == 0
    pid = any_runtime.state("one")["pid"]
    config = Path(bundle, "config.json")
    config.write_text(config.read_text().replace("first", "second"))
    assert not Path(f"/proc/{pid}/root/tmp/it").exists()
    assert any_runtime("start", "one").rc == 0
    it = Path(f"/proc/{pid}/root/tmp/it")
    wait_until(lambda: it.exists() and it.read_text())
    assert it.read_text() == "first\n"


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_lifecycle_a_failing_hook_before_start_is_an_error_that_undoes_the_container(any_runtime: Runtime, kind: str) -> None:
    refused(any_runtime, lambda spec: spec.update(hooks={kind: [{"path": "/bin/false"}]}))


def test_lifecycle_a_failing_start_container_hook_stops_the_container(any_runtime: Runtime) -> None:
    created(any_runtime, change=lambda spec: spec.update(hooks={"startContainer": [{"path": "/bin/false"}]}))
    any_runtime("start", "one")
    wait_until(lambda: any_runtime.state("one")["status"] == "stopped")


def test_lifecycle_a_failing_poststop_hook_is_a_warning_and_the_others_run(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 stops at the first")
    any_runtime.leave_out("crun", "does not always run the second")
    hooks = [{"path": "/bin/false"}, {"path": "/bin/touch", "args": ["touch", str(tmp_path / "second")]}]
    created(any_runtime, change=lambda spec: spec.update(hooks={"poststop": hooks}))
    stopped(any_runtime)
    assert any_runtime("delete", "one").rc == 0
    assert (tmp_path / "second").exists()
    assert any_runtime("list", "-q").stdout == ""


@pytest.mark.parametrize("verb", ["state", "create", "start", "kill", "delete"])
def test_operations_need_an_id(any_runtime: Runtime, verb: str) -> None:
    assert any_runtime(verb).rc != 0


@pytest.mark.parametrize("verb", ["state", "start", "kill", "delete"])
def test_operations_on_a_container_that_does_not_exist_are_errors(any_runtime: Runtime, verb: str) -> None:
    assert any_runtime(verb, "nothing").rc != 0


def test_create_the_id_is_unique_and_the_first_stays(any_runtime: Runtime) -> None:
    pid = created(any_runtime)["pid"]
    assert any_runtime("create", "--bundle", any_runtime.bundle("sleep", "1000"), "one").rc != 0
    state = any_runtime.state("one")
    assert (state["pid"], state["status"]) == (pid, "created")


@pytest.mark.parametrize("name", ["a/b", "..", "a b"])
def test_create_an_invalid_id_is_an_error(any_runtime: Runtime, name: str) -> None:
    if name == "a b":
        any_runtime.leave_out("crun", "takes a blank")
    assert any_runtime("create", "--bundle", any_runtime.bundle("true"), name).rc != 0


def test_start_of_what_is_not_created_is_an_error_without_effect(any_runtime: Runtime) -> None:
    pid = created(any_runtime)["pid"]
    assert any_runtime("start", "one").rc == 0
    assert any_runtime("start", "one").rc != 0
    state = any_runtime.state("one")
    assert (state["pid"], state["status"]) == (pid, "running")
    stopped(any_runtime)
    assert any_runtime("start", "one").rc != 0


def test_start_without_a_process_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "ends by a signal")
    bundle = any_runtime.bundle("true", change=lambda spec: spec.pop("process"))
    assert any_runtime("create", "--bundle", bundle, "one").rc != 0 or any_runtime("start", "one").rc != 0


def test_kill_sends_the_signal_and_a_container_that_stopped_is_an_error(any_runtime: Runtime) -> None:
    created(any_runtime, *SHELL, "trap 'echo got > /tmp/it' USR1; echo > /tmp/ready; while :; do sleep 0.02; done")
    assert any_runtime("start", "one").rc == 0
    root = Path(f"/proc/{any_runtime.state('one')['pid']}/root/tmp")
    wait_until((root / "ready").exists)
    assert any_runtime("kill", "one", "USR1").rc == 0
    wait_until((root / "it").exists)
    stopped(any_runtime)
    assert any_runtime("kill", "one", "TERM").rc != 0


def test_delete_of_what_runs_is_an_error_without_effect(any_runtime: Runtime) -> None:
    created(any_runtime)
    assert any_runtime("start", "one").rc == 0
    assert any_runtime("delete", "one").rc != 0
    assert any_runtime.state("one")["status"] == "running"


def test_delete_removes_what_create_made_and_nothing_else_and_the_id_is_free(any_runtime: Runtime, needs_controllers: None) -> None:
    state = created(any_runtime)
    cgroup = cgroup_of(any_runtime, "pids")
    stopped(any_runtime)
    assert any_runtime("delete", "one").rc == 0
    assert not cgroup.exists()
    assert Path(any_runtime.rootfs, "bin").is_dir()
    assert Path(state["bundle"], "config.json").exists()
    created(any_runtime)


# features.md


def test_features_document(oci: Runtime) -> None:
    told = json.loads(oci("features").stdout)
    assert told["ociVersionMin"] <= told["ociVersionMax"]
    assert told["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    assert {"rro", "idmap", "tmpcopyup", "rbind"} <= set(told["mountOptions"])
    assert set(told["linux"]["namespaces"]) == {"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"}
    assert {"SCMP_ACT_NOTIFY", "SCMP_ACT_ERRNO"} <= set(told["linux"]["seccomp"]["actions"])
    assert told["linux"]["cgroup"]["v1"] and told["linux"]["cgroup"]["v2"]
