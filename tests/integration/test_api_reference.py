"""What the API answers has dockerd's fields and types, and what happens is told as dockerd tells it (apireference.py).

tests/data/reference/api.json is dockerd 20.10's, on a machine with cgroup version 1. With `--reference docker` it is compared with the
dockerd that is installed.
"""

from __future__ import annotations

import http.client
import json
import time
from contextlib import closing
from typing import Any

import apireference
from conftest import wait_until
from services import Service, UnixConnection

DOCKERS: dict[str, Any] = json.loads(apireference.RECORDED.read_text())
# What docker says of a container's end since 23.
SINCE = ["container", "die", ["execDuration", "exitCode", "image", "name", "x"]]
# Fields that ours leaves empty where dockerd has an element: nothing has changed in the container, and the first network is another.
EMPTY = {"/containers/thebox/changes": ["[].Kind", "[].Path"], "/networks": ["[].IPAM.Config"]}
# Texts whose form is another: mydocker relabels nothing, and was not written in Go; what starts again never is called so in newer versions
# of docker, too.
OTHER_FORMS = {
    "/containers/json": ["[].Mounts[].Mode"],
    "/containers/thebox/json": ["Mounts[].Mode", "HostConfig.RestartPolicy.Name"],
    "/images/busybox:latest/json": ["DockerVersion"],
    "/version": ["BuildTime", "GitCommit", "GoVersion", "Platform.Name"],
}


def asking(path: str) -> apireference.Ask:
    """Return the function that asks a daemon at a socket."""

    def ask(method: str, target: str, body: Any = None) -> tuple[int, Any]:
        sent = None if body is None else json.dumps(body).encode()
        with closing(UnixConnection(path)) as connection:
            connection.request(method, f"/v1.41{target}", sent, {"Content-Type": "application/json"} if sent else {})
            answer: http.client.HTTPResponse = connection.getresponse()
            data = answer.read().decode(errors="replace")
        return answer.status, data if target.startswith("/events") or data[:1] not in ("{", "[") else json.loads(data)

    return ask


def told(ask: apireference.Ask) -> list[list[Any]]:
    """Return the events of a life. Those of the seconds before and after it are not among them."""
    begin = int(time.time()) + 1
    wait_until(lambda: time.time() >= begin)
    apireference.life(ask)
    end = int(time.time()) + 1
    wait_until(lambda: time.time() >= end)
    return apireference.events(ask, begin, end)


def test_fields_and_types(needs_controllers: None, service: Service) -> None:
    ours = apireference.shapes(asking(service.path))
    wrong = {path: _wrong(path, fields, ours[path]) for path, fields in DOCKERS["shapes"].items()}
    assert not {path: found for path, found in wrong.items() if found}


def _wrong(path: str, docker: dict[str, str], ours: dict[str, str]) -> dict[str, tuple[str, str | None]]:
    """Return {field: (docker's type, ours)} of what a client of docker's could not read, or would take for something else."""
    found = {}
    for field, kind in docker.items():
        # Where dockerd has nothing, ours may have something: a list, a map or a digest.
        mine = ours.get(field) or next((each for name, each in ours.items() if name.startswith((f"{field}.", f"{field}[]"))), None)
        if field in OTHER_FORMS.get(path, []):
            mine, kind = (mine or "").partition(",")[0], kind.partition(",")[0]
        if mine != kind and kind not in ("null", "list", "dict") and field not in EMPTY.get(path, []):
            found[field] = (kind, mine)
        elif mine is None and field not in EMPTY.get(path, []):
            found[field] = (kind, None)
    return found


def test_events(service: Service) -> None:
    found = told(asking(service.path))
    assert [each for each in found if each != SINCE] == [each for each in DOCKERS["events"] if each[:2] != SINCE[:2]]
    assert SINCE in found


def test_the_record_is_dockers(docker_client: str) -> None:
    ask = asking(docker_client.rpartition("unix://")[2])
    shapes = apireference.shapes(ask)
    assert {path: found for path, found in DOCKERS["shapes"].items() if found != shapes.get(path)} == {}
    assert told(ask) == DOCKERS["events"]
