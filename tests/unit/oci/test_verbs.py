"""What the verbs make of their arguments, without any container."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mydocker import leanjson
from mydocker.cgroups.layout import Layout
from mydocker.cgroups.manager import manager
from mydocker.cgroups.resources import RESOURCES, merged
from mydocker.errors import BadInput
from mydocker.oci import create, entry, events, execute, features, figures, life, privileges, sealing, template, update
from mydocker.oci.arguments import parse
from mydocker.oci.settings import FLAGS, Settings
from mydocker.oci.verbs import VERBS, usage
from mydocker.paths import Paths
from mydocker.runtime.spec import PROCESS, SPEC
from mydocker.shape import fit

if TYPE_CHECKING:
    from tests.unit.conftest import Recording


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_a_function_and_flags(name: str) -> None:
    verb = VERBS[name]
    module = __import__(f"mydocker.oci.{verb.module}", fromlist=[name])
    assert callable(getattr(module, verb.function))
    parse([], getattr(module, verb.flags))
    assert f"  {name:8} " in usage()


@pytest.mark.parametrize(
    "words, message",
    [
        (["nosuch"], "unknown command 'nosuch'"),
        (["checkpoint", "--image-path", "x", "one"], "checkpoint: mydocker-oci neither makes nor restores checkpoints"),
        (["--log-format", "xml", "list"], "log format 'xml'"),
        (["--cgroup-manager", "hand", "list"], "cgroup manager 'hand'"),
        (["--rootless", "perhaps", "list"], "--rootless 'perhaps'"),
        (["state"], "expected 1 argument, got 0"),
        (["exec", "--user", "root", "one", "sh"], "container does not exist"),
    ],
)
def test_errors_are_one_line_with_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert entry.command_line(["--root", str(tmp_path), *words]) == (255 if "exec" in words else 1)
    captured = capsys.readouterr().err
    assert captured.startswith("mydocker-oci: ")
    assert message in captured
    assert len([line for line in captured.splitlines() if not line.startswith("hint: ")]) == 1


def test_errors_go_to_the_log_too(tmp_path: Path) -> None:
    for kind in ("json", "text"):
        log = tmp_path / kind
        assert entry.command_line(["--root", str(tmp_path), "--log", str(log), "--log-format", kind, "start", "one"]) == 1
        assert "container does not exist: 'one'" in log.read_text().replace('\\"', '"')
    assert json.loads((tmp_path / "json").read_text())["level"] == "error"


@pytest.mark.parametrize("text, number", [("9", 9), ("0", 0), ("KILL", 9), ("SIGTERM", 15), ("usr1", 10), ("SIGRTMIN+1", 35)])
def test_signals(text: str, number: int) -> None:
    assert life.signal_number(text) == number


@pytest.mark.parametrize("text", ["65", "SIGMOON", "", "TERM+x", "-9"])
def test_no_signals(text: str) -> None:
    with pytest.raises(BadInput, match="unknown signal"):
        life.signal_number(text)


@pytest.mark.parametrize("text, value", [("5s", 5), ("1m30s", 90), ("500ms", 0.5), ("1.5h", 5400)])
def test_durations(text: str, value: float) -> None:
    assert events.seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", "0s", "-1s", "5x", "1..5s", ".s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(BadInput, match="--interval"):
        events.seconds(text)


def test_resources_by_flags_and_by_file(tmp_path: Path) -> None:
    words = ["--memory", "1000", "--memory-swap", "-1", "--cpuset-cpus", "0-1", "--pids-limit=5", "one"]
    assert update.wanted(parse(words, update.UPDATE)) == {
        "memory": {"limit": 1000, "swap": -1},
        "cpu": {"cpus": "0-1"},
        "pids": {"limit": 5},
    }
    (tmp_path / "r.json").write_text('{"pids": {"limit": 7}}')
    assert update.wanted(parse(["-r", str(tmp_path / "r.json"), "one"], update.UPDATE)) == {"pids": {"limit": 7}}
    for text, size in (("50M", 50 << 20), ("1gib", 1 << 30), ("2Kb", 2048), ("7b", 7), ("-1", -1)):
        assert update.wanted(parse(["--memory", text, "one"], update.UPDATE)) == {"memory": {"limit": size}}
    for bad in (["one"], ["--memory", "1x", "one"], ["--memory", "m", "one"], ["--pids-limit", "1k", "one"], ["--cpu-quota", "²", "one"]):
        with pytest.raises(BadInput, match="expected"):
            update.wanted(parse(bad, update.UPDATE))


def test_an_update_keeps_what_it_does_not_name() -> None:
    old: Any = {"memory": {"limit": 1, "swap": 2}, "pids": {"limit": 3}}
    named = whole({"memory": {"limit": 9}, "cpu": None}, RESOURCES)
    assert merged(old, named) == {"memory": {"limit": 9, "swap": 2}, "pids": {"limit": 3}}


def whole(document: Any, shape: Any) -> Any:
    """Return a document with all that has a default."""
    fit(document, shape)
    return document


OWN = whole(
    {"args": ["init"], "cwd": "/w", "env": ["A=1"], "user": {"uid": 5, "gid": 6}, "capabilities": {"bounding": ["CAP_KILL"]}}, PROCESS
)


def test_exec_by_words() -> None:
    words = ["-e", "B=2", "-u", "7", "-g", "9", "--cap", "CAP_CHOWN", "--cwd", "/x", "--process-label", "l", "-t", "one", "ls", "-l"]
    process = execute.wanted_process(OWN, parse(words, execute.EXEC, mixed=False))
    assert (process["args"], process["env"], process["cwd"]) == (["ls", "-l"], ["A=1", "B=2"], "/x")
    assert (process["terminal"], process["selinuxLabel"]) == (True, "l")
    assert process["user"] == {"uid": 7, "gid": 6, "additionalGids": [9]}
    assert process["capabilities"] == {
        kind: [*more, "CAP_CHOWN"] for kind, more in (("bounding", ["CAP_KILL"]), ("effective", []), ("permitted", []))
    }


def test_exec_by_file_takes_from_the_container_what_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"args": ["id"], "cwd": "/"}')
    process = execute.wanted_process(OWN, parse(["-p", str(tmp_path / "p.json"), "one"], execute.EXEC, mixed=False))
    assert process == whole({"args": ["id"], "cwd": "/", "capabilities": OWN["capabilities"], "terminal": False}, PROCESS)


@pytest.mark.parametrize("user", ["root", "1:2:3", "1:x", ""])
def test_exec_users_are_numbers(user: str) -> None:
    words = parse(["--user", user, "-g", "5", "one", "sh"], execute.EXEC, mixed=False)
    if user:
        with pytest.raises(BadInput, match="expected UID"):
            execute.wanted_process(OWN, words)
    else:
        assert execute.wanted_process(OWN, words)["user"]["uid"] == 5


def test_capabilities_that_cannot_be_granted_are_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "available", lambda: ["CAP_CHOWN", "CAP_KILL"])
    log = tmp_path / "log"
    settings = Settings(parse(["--root", str(tmp_path), "--log", str(log), "verb"], FLAGS, mixed=False))
    asked = {"bounding": ["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_MOON"], "permitted": ["CAP_KILL"], "ambient": ["CAP_KILL"]}
    given = privileges.grantable(whole({"capabilities": asked}, PROCESS), False, settings)["capabilities"]
    assert given == {"bounding": ["CAP_CHOWN"], "permitted": ["CAP_KILL"], "ambient": []}
    assert "bounding capabilities that cannot be granted here: CAP_SYS_ADMIN CAP_MOON" in log.read_text()
    own = whole({"capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}, PROCESS)
    assert privileges.grantable(own, True, settings)["capabilities"]["bounding"]


@pytest.mark.parametrize(
    "change, joins, exposed",
    [
        ({}, False, False),
        ({"bounding": ["CAP_SYS_PTRACE"]}, False, False),
        ({"bounding": ["CAP_SYS_PTRACE"]}, True, True),
        ({"bounding": ["CAP_SYS_PTRACE"], "kinds": ["mount"]}, False, True),
        ({"bounding": ["CAP_SYS_PTRACE"], "kinds": ["mount", "user"]}, True, False),
        ({"hooks": {"startContainer": [{"path": "/x"}]}}, False, True),
    ],
)
def test_who_could_look_into_the_interpreter(change: dict[str, Any], joins: bool, exposed: bool) -> None:
    kinds = change.get("kinds", ["mount", "pid"])
    spec = {
        "linux": {"namespaces": [{"type": kind} for kind in kinds]},
        "process": {"capabilities": {"bounding": change.get("bounding", [])}},
        "hooks": change.get("hooks"),
    }
    assert sealing.is_exposed(whole(spec, SPEC), joins) == exposed


def test_listening_descriptors_go_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "0")
    assert create.preserved_descriptors(parse(["one"], create.CREATE), whole({}, PROCESS)) == 0
    monkeypatch.setenv("LISTEN_FDS", "99")
    with pytest.raises(BadInput, match=r"--preserve-fds 99: descriptor .* is not open"):
        create.preserved_descriptors(parse(["one"], create.CREATE), whole({}, PROCESS))


V1 = {
    "cpu,cpuacct/x/cpuacct.usage": "9000\n",
    "cpu,cpuacct/x/cpuacct.usage_user": "5000\n",
    "cpu,cpuacct/x/cpuacct.usage_sys": "4000\n",
    "cpu,cpuacct/x/cpuacct.usage_percpu": "6000 3000\n",
    "cpu,cpuacct/x/cpu.stat": "nr_periods 7\nnr_throttled 3\nthrottled_time 11000\n",
    "cpuset/x/cpuset.cpus": "0-1\n",
    "memory/x/memory.usage_in_bytes": "1000\n",
    "memory/x/memory.limit_in_bytes": "2000\n",
    "memory/x/memory.max_usage_in_bytes": "1500\n",
    "memory/x/memory.failcnt": "4\n",
    "memory/x/memory.stat": "cache 100\nrss 5\n",
    "pids/x/pids.current": "4\n",
    "pids/x/pids.max": "max\n",
    "blkio/x/blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\nTotal 30\n",
}
V2 = {
    "x/cpu.stat": "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 7\nnr_throttled 3\nthrottled_usec 11\n",
    "x/cpuset.cpus.effective": "0-1\n",
    "x/memory.current": "1000\n",
    "x/memory.max": "2000\n",
    "x/memory.peak": "1500\n",
    "x/memory.events": "max 4\noom_kill 0\n",
    "x/memory.stat": "anon 5\nfile 100\n",
    "x/pids.current": "4\n",
    "x/pids.max": "max\n",
    "x/io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n",
}


@pytest.mark.parametrize(("machine", "files"), [("comounted", V1), ("v2", V2)])
def test_figures_have_one_shape(own_cgroup_machine: Callable[..., Paths], machine: str, files: dict[str, str]) -> None:
    paths = own_cgroup_machine(machine)
    for name, content in files.items():
        file = Path(paths.cgroup, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    told: Any = figures.figures(manager(Layout.detect(paths), "/x"))
    usage = told["cpu"]["usage"]
    assert (usage["total"], usage["user"], usage["kernel"]) == (9000, 5000, 4000)
    assert told["cpu"]["throttling"] == {"periods": 7, "throttledPeriods": 3, "throttledTime": 11000}
    assert told["memory"]["usage"] == {"limit": 2000, "usage": 1000, "max": 1500, "failcnt": 4}
    assert told["memory"]["cache"] == 100
    assert told["pids"] == {"current": 4, "limit": 0}
    assert told["cpuset"]["cpus"] == [0, 1]
    assert told["blkio"]["ioServiceBytesRecursive"][0] == {"major": 8, "minor": 0, "op": "Read", "value": 10}


@pytest.mark.applies.with_args(lambda recording: recording.whole and not recording.closed)
def test_figures_of_an_empty_cgroup(recording: Recording, recorded: Paths) -> None:
    told: Any = figures.figures(manager(Layout.detect(recorded), "/mydocker"))
    for part in ("memory", "pids", "cpuset", "hugetlb"):
        assert bool(told[part]) != (part in recording.lacks), part
    assert "memory" in recording.lacks or told["memory"]["usage"]["usage"] >= 0
    assert "cpuset" in recording.lacks or told["cpuset"]["mems"] in ([], [0])
    assert "hugetlb" in recording.lacks or "2MB" in told["hugetlb"]
    assert told["cpu"]["usage"]["total"] >= 0


@pytest.mark.applies.with_args(lambda recording: recording.whole)
def test_features_name_what_the_host_lacks(recording: Recording, recorded: Paths) -> None:
    told = features.document(recorded)
    lacking = set(told["annotations"]["mydocker.unavailable"].split(","))
    assert {name.removeprefix("cgroup.") for name in lacking if name.startswith("cgroup.")} == recording.lacks
    assert ("systemd-cgroup" in lacking) != recording.systemd
    assert not {name for name in lacking if name.startswith("namespace.")} and "seccomp" not in lacking
    assert ("apparmorProfile" in lacking) != Path(recorded.sys, "module/apparmor").exists()
    assert told["mountOptions"] == sorted(told["mountOptions"])


def test_devices_need_no_controller_where_version_2_is_mounted(own_cgroup_machine: Callable[..., Paths]) -> None:
    for name, lacking in (("5.10-hybrid", False), ("5.10-v1", True)):
        paths = own_cgroup_machine(name)
        mounts = Path(paths.proc, "self/mountinfo")
        mounts.write_text("".join(line for line in mounts.read_text().splitlines(True) if not line.endswith("rw,devices\n")))
        assert ("cgroup.devices" in features.unavailable(paths)) == lacking


def test_the_template_is_a_config_that_is_accepted() -> None:
    from mydocker.oci.bundle import check

    for rootless in (False, True):
        document: Any = template.template(rootless, False)
        check(document)


@pytest.mark.parametrize("unified", [False, True])
def test_the_template_has_a_cgroup_namespace_with_version_2_alone(unified: bool) -> None:
    linux: Any = template.template(False, unified)["linux"]
    assert ({"type": "cgroup"} in linux["namespaces"]) == unified


def test_debug_without_a_log_goes_to_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Settings(parse(["--root", str(tmp_path)], FLAGS)).log("debug", "a step")
    assert capfd.readouterr().err == ""
    Settings(parse(["--root", str(tmp_path), "--debug"], FLAGS)).log("debug", "a step")
    assert capfd.readouterr().err.endswith('level=debug msg="a step"\n')


def test_json_is_written_as_runc_writes_it() -> None:
    assert leanjson.compact({"type": "stats", "list": [1, "é"]}) == '{"type":"stats","list":[1,"\\u00e9"]}'
