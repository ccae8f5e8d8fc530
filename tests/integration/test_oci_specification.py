"""What the runtime specification says with MUST: one test each, named after its section, asked of runc and crun too."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundles import Change, Runtime
from conftest import wait_until

SHELL = ("sh", "-c")


def created(runtime: Runtime, *args: str, change: Change = lambda spec: None) -> dict[str, Any]:
    """Create a container 'one', return its state."""
    result = runtime("create", "--bundle", runtime.bundle(*(args or ("sleep", "1000")), change=change), "one")
    assert result.rc == 0, result.stderr
    return runtime.state("one")


def refused(runtime: Runtime, change: Change) -> str:
    """Expect that a config.json is an error that leaves nothing; return the message."""
    result = runtime("create", "--bundle", runtime.bundle("true", change=change), "one")
    assert result.rc != 0
    assert runtime("list", "-q").stdout == ""
    return str(result.stderr)


def stopped(runtime: Runtime) -> None:
    """Kill 'one' and wait until it is said."""
    assert runtime("kill", "one", "KILL").rc == 0
    wait_until(lambda: runtime.state("one")["status"] == "stopped")


def namespace(kind: str, **more: str) -> Change:
    """Return a change that replaces or adds a namespace."""

    def change(spec: dict[str, Any]) -> None:
        others = [each for each in spec["linux"]["namespaces"] if each["type"] != kind]
        spec["linux"]["namespaces"] = [*others, {"type": kind, **more}]

    return change


def mount(destination: str, *options: str, kind: str = "tmpfs", source: str = "tmpfs", **more: Any) -> Change:
    """Return a change that adds a mount."""
    return lambda spec: spec["mounts"].append(
        {"destination": destination, "type": kind, "source": source, "options": list(options), **more}
    )


def process(**values: Any) -> Change:
    """Return a change of `process`."""
    return lambda spec: spec["process"].update(values)


def linux(**values: Any) -> Change:
    """Return a change of `linux`."""
    return lambda spec: spec["linux"].update(values)


def both(*changes: Change) -> Change:
    """Return several changes as one."""

    def change(spec: dict[str, Any]) -> None:
        for each in changes:
            each(spec)

    return change


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
    any_runtime("delete", "one")
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


def test_delete_removes_what_create_made_and_nothing_else_and_the_id_is_free(any_runtime: Runtime) -> None:
    state = created(any_runtime)
    cgroup = Path(f"/proc/{state['pid']}/cgroup").read_text()
    path = next(line.split(":")[2].rstrip() for line in cgroup.splitlines() if ":pids:" in line)
    stopped(any_runtime)
    assert any_runtime("delete", "one").rc == 0
    assert not Path(f"/sys/fs/cgroup/pids{path}").exists()
    assert Path(any_runtime.rootfs, "bin").is_dir()
    assert Path(state["bundle"], "config.json").exists()
    created(any_runtime)


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


def test_extensibility_unknown_properties_are_ignored(any_runtime: Runtime) -> None:
    assert any_runtime.run("true", change=both(lambda spec: spec.update(moon=1), process(moon={}), linux(moon=[]))).rc == 0


@pytest.mark.parametrize("change", [process(user={"uid": "root", "gid": 0}), lambda spec: spec.update(hostname=5)])
def test_valid_values_others_are_errors(any_runtime: Runtime, change: Change) -> None:
    any_runtime.leave_out("crun", "takes them")
    refused(any_runtime, change)


# config-linux.md


def test_default_filesystems(any_runtime: Runtime) -> None:
    result = any_runtime.run("cut", "-d ", "-f2,3", "/proc/self/mounts")
    for line in ("/proc proc", "/sys sysfs", "/dev/pts devpts"):
        assert line in result.stdout.splitlines()


KINDS = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}


@pytest.mark.parametrize("kind", KINDS)
def test_namespaces_new_ones(any_runtime: Runtime, kind: str) -> None:
    own = os.readlink(f"/proc/self/ns/{KINDS[kind]}")
    assert any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=namespace(kind)).stdout.strip() not in ("", own)


@pytest.mark.parametrize("kind", ["network", "ipc", "uts"])
def test_namespaces_that_are_not_named_are_inherited(any_runtime: Runtime, kind: str) -> None:
    def change(spec: dict[str, Any]) -> None:
        spec["linux"]["namespaces"] = [each for each in spec["linux"]["namespaces"] if each["type"] != kind]
        spec.pop("hostname")
        spec["mounts"] = [each for each in spec["mounts"] if each["type"] != "sysfs"]

    own = os.readlink(f"/proc/self/ns/{KINDS[kind]}")
    assert any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=change).stdout.strip() == own


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts"])
def test_namespaces_by_path(any_runtime: Runtime, kind: str) -> None:
    pid = created(any_runtime)["pid"]
    path = f"/proc/{pid}/ns/{KINDS[kind]}"
    result = any_runtime.run("readlink", f"/proc/self/ns/{KINDS[kind]}", change=namespace(kind, path=path))
    assert result.stdout.strip() == os.readlink(path), result.stderr


def test_namespaces_path_of_another_type_is_an_error(any_runtime: Runtime) -> None:
    refused(any_runtime, namespace("network", path="/proc/self/ns/uts"))


@pytest.mark.parametrize("path", ["proc/self/ns/net", "/no/such/namespace"])
def test_namespaces_path_must_be_absolute_and_exist(any_runtime: Runtime, path: str) -> None:
    refused(any_runtime, namespace("network", path=path))


def test_namespaces_twice_of_a_type_are_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "takes the last")
    refused(any_runtime, lambda spec: spec["linux"]["namespaces"].append({"type": "pid"}))


MAPPING = [{"containerID": 0, "hostID": 100000, "size": 1000}]


def mapped(spec: dict[str, Any]) -> None:
    namespace("user")(spec)
    linux(uidMappings=MAPPING, gidMappings=MAPPING)(spec)


def test_user_namespace_mappings(any_runtime: Runtime) -> None:
    result = any_runtime.run("cat", "/proc/self/uid_map", "/proc/self/gid_map", change=mapped)
    assert result.stdout.split() == ["0", "100000", "1000"] * 2, result.stderr


def test_time_namespace_offsets(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 has no time namespaces")
    any_runtime.leave_out("crun", "1.8 ends without a word here")
    change = both(namespace("time"), linux(timeOffsets={"boottime": {"secs": 1000000, "nanosecs": 0}}))
    own = float(Path("/proc/uptime").read_text().split()[0])
    inside = float(any_runtime.run("cat", "/proc/uptime", change=change).stdout.split()[0])
    assert 999000 < inside - own < 1001000


def test_devices_of_ones_own_with_mode_and_owner(any_runtime: Runtime) -> None:
    devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 5, "gid": 6}]
    devices.append({"path": "/dev/pipe", "type": "p", "fileMode": 0o600})
    result = any_runtime.run("stat", "-c", "%a %u %g %t %T %F", "/dev/mine", "/dev/pipe", change=linux(devices=devices))
    assert result.stdout.splitlines() == ["640 5 6 1 3 character special file", "600 0 0 0 0 fifo"]


def test_default_devices(any_runtime: Runtime) -> None:
    names = "null zero full random urandom tty"
    result = any_runtime.run(*SHELL, f"cd /dev; stat -c '%n %t:%T' {names}; for link in fd stdin stdout stderr; do readlink $link; done")
    assert result.stdout.splitlines()[:6] == ["null 1:3", "zero 1:5", "full 1:7", "random 1:8", "urandom 1:9", "tty 5:0"]
    assert result.stdout.splitlines()[6:] == ["/proc/self/fd", *(f"/proc/self/fd/{number}" for number in range(3))]


def test_network_devices_are_moved_renamed_and_set_up(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    sh = any_runtime.machine.sh
    assert sh("ip link add md-d0 type veth peer name md-d1 && ip address add 10.99.0.5/24 dev md-d0 && ip link set md-d0 mtu 1400").rc == 0
    try:
        change = linux(netDevices={"md-d0": {"name": "inside0"}})
        pid = created(any_runtime, change=change)["pid"]
        assert sh("ip link show md-d0").rc != 0
        shown = sh(f"nsenter --target {pid} --net ip address show inside0").stdout
        assert "10.99.0.5/24" in shown and "mtu 1400" in shown and ",UP" in shown
        assert any_runtime("delete", "--force", "one").rc == 0
    finally:
        sh("ip link delete md-d0 2>/dev/null; true")


def test_network_devices_of_a_create_that_fails_come_back(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    sh = any_runtime.machine.sh
    assert sh("ip link add md-d0 type veth peer name md-d1").rc == 0
    try:
        hooks = {"createRuntime": [{"path": "/bin/false"}]}
        refused(any_runtime, both(linux(netDevices={"md-d0": {"name": "inside0"}}), lambda spec: spec.update(hooks=hooks)))
        assert sh("ip link show md-d0").rc == 0
        assert "'no-such'" in refused(any_runtime, linux(netDevices={"no-such": {}}))
    finally:
        sh("ip link delete md-d0")


def cgroup_of(runtime: Runtime, controller: str) -> Path:
    """Return where 'one' is in the hierarchy of a controller."""
    lines = Path(f"/proc/{runtime.state('one')['pid']}/cgroup").read_text().splitlines()
    path = next(line.split(":", 2)[2] for line in lines if controller in line.split(":")[1].split(","))
    return Path(f"/sys/fs/cgroup/{controller}{path}")


def test_cgroups_path_absolute_is_relative_to_the_mount_point(any_runtime: Runtime, needs_controllers: None) -> None:
    created(any_runtime, change=linux(cgroupsPath="/mydocker/mdoci-of-my-own"))
    assert cgroup_of(any_runtime, "pids") == Path("/sys/fs/cgroup/pids/mydocker/mdoci-of-my-own")


LIMITS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "memory": ({"memory": {"limit": 67108864}}, "memory", "memory.limit_in_bytes", "67108864"),
    "memory_reservation": ({"memory": {"reservation": 33554432}}, "memory", "memory.soft_limit_in_bytes", "33554432"),
    "cpu_shares": ({"cpu": {"shares": 512}}, "cpu", "cpu.shares", "512"),
    "cpu_quota": ({"cpu": {"quota": 20000, "period": 50000}}, "cpu", "cpu.cfs_quota_us", "20000"),
    "cpu_cpus": ({"cpu": {"cpus": "0"}}, "cpuset", "cpuset.cpus", "0"),
    "pids": ({"pids": {"limit": 42}}, "pids", "pids.max", "42"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_control_groups_limits(any_runtime: Runtime, needs_controllers: None, name: str) -> None:
    resources, controller, file, value = LIMITS[name]
    created(any_runtime, change=linux(resources=resources))
    assert (cgroup_of(any_runtime, controller) / file).read_text().strip() == value


def test_control_groups_devices_are_applied_in_the_listed_order(any_runtime: Runtime) -> None:
    device = {"type": "c", "major": 10, "minor": 229}  # fuse
    everything, allowed = {"allow": False, "access": "rwm"}, {"allow": True, **device, "access": "rw"}
    node = linux(devices=[{"path": "/dev/fuse0", **device}])
    for rules, status in (([everything, allowed], 0), ([everything, allowed, {**allowed, "allow": False}], 1)):
        change = both(node, linux(resources={"devices": rules}))
        assert any_runtime.run(*SHELL, ": < /dev/fuse0", change=change).rc == status


def test_control_groups_a_limit_without_its_controller_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 ignores version 2's files on version 1")
    any_runtime.leave_out("crun", "ignores version 2's files on version 1")
    refused(any_runtime, linux(resources={"unified": {"memory.nosuch": "1"}}))


def test_intel_rdt_without_resctrl_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "1.8 ignores it")
    refused(any_runtime, linux(intelRdt={"closID": "x", "l3CacheSchema": "L3:0=f"}))


def test_memory_policy(any_runtime: Runtime) -> None:
    for name in ("runc", "crun"):
        any_runtime.leave_out(name, "older than the specification's version 1.3")
    change = linux(memoryPolicy={"mode": "MPOL_INTERLEAVE", "nodes": "0"})
    result = any_runtime.run(*SHELL, "head -1 /proc/self/numa_maps", change=change)
    if "No such file" in result.stderr:
        pytest.skip("this kernel has no NUMA")
    assert "interleave:0" in result.stdout
    assert "MPOL_MOON" in refused(any_runtime, linux(memoryPolicy={"mode": "MPOL_MOON"}))


def test_sysctl(any_runtime: Runtime) -> None:
    result = any_runtime.run("cat", "/proc/sys/net/core/somaxconn", change=linux(sysctl={"net.core.somaxconn": "99"}))
    assert result.stdout.strip() == "99"


def test_sysctl_of_the_whole_machine_is_an_error(any_runtime: Runtime) -> None:
    refused(any_runtime, linux(sysctl={"kernel.panic": "1"}))


def seccomp(**values: Any) -> Change:
    """Return a change that sets a filter which allows all but what `values` say."""
    return linux(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], **values})


@pytest.mark.parametrize("action, status", [("SCMP_ACT_ERRNO", 1), ("SCMP_ACT_KILL", 128 + 31), ("SCMP_ACT_TRAP", 128 + 31)])
def test_seccomp_actions(any_runtime: Runtime, action: str, status: int) -> None:
    change = seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": action}])
    result = any_runtime.run(*SHELL, "mkdir /tmp/x; exit $?", change=change)
    assert result.rc == status


def test_seccomp_errno_and_arguments(any_runtime: Runtime) -> None:
    arguments = [{"index": 0, "value": 15, "op": "SCMP_CMP_EQ"}]
    change = seccomp(syscalls=[{"names": ["umask"], "action": "SCMP_ACT_KILL", "args": arguments}])
    assert any_runtime.run(*SHELL, "umask 016; umask 017", change=change).rc == 128 + 31
    assert any_runtime.run(*SHELL, "umask 016", change=change).rc == 0
    change = seccomp(syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}])
    assert "No space left" in any_runtime.run("mkdir", "/tmp/x", change=change).stderr


def test_seccomp_names_must_have_an_entry(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "takes it")
    any_runtime.leave_out("crun", "takes it")
    refused(any_runtime, seccomp(syscalls=[{"names": [], "action": "SCMP_ACT_ERRNO"}]))


def test_seccomp_notify_without_a_listener_path_is_an_error(any_runtime: Runtime) -> None:
    any_runtime.leave_out("crun", "takes the annotation")
    refused(any_runtime, seccomp(syscalls=[{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]))


def test_seccomp_the_container_process_state_goes_to_the_listener(any_runtime: Runtime, tmp_path: Path) -> None:
    any_runtime.leave_out("crun", "was built without it")
    got: list[tuple[bytes, list[int]]] = []
    path = str(tmp_path / "agent")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                data, descriptors, _, _ = socket.recv_fds(connection, 65536, 4)
            got.append((data, descriptors))

        agent = threading.Thread(target=accept)
        agent.start()
        change = seccomp(syscalls=[{"names": ["swapon"], "action": "SCMP_ACT_NOTIFY"}], listenerPath=path, listenerMetadata="meta")
        state = created(any_runtime, change=change)
        agent.join(10)
    (data, descriptors) = got[0]
    told = json.loads(data)
    links = [os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    assert (told["fds"], told["metadata"], told["pid"], told["state"]["id"]) == (["seccompFd"], "meta", state["pid"], "one")
    assert links == ["anon_inode:seccomp notify"]


@pytest.mark.parametrize("word", ["shared", "slave", "private", "unbindable"])
def test_rootfs_mount_propagation(any_runtime: Runtime, word: str) -> None:
    if word in ("shared", "unbindable"):
        any_runtime.leave_out("runc", "1.1 keeps it private, and cannot bind what is unbindable")
    result = any_runtime.run("cat", "/proc/self/mountinfo", change=linux(rootfsPropagation=word))
    optional = next(line for line in result.stdout.splitlines() if line.split()[4] == "/").partition(" - ")[0]
    assert ("shared:" in optional, "unbindable" in optional) == (word == "shared", word == "unbindable")


def test_masked_paths(any_runtime: Runtime) -> None:
    result = any_runtime.run(*SHELL, "wc -c < /proc/keys; ls /sys/firmware", change=linux(maskedPaths=["/proc/keys", "/sys/firmware"]))
    assert result.stdout.split() == ["0"]


@pytest.mark.parametrize("key", ["maskedPaths", "readonlyPaths"])
def test_masked_and_readonly_paths_must_be_absolute(any_runtime: Runtime, key: str) -> None:
    any_runtime.leave_out("runc", "takes relative ones")
    any_runtime.leave_out("crun", "takes relative ones")
    refused(any_runtime, linux(**{key: ["proc/sys"]}))


def test_readonly_paths(any_runtime: Runtime) -> None:
    result = any_runtime.run(*SHELL, "echo x > /proc/sys/kernel/hostname", change=linux(readonlyPaths=["/proc/sys"]))
    assert "ead-only" in result.stderr


def test_personality(any_runtime: Runtime) -> None:
    any_runtime.leave_out("runc", "1.1 does not know it")
    assert any_runtime.run("uname", "-m", change=linux(personality={"domain": "LINUX32"})).stdout.strip() == "i686"


# features.md


def test_features_document(oci: Runtime) -> None:
    told = json.loads(oci("features").stdout)
    assert told["ociVersionMin"] <= told["ociVersionMax"]
    assert told["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    assert {"rro", "idmap", "tmpcopyup", "rbind"} <= set(told["mountOptions"])
    assert set(told["linux"]["namespaces"]) == {"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time"}
    assert {"SCMP_ACT_NOTIFY", "SCMP_ACT_ERRNO"} <= set(told["linux"]["seccomp"]["actions"])
    assert told["linux"]["cgroup"]["v1"] and told["linux"]["cgroup"]["v2"]
