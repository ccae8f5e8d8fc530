"""Every step has a reason in both languages, under a name that leads to its code."""

from __future__ import annotations

import ast
import importlib
import marshal
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mydocker
from mydocker import explaining, messages, reasons
from mydocker.kernel.channel import LIMIT, Channel, packed
from mydocker.steps.base import Action, Run, Step
from mydocker.steps.files import MakeDir, WriteFile
from mydocker.steps.process import Exec

REPOSITORY = Path(__file__).resolve().parents[2]
CVE = re.compile(r"CVE-\d{4}-\d+")
NAMES_AN_ATTACK = re.compile(r"CVE-|\brace\b|\battack|竞态|攻击")


def steps(above: type[Step] = Step) -> Iterator[type[Step]]:
    """Yield every step class that can be applied, except Action, whose reasons are those of the functions that make one."""
    for kind in above.__subclasses__():
        is_whole = kind.apply is not Step.apply and kind.describe is not Step.describe
        if is_whole and kind is not Action and kind.__module__.startswith("mydocker."):
            yield kind
        yield from steps(kind)


def class_names() -> list[str]:
    for module in pkgutil.walk_packages(mydocker.__path__, "mydocker."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return sorted({f"{kind.__module__}.{kind.__qualname__}".removeprefix("mydocker.") for kind in steps()})


def makers(path: Path) -> Iterator[str]:
    """Yield the name of each function of a module that makes an Action, such as 'network.bridge.BridgeDriver.delete'."""
    tree = ast.parse(path.read_text())
    if not any(isinstance(node, ast.ImportFrom) and "Action" in [each.name for each in node.names] for node in ast.walk(tree)):
        return
    module = ".".join(path.relative_to(REPOSITORY / "mydocker").with_suffix("").parts)
    for outer in tree.body:
        members = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        for member in members:
            calls = [node.func for node in ast.walk(member) if isinstance(node, ast.Call)]
            if isinstance(member, ast.FunctionDef) and any(isinstance(call, ast.Name) and call.id == "Action" for call in calls):
                yield ".".join([module, *([outer.name] if isinstance(outer, ast.ClassDef) else []), member.name])


MAKERS = sorted({name for path in (REPOSITORY / "mydocker").rglob("*.py") for name in makers(path)})
ORIGINS = sorted({*class_names(), *MAKERS})


def written(table: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in table.items():
        yield from [above + name] if isinstance(value, list) else written(value, f"{above}{name}.")


EVERY = [(origin, each) for origin in sorted(written(reasons._table())) for each in reasons.of(origin)]


def test_there_are_steps_of_both_kinds() -> None:
    assert "steps.pivot.PivotRoot" in ORIGINS and "network.bridge.BridgeDriver.delete" in MAKERS
    assert not {"steps.links.LinkStep", "steps.base.Action"} & {*ORIGINS}


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_step_has_a_reason_whatever_its_words_are(origin: str) -> None:
    assert not reasons.of(origin)[-1].match


def test_no_reason_is_for_a_step_that_is_not_there() -> None:
    assert sorted(written(reasons._table())) == ORIGINS


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_place_is_where_the_name_is_defined(origin: str) -> None:
    path, _, line = reasons.place(origin).rpartition(":")
    assert re.match(rf"\s*(class|def) {origin.rpartition('.')[2]}\b", (REPOSITORY / path).read_text().split("\n")[int(line) - 1])


@pytest.mark.parametrize(("origin", "why"), EVERY, ids=[f"{origin} {why.match}" for origin, why in EVERY])
def test_a_reason_says_the_same_in_both_languages(origin: str, why: reasons.Reason) -> None:
    assert why.kind in reasons.KINDS
    assert why.en.isascii() and why.en.endswith(".") and 30 < len(why.en) < 330
    assert why.zh.endswith("。") and 15 < len(why.zh) < 180
    assert not re.search(r"[一-鿿][,.:;?!]", why.zh), "punctuation between Chinese characters is full width"
    assert CVE.findall(why.en) == CVE.findall(why.zh)
    re.compile(why.match)


@pytest.mark.parametrize(("origin", "why"), EVERY, ids=[f"{origin} {why.match}" for origin, why in EVERY])
def test_what_names_an_attack_or_a_race_points_to_its_test(origin: str, why: reasons.Reason) -> None:
    assert why.test or not NAMES_AN_ATTACK.search(why.en + why.zh)
    assert not why.test or (REPOSITORY / why.test).is_file()
    for name in CVE.findall(why.en) if why.test else []:
        told = (REPOSITORY / why.test).read_text() + (REPOSITORY / "HACKING.md").read_text()
        assert name in told or name.lower().replace("-", "_") in told


def test_the_reason_depends_on_what_the_step_does() -> None:
    def why(step: Step) -> reasons.Reason:
        return reasons.reason(explaining.planned("monitor", step))

    assert "children could escape" in why(WriteFile("/sys/fs/cgroup/pids/a/cgroup.procs", "7")).en
    assert why(WriteFile("/proc/7/uid_map", "0 1 1")).kind == "namespaces"
    assert why(MakeDir("/sys/fs/cgroup/pids/a")).kind == "limits" != why(MakeDir("/var/lib/mydocker")).kind


def test_a_warning_has_no_reason_and_no_place() -> None:
    warning = explaining.said("monitor", "not cleaned up: x")
    assert reasons.reason(warning).kind == "warning" and not reasons.place(warning["origin"])


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "", "LC_ALL": ""}, "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de:zh:en"}, "zh"),
        ({"LC_ALL": "zh_CN.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "zh"}, "zh"),  # as with glibc 2.36, to which C.UTF-8 is not C
        ({"LANG": "C", "LANGUAGE": "zh"}, "en"),
        ({"LC_ALL": "POSIX", "LANG": "zh_CN.UTF-8", "LANGUAGE": "zh"}, "en"),
        ({"LANGUAGE": "zh"}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(environment: dict[str, str], language: str) -> None:
    assert reasons.language(environment) == language


def test_what_was_done_is_told_with_its_time_and_its_process(tmp_path: Path) -> None:
    heard: list[Any] = []
    run = Run("cli", explaining.observer(heard.append, "cli"))
    run.execute([MakeDir(f"{tmp_path}/one"), MakeDir(f"{tmp_path}/two")])
    messages.watch(None)
    assert [each["step"].split()[0] for each in heard] == ["mkdir", "mkdir"]
    assert heard[0]["at"] + heard[0]["seconds"] <= heard[1]["at"] and heard[0]["pid"] == explaining.pid_on_host()
    assert {each["origin"] for each in heard} == {"steps.files.MakeDir"}


def test_messages_are_told_until_the_program_runs() -> None:
    heard: list[Any] = []
    ours, theirs = Channel.pair()
    explaining.watch(heard.append, "monitor", messages.START)
    ours.send(messages.GO)
    theirs.receive()
    ours.send(messages.OUTPUT, b"what is written is nothing of a start")
    ours.send(messages.STARTED)
    ours.send(messages.GO)
    ours.close()
    theirs.close()
    told = [(each["message"], each["step"]) for each in heard]
    assert told == [("receive", "START"), ("send", "GO"), ("receive", "GO"), ("send", "STARTED")]
    assert [each["at"] for each in heard] == sorted(each["at"] for each in heard)


def test_a_step_with_a_long_line_fits_into_a_message() -> None:
    told = explaining.planned("init", Exec(["echo", "鲸" * 100_000], []))
    payload = packed(told)
    assert len(payload) < LIMIT and marshal.loads(payload) == told
