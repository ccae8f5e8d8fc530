"""What containers can leave on a machine, by kind: looked at before and after each test.

That is twice for each of a thousand tests, so what files tell is read here, and only ip and nft are started.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from firewall import LIST_RULES
from keeper import users

# What is asked of a shell, and what of each line of the answer counts.
_ASKED: dict[str, tuple[str, Callable[[str], str]]] = {
    "links": ("ip -o link", lambda line: line.split(":")[1].partition("@")[0].strip()),
    "addresses": ("ip -o address", lambda line: _without("tentative", line.partition(":")[2])),
    "routes": ("ip route; ip -6 route", lambda line: _without("linkdown", line)),
    "rules": (LIST_RULES, str),
}
SCRIPT = "; ".join(f"{script}; echo ==" for script, _ in _ASKED.values())
_FORWARDING = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")
# What stays below ROOT and STATE.
_KEPT = re.compile(r"(root|state)/(images|layers|cache|events\.json.*|networks/(.*/)?\..*)")


def snapshot(directory: str, answers: str) -> dict[str, set[str]]:
    """Return everything that a container could leave, by kind.

    directory: that of the tests, where root and state are
    answers: what SCRIPT has printed
    """
    asked = zip(_ASKED.items(), answers.split("==\n"), strict=False)
    return {
        "mounts": {_mount(line) for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()},
        "cgroups": set(_cgroups()),
        **{kind: {keep(line) for line in answer.splitlines()} for (kind, (_, keep)), answer in asked},
        "forwarding": {f"{path} {Path(path).read_text().strip()}" for path in _FORWARDING if os.path.exists(path)},
        "processes": {f"/proc/{pid}/mountinfo" for pid in users(directory, _processes())},
        "files": {path for top in ("root", "state") for path in _files(directory, top)},
        "images": set(_images(f"{directory}/root/images/index.json")),
        "shared memory": {name for place in ("/dev/shm", "/dev/mqueue") if os.path.isdir(place) for name in os.listdir(place)},
    }


def difference(before: dict[str, set[str]], after: dict[str, set[str]]) -> list[str]:
    """Return what is there now and was not, and what was there and is not."""
    lines = []
    for kind, lines_before in before.items():
        lines += [f"{kind}: {line}" for line in sorted(after[kind] - lines_before)]
        lines += [f"{kind}, gone: {line}" for line in sorted(lines_before - after[kind])]
    return lines


def _without(word: str, line: str) -> str:
    """Return a line without a word that comes and goes by itself."""
    return " ".join(each for each in line.split() if each != word)


def _mount(line: str) -> str:
    """Return where something is mounted and what, or '' if the mount came here by propagation: somebody else on this machine made it."""
    return "" if " master:" in line else " ".join(line.split()[4:])


def _cgroups() -> Iterator[str]:
    for path, _, _ in os.walk("/sys/fs/cgroup"):
        if "/mydocker/" in path or os.path.basename(path).startswith(("mdoci-", "mydocker-learn-")):
            yield path


def _processes() -> Iterator[str]:
    """Yield the pids of a hierarchy's cgroups: where a worker has a machine of its own, that is much less than /proc has."""
    tops = ("/sys/fs/cgroup", *sorted(glob.glob("/sys/fs/cgroup/*")))
    top = next((path for path in tops if os.path.exists(f"{path}/cgroup.procs")), "")
    for path, _, _ in os.walk(top) if top else ():
        with suppress(OSError):  # it is removed meanwhile
            yield from Path(path, "cgroup.procs").read_text().split()
    if not top:
        yield from filter(str.isdecimal, os.listdir("/proc"))


def _files(directory: str, path: str) -> Iterator[str]:
    """Yield a path and all below it that does not stay."""
    if _KEPT.fullmatch(path) or not os.path.lexists(f"{directory}/{path}"):
        return
    yield path
    if os.path.isdir(f"{directory}/{path}") and not os.path.islink(f"{directory}/{path}"):
        with suppress(FileNotFoundError):  # it is removed meanwhile
            for name in os.listdir(f"{directory}/{path}"):
                yield from _files(directory, f"{path}/{name}")


def _images(path: str) -> Iterator[str]:
    """Yield the name of each entry of an image index, or its digest if it has none: a test may make busybox again, with another digest."""
    text = Path(path).read_text() if os.path.exists(path) else ""
    for entry in text.split("}, {"):
        found = re.search(r'ref\.name": "([^"]*)"', entry) or re.search(r'"digest": "([^"]*)"', entry)
        yield found[1] if found else ""
