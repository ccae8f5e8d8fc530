"""An image in docker's archive as lines of text: its configuration, and its files as far as they differ from those of a base image."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

KEPT = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Healthcheck", "Volumes", "WorkingDir", "Labels", "StopSignal"]
KEPT += ["OnBuild", "Shell"]
# Whoever has this file of the base image began with it.
TOOL = "/usr/local/bin/tool"


def described(archive: Path, base: dict[str, str]) -> list[str]:
    """Return an image of docker's archive as lines. base: the files of the base image, which are left out where they are the same."""
    with tarfile.open(archive) as outer:
        entry = json.load(_member(outer, "manifest.json"))[0]
        document = json.load(_member(outer, entry["Config"]))
    config = {key: document["config"][key] for key in KEPT if document["config"].get(key)}
    if document.get("author"):
        config["author"] = document["author"]
    found = files(archive)
    changed = [f"{path} {found[path]}" for path in sorted(found) if base.get(path) != found[path]]
    gone = [f"{path} is gone" for path in sorted(base) if path not in found] if TOOL in found else []
    return [json.dumps(config, sort_keys=True, ensure_ascii=False), *changed, *gone]


def files(archive: Path) -> dict[str, str]:
    """Return {path: type, mode, owner and content} of the files of an image in docker's archive."""
    found: dict[str, str] = {}
    with tarfile.open(archive) as outer:
        for name in json.load(_member(outer, "manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=_member(outer, name)) as layer:
                _apply(layer, found)
    return found


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    member = archive.extractfile(name)
    assert member
    return member  # type: ignore[return-value]  # typeshed says IO[bytes]


def _apply(layer: tarfile.TarFile, found: dict[str, str]) -> None:
    members = [(os.path.normpath("/" + member.name.lstrip("/")), member) for member in layer]
    for path, _ in members:
        parent, name = os.path.split(path)
        if name == ".wh..wh..opq":
            _remove(found, parent, False)
        elif name.startswith(".wh."):
            _remove(found, os.path.join(parent, name.removeprefix(".wh.")), True)
    for path, member in members:
        if path == "/" or os.path.basename(path).startswith(".wh."):
            continue
        if not member.isdir() and path in found:
            _remove(found, path, True)
        found[path] = found["/" + member.linkname.lstrip("./")] if member.islnk() else _entry(layer, member)


def _remove(found: dict[str, str], path: str, itself: bool) -> None:
    for name in [name for name in found if name.startswith(f"{path.rstrip('/')}/") or (itself and name == path)]:
        del found[name]


def _entry(layer: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    owner = f"{member.uid}:{member.gid}"
    if member.issym():
        return f"link {owner} {member.linkname}"
    if member.isreg():
        return f"file {member.mode & 0o7777:o} {owner} {hashlib.sha256(_member(layer, member.name).read()).hexdigest()[:12]}"
    kind = {tarfile.DIRTYPE: "directory", tarfile.FIFOTYPE: "fifo"}.get(member.type, "device")
    return f"{kind} {member.mode & 0o7777:o} {owner}"
