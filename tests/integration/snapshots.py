"""What containers can leave on a machine, by kind: looked at before and after each test.

That is twice for each of thousands of tests, so what files tell is read here, and ip and nft are started only when the kernel's own tables
are not what they were at the last look.
"""

from __future__ import annotations

import glob
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from struct import pack, unpack_from

from firewall import LIST_RULES
from keeper import users

# What is asked of a shell, and what of each line of the answer counts.
_ASKED: dict[str, tuple[str, Callable[[str], str]]] = {
    "links": ("ip -o link", lambda line: line.split(":")[1].partition("@")[0].strip()),
    "addresses": ("ip -o address", lambda line: _without("tentative", line.partition(":")[2])),
    "routes": ("ip route; ip -6 route", lambda line: _without("linkdown", line)),
}
_FORWARDING = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")
# What stays below ROOT and STATE.
_KEPT = re.compile(r"(root|state)/(images|layers|cache|events\.json.*|networks/(.*/)?\..*)")


def snapshot(directory: str) -> dict[str, set[str]]:
    """Return everything that a container could leave, by kind. directory: that of the tests, where root and state are"""
    return {
        "mounts": {_mount(line) for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()},
        "cgroups": set(_cgroups()),
        **_network(_tables()),
        "rules": set(_rules().splitlines()),
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


def _tables() -> tuple[object, ...]:
    """Return what the kernel's files say of links, addresses and routes, without what counts packets and users."""
    net = Path("/proc/self/net")
    six = [net / name for name in ("if_inet6", "ipv6_route")]
    addresses, routes = [each.read_text().splitlines() if each.exists() else [] for each in six]
    return (
        tuple(socket.if_nameindex()),
        (net / "route").read_text(),
        (net / "fib_trie").read_text(),
        tuple(line.split()[0] + line.split()[-1] for line in addresses),
        tuple(" ".join([*line.split()[:6], line.split()[-1]]) for line in routes),
    )


@lru_cache(maxsize=1)
def _network(tables: tuple[object, ...]) -> dict[str, set[str]]:
    """Return links, addresses and routes as ip(8) prints them. tables: those that they were asked with"""
    return {kind: {keep(line) for line in _shell(script).splitlines()} for kind, (script, keep) in _ASKED.items()}


def _rules() -> str:
    """Return the rules of packet filters. Only those of nf_tables have a number that tells that they are the same."""
    generation = _generation()
    return _listed(generation) if generation and _has_nft() else _shell(LIST_RULES)


@lru_cache(maxsize=1)
def _listed(generation: int) -> str:
    return _shell(LIST_RULES)


@cache
def _has_nft() -> bool:
    return _shell("nft --version") != ""


def _generation() -> int:
    """Return the number that nf_tables gives to this network namespace's rules with each change of them; 0 if the kernel has none.

    Source: <linux/netfilter/nf_tables.h>, NFT_MSG_GETGEN (16, of subsystem 10) and NFTA_GEN_ID (the first attribute of the answer).
    """
    with suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.send(pack("=IHHIIBBH", 20, 10 << 8 | 16, 1, 1, 0, 0, 0, 0))
        answer = netlink.recv(1 << 12)
        if unpack_from("=H", answer, 4)[0] >> 8 == 10:
            return int(unpack_from("!I", answer, 24)[0])
    return 0


def _shell(script: str) -> str:
    """Return what a script prints. What it complains of is left out, as a machine may lack one of the programs."""
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def _without(word: str, line: str) -> str:
    """Return a line without a word that comes and goes by itself."""
    return " ".join(each for each in line.split() if each != word)


def _mount(line: str) -> str:
    """Return where something is mounted and what, or '' if the mount came here by propagation: somebody else on this machine made it."""
    return "" if " master:" in line else " ".join(line.split()[4:])


def _cgroups() -> Iterator[str]:
    for path in _directories("/sys/fs/cgroup"):
        if "/mydocker/" in path or os.path.basename(path).startswith(("mdoci-", "mydocker-learn-")):
            yield path


def _directories(path: str) -> Iterator[str]:
    """Yield a directory and all below it. One in which there are no others has two links, and of the many files in it none is looked at."""
    yield path
    with suppress(OSError):  # it is removed meanwhile
        inner = os.scandir(path) if os.stat(path).st_nlink > 2 else ()
        for below in [entry.path for entry in inner if entry.is_dir(follow_symlinks=False)]:
            yield from _directories(below)


def _processes() -> Iterator[str]:
    """Yield the pids of a hierarchy's cgroups: where a worker has a machine of its own, that is much less than /proc has."""
    tops = ("/sys/fs/cgroup", *sorted(glob.glob("/sys/fs/cgroup/*")))
    top = next((path for path in tops if os.path.exists(f"{path}/cgroup.procs")), "")
    for path in _directories(top) if top else ():
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
