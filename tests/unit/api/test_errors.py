"""Statuses and words."""

from __future__ import annotations

import pytest

from mydocker import errors
from mydocker.api.errors import message_of, status_of
from mydocker.api.protocol import Refused


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (errors.BadInput("wrong"), 400, "wrong"),
        (errors.NotFound("no such container: x"), 404, "No such container: x"),
        (errors.NoImage("no such image: x:latest"), 404, "No such image: x:latest"),
        (errors.Conflict("in use"), 409, "in use"),
        (errors.Connected("endpoint with name x already exists in network y"), 403, "endpoint with name x already exists in network y"),
        (errors.Overlap("subnet x"), 403, "Pool overlaps with other one on this address space: subnet x"),
        (errors.Unsupported("this kernel has no aufs"), 501, "this kernel has no aufs"),
        (errors.StepFailed("mount: No space left on device", 28), 500, "mount: No space left on device"),
        (errors.StepFailed("mkdir: File name too long", 36), 400, "mkdir: File name too long"),
        (errors.CommandNotFound("exec: 'x'"), 400, "exec: 'x': executable file not found in $PATH"),
        (errors.CommandNotFound("exec: '/x': no such file or directory"), 400, "exec: '/x': no such file or directory"),
        (errors.CommandNotExecutable("exec: '/etc'"), 400, "exec: '/etc': permission denied"),
        (Refused(418, "teapot"), 418, "teapot"),
    ],
)
def test_what_a_client_is_told(error: errors.Error, status: int, message: str) -> None:
    assert (status_of(error), message_of(error)) == (status, message)
