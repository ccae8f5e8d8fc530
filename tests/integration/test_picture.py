"""The picture in README shows the steps that a start has today. Its times are those of the machine that drew it."""

from __future__ import annotations

import html
import re

import pytest
from conftest import REPOSITORY, Machine

# What differs from one start to the next: digits of ids, addresses and pids, the names of the container and of the bridge.
# Words that are too long for a picture are cut, wherever that is: so overlay's options, which have paths, are left out.
DIFFERS = (
    (r" data lowerdir=.*", ""),
    (r"master \S+", "master BRIDGE"),
    (r"[0-9a-f]*[0-9][0-9a-f]*", "N"),
    (r"claim the name \S+", "claim the name NAME"),
)


def steps(picture: str, root: str, state: str) -> set[str]:
    """Return the steps of a picture without their times. Those on cgroups are left out: they are a machine's own."""
    found = set()
    for title in re.findall(r"<title>[0-9.]+ ms  ([^<]*)</title>", picture):
        step = html.unescape(title).replace(root, "ROOT").replace(state, "STATE")
        for pattern, name in DIFFERS:
            step = re.sub(pattern, name, step)
        if "cgroup" not in step:
            found.add(step)
    return found


def test_the_picture_in_readme_has_the_steps_of_a_start(mydocker: Machine, storage: str) -> None:
    if storage != "overlay":
        pytest.skip("the picture shows overlay")
    mydocker("run", "--rm", "busybox", "true")
    drawn = mydocker("--explain=svg", "run", "--rm", "busybox", "true", env={"LC_ALL": "C"}).stdout
    shown = (REPOSITORY / "docs/start.svg").read_text()
    today = steps(drawn, f"{mydocker.directory}/root", f"{mydocker.directory}/state")
    committed = steps(shown, "/var/lib/mydocker", "/run/mydocker")
    assert len(today) > 80
    assert committed == today, "draw it anew: packaging/picture"


def test_the_time_in_both_readmes_is_the_pictures() -> None:
    shown = (REPOSITORY / "docs/start.svg").read_text()
    took = re.search(r">([0-9.]+) ms in all<", shown)
    assert took
    patterns = {"README.md": r"A start of ([0-9]+) ms", "README.zh.md": r"一次 ([0-9]+) 毫秒的启动"}
    found = [re.search(pattern, (REPOSITORY / name).read_text()) for name, pattern in patterns.items()]
    assert [each and each[1] for each in found] == [f"{float(took[1]):.0f}"] * 2
