"""Each MUST of the runtime specification in config.md: tests named after sections, asked of runc and crun too."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from bundles import Change, Runtime
from changes import (
    SHELL,
    both,
    created,
    linux,
    mount,
    namespace,
    process,
    refused,
    stopped,
    unavailable,
)


def test_process_cwd_must_be_absolute(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "takes a relative one")
    refused(any_runtime, process(cwd="tmp"))


def test_process_cwd_env_and_args(any_runtime: Runtime) -> None:
    change = process(cwd="/tmp", env=["PATH=/bin", "A=b c", "EMPTY="])
    result = any_runtime.run(*SHELL, 'pwd; echo "$A"; echo "${EMPTY-unset}"; echo "$0 $1"', "zero", "a b", change=change)
    assert result.stdout == "/tmp\nb c\n\nzero a b\n"


def test_process_args_must_have_an_entry(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "ends by a signal")
    refused(any_runtime, process(args=[]))


def test_process_user_umask_and_additional_gids(any_runtime: Runtime) -> None:
    change = process(user={"uid": 11, "gid": 12, "additionalGids": [13, 14], "umask": 0o027})
    result = any_runtime.run(*SHELL, "id -u; id -g; id -G; umask", change=change)
    assert [line.split() for line in result.stdout.splitlines()] == [["11"], ["12"], ["12", "13", "14"], ["0027"]]


def test_process_user_username_is_not_for_linux(any_runtime: Runtime) -> None:
    result = any_runtime.run("id", "-u", change=process(user={"uid": 5, "gid": 6, "username": "nobody"}))
    assert result.stdout == "5\n", result.stderr


def test_process_rlimits(any_runtime: Runtime) -> None:
    limits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    result = any_runtime.run(*SHELL, "ulimit -Sn; ulimit -Hn; ulimit -c", change=process(rlimits=limits))
    assert result.stdout.split() == ["100", "200", "0"]


def test_process_rlimits_of_an_unknown_type_are_an_error(any_runtime: Runtime) -> None:
    refused(any_runtime, process(rlimits=[{"type": "RLIMIT_MOON", "soft": 1, "hard": 1}]))


def test_process_rlimits_twice_of_a_type_are_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 takes the last")
    any_runtime.leave_out("crun", "takes the last")
    refused(any_runtime, process(rlimits=[{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2))


def test_process_console_size_is_ignored_without_a_terminal(any_runtime: Runtime) -> None:
    assert any_runtime.run("true", change=process(consoleSize={"height": 10, "width": 20})).rc == 0


def test_process_limits_in_a_user_namespace(any_runtime: Runtime) -> None:
    limits = [{"type": "RLIMIT_NOFILE", "soft": 500, "hard": 600}]
    values = process(oomScoreAdj=100, rlimits=limits)
    mapped = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    change = both(values, namespace("user"), linux(uidMappings=mapped, gidMappings=mapped))
    script = "cat /proc/self/oom_score_adj; ulimit -Hn; exec sleep 1000"
    assert any_runtime.run(*SHELL, script.removesuffix("; exec sleep 1000"), change=change).stdout.split() == ["100", "600"]
    assert any_runtime("run", "--detach", "--bundle", any_runtime.bundle("sleep", "1000", change=change), "one").rc == 0
    wanted = {"args": ["cat", "/proc/self/oom_score_adj"], "cwd": "/", "env": ["PATH=/bin"], "oomScoreAdj": 200}
    Path(f"{any_runtime.directory}/process").write_text(json.dumps(wanted))
    told = any_runtime("exec", "--process", f"{any_runtime.directory}/process", "one").stdout
    assert told == "200\n" or any_runtime.name != "mydocker-oci", "runc and crun do not take it from there"


@pytest.mark.parametrize("value", [None, 77])
def test_process_oom_score_adj(any_runtime: Runtime, value: int | None) -> None:
    own = Path("/proc/self/oom_score_adj").read_text().strip()
    change = process(oomScoreAdj=value) if value is not None else process()
    assert any_runtime.run("cat", "/proc/self/oom_score_adj", change=change).stdout.strip() == (str(value) if value else own)


def test_process_capabilities(any_runtime: Runtime) -> None:
    names = ["CAP_CHOWN", "CAP_KILL"]
    change = process(capabilities={kind: names for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")})
    result = any_runtime.run("grep", "^Cap", "/proc/self/status", change=change)
    assert {line.split()[1] for line in result.stdout.splitlines()} == {"0000000000000021"}


def test_process_capabilities_that_are_unknown_are_ignored(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "refuses them")
    names = ["CAP_CHOWN", "CAP_MOON"]
    result = any_runtime.run("grep", "^CapBnd", "/proc/self/status", change=process(capabilities={"bounding": names}))
    assert result.stdout.split() == ["CapBnd:", "0000000000000001"]


@pytest.mark.parametrize("value", [True, False])
def test_process_no_new_privileges(any_runtime: Runtime, value: bool) -> None:
    result = any_runtime.run("grep", "NoNewPrivs", "/proc/self/status", change=process(noNewPrivileges=value))
    assert result.stdout.split()[1] == str(int(value))


@pytest.mark.parametrize("key", ["apparmorProfile", "selinuxLabel"])
def test_process_labels_that_this_kernel_cannot_give_are_errors(oci: Runtime, key: str) -> None:
    if key not in unavailable(oci):
        pytest.skip("this kernel has it")
    assert "is not enabled in this kernel" in refused(oci, process(**{key: "some-label"}))


def test_process_scheduler(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 does not know it")
    any_runtime.leave_out("crun", "1.8 does not know it")
    change = process(scheduler={"policy": "SCHED_BATCH", "nice": 5})
    assert any_runtime.run("cut", "-d ", "-f19,41", "/proc/self/stat", change=change).stdout.split() == ["5", "3"]


def test_process_io_priority(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 does not know it")
    any_runtime.leave_out("crun", "1.8 does not know it")
    result = any_runtime.run("ionice", "-p", "1", change=process(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 7}))
    assert result.stdout.split() == ["best-effort:", "prio", "7"]


def test_process_exec_cpu_affinity(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 does not know it")
    any_runtime.leave_out("crun", "1.8 does not know it")
    last = max(os.sched_getaffinity(0))
    created(any_runtime, change=process(execCPUAffinity={"initial": "0", "final": str(last)}))
    assert any_runtime("start", "one").rc == 0
    result = any_runtime("exec", "one", "grep", "Cpus_allowed_list", "/proc/self/status")
    assert result.stdout.split()[1] == str(last)


def test_hostname_and_domainname(any_runtime: Runtime) -> None:
    change = both(lambda spec: spec.update(hostname="a.name"), lambda spec: spec.update(domainname="b.example"))
    result = any_runtime.run("cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", change=change)
    any_runtime.leave_out("runc", "1.1 does not know the domainname")
    assert result.stdout.split() == ["a.name", "b.example"]


@pytest.mark.parametrize("key", ["hostname", "domainname"])
def test_hostname_and_domainname_without_a_uts_namespace_would_be_the_hosts(any_runtime: Runtime, key: str) -> None:
    any_runtime.leave_out("crun", "ignores it")
    if key == "domainname":
        any_runtime.leave_out("runc", "1.1 does not know it")

    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != "uts"]
        spec.pop("hostname")
        spec[key] = "somebody"

    refused(any_runtime, change)


HOOK_STATUS = {
    "prestart": "created",
    "createRuntime": "creating",
    "createContainer": "creating",
    "startContainer": "created",
    "poststart": "running",
    "poststop": "stopped",
}


def test_hooks_are_told_the_status_of_their_moment(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 runs those of poststart too early")
    any_runtime.leave_out("crun", "says created from the beginning")
    (tmp_path / "said").mkdir()
    hooks = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > {tmp_path}/said/{kind}"]}] for kind in HOOK_STATUS}
    where = mount(str(tmp_path / "said"), "bind", kind="bind", source=str(tmp_path / "said"))
    created(any_runtime, change=both(where, lambda spec: spec.update(hooks=hooks), lambda spec: spec["root"].update(readonly=False)))
    assert any_runtime("start", "one").rc == 0
    stopped(any_runtime)
    assert any_runtime("delete", "one").rc == 0
    told = {path.name: json.loads(path.read_text()) for path in (tmp_path / "said").iterdir()}
    assert {kind: state["status"] for kind, state in told.items()} == HOOK_STATUS
    assert {state["id"] for state in told.values()} == {"one"}


@pytest.mark.parametrize("verb", ["start", "run"])
def test_hooks_of_poststart_are_told_the_pid_also_of_a_program_that_has_ended(oci: Runtime, tmp_path: Path, verb: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["hooks"] = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >> {tmp_path}/told; echo >> {tmp_path}/told"]}]}

    bundle = oci.bundle("true", change=change)
    for number in range(10):  # Most of these programs end before the hook is told.
        words = ["--bundle", bundle, "--pid-file", f"{tmp_path}/{number}", f"n{number}"]
        if verb == "run":
            assert oci("run", *words).rc == 0
        else:
            assert oci("create", *words).rc == 0
            assert oci("start", f"n{number}").rc == 0
            assert oci("delete", "--force", f"n{number}").rc == 0
    told = [json.loads(line)["pid"] for line in (tmp_path / "told").read_text().splitlines()]
    assert told == [int((tmp_path / str(number)).read_text()) for number in range(10)]


def test_lifecycle_a_failing_poststart_hook_is_an_error_and_the_container_is_destroyed(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("runc", "1.1 runs it at create")
    any_runtime.leave_out("crun", "takes it for a warning, as version 1.0 of the specification had it")
    hooks = {"poststart": [{"path": "/bin/false"}], "poststop": [{"path": "/bin/touch", "args": ["touch", str(tmp_path / "after")]}]}
    pid = created(any_runtime, change=lambda spec: spec.update(hooks=hooks))["pid"]
    assert any_runtime("start", "one").rc != 0
    assert any_runtime("list", "-q").stdout == ""
    assert not os.path.exists(f"/proc/{pid}/exe")
    assert (tmp_path / "after").exists()


@pytest.mark.parametrize("timeout", [0, -1])
def test_hooks_timeout_must_be_greater_than_zero(any_runtime: Runtime, timeout: int) -> None:
    any_runtime.leave_out("runc", "takes it")
    any_runtime.leave_out("crun", "takes it")
    refused(any_runtime, lambda spec: spec.update(hooks={"poststop": [{"path": "/bin/true", "timeout": timeout}]}))


def test_hooks_get_the_state_in_the_listed_order_in_their_namespaces(any_runtime: Runtime, tmp_path: Path) -> None:
    script = tmp_path / "hook"
    script.write_text(f'#!/bin/sh\nread -r state\necho "$1 $(readlink /proc/self/ns/mnt) $state" >> {tmp_path}/log\n')
    script.chmod(0o755)
    hooks = {kind: [{"path": str(script), "args": ["h", kind]}] for kind in ("prestart", "createRuntime", "createContainer")}
    state = created(any_runtime, change=lambda spec: spec.update(hooks=hooks))
    lines = [line.split(" ", 2) for line in (tmp_path / "log").read_text().splitlines()]
    assert [kind for kind, _, _ in lines] == list(hooks)
    spaces = {kind: space for kind, space, _ in lines}
    assert spaces["createContainer"] == os.readlink(f"/proc/{state['pid']}/ns/mnt")
    assert spaces["prestart"] == spaces["createRuntime"] != spaces["createContainer"]
    told = [json.loads(text) for _, _, text in lines]
    assert [each["id"] for each in told] == ["one"] * 3
    assert {each["status"] for each in told} <= {"creating", "created"}


def test_annotations_unknown_keys_are_no_error(any_runtime: Runtime) -> None:
    assert any_runtime.run("true", change=lambda spec: spec.update(annotations={"org.example.unknown": "x"})).rc == 0


@pytest.mark.parametrize("annotations", [{"": "x"}, {"org.example.key": 5}])
def test_annotations_are_texts_with_names(any_runtime: Runtime, annotations: dict[str, Any]) -> None:
    any_runtime.leave_out("crun", "takes them")
    if "" in annotations:
        any_runtime.leave_out("runc", "takes it")
    refused(any_runtime, lambda spec: spec.update(annotations=annotations))


def test_extensibility_unknown_properties_are_ignored(any_runtime: Runtime) -> None:
    assert any_runtime.run("true", change=both(lambda spec: spec.update(moon=1), process(moon={}), linux(moon=[]))).rc == 0


@pytest.mark.parametrize("change", [process(user={"uid": "root", "gid": 0}), lambda spec: spec.update(hostname=5)])
def test_valid_values_others_are_errors(any_runtime: Runtime, change: Change) -> None:
    any_runtime.leave_out("crun", "takes them")
    refused(any_runtime, change)
