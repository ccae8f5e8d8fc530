"""Parsers of devices, in docker's notations. Each raises BadInput, which names the value and says what was expected."""

from __future__ import annotations

import os
import stat

from mydocker.engine.request.values import integer, number, size
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import DeviceRule, ThrottleDevice, WeightDevice
    from mydocker.runtime.spec import Device


def device_rate(text: str, is_size: bool) -> ThrottleDevice:
    """Return the OCI throttle device {major, minor, rate} that 'PATH:RATE' means.

    is_size: whether the rate is a size per second. Otherwise it is a number of operations per second.
    """
    path, _, rate = text.rpartition(":")
    value = size(rate) if is_size and path else number(rate)
    if not path or value is None:
        raise BadInput(f"invalid device rate {text!r}: expected PATH:{'SIZE per second' if is_size else 'OPERATIONS per second'}")
    major, minor = block_device(path)
    return {"major": major, "minor": minor, "rate": value}


def device_weight(text: str) -> WeightDevice:
    """Return the OCI weight device {major, minor, weight} that 'PATH:WEIGHT' means."""
    path, _, weight = text.rpartition(":")
    if not path:
        raise BadInput(f"invalid device weight {text!r}: expected PATH:WEIGHT")
    major, minor = block_device(path)
    return {"major": major, "minor": minor, "weight": integer("weight", 10, 1000)(weight)}


def block_device(path: str) -> tuple[int, int]:
    """Return the major and the minor number of a device node of the host."""
    node = _node(path).st_rdev
    return os.major(node), os.minor(node)


def _node(path: str) -> os.stat_result:
    try:
        status = os.stat(path)
    except OSError as error:
        raise BadInput(f"device {path!r}: {error.strerror}") from error
    if not (stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode)):
        raise BadInput(f"device {path!r}: expected a device node of this host")
    return status


def devices(text: str) -> list[tuple[Device, DeviceRule]]:
    """Return the (OCI device, OCI device rule) pairs that 'HOST[:CONTAINER[:rwm]]' means.

    If HOST is a directory, it means all device nodes in it.
    """
    host, inside, access = device_words(text)
    if set(access) - set("rwm") or not inside.startswith("/"):
        raise BadInput(
            f"invalid device {text!r}: expected HOST[:CONTAINER[:PERMISSIONS]] with absolute paths and permissions of r, w and m"
        )
    if os.path.isdir(host):
        return _device_directory(host, inside, access)
    return [device(host, inside, access)]


def device_words(text: str) -> tuple[str, str, str]:
    """Return the path on the host, the one in the container, and the permissions that 'HOST[:CONTAINER[:rwm]]' means."""
    host, _, rest = text.partition(":")
    inside, _, access = rest.partition(":")
    if inside and not inside.startswith("/") and not access:
        inside, access = "", inside
    return host, inside or host, access or "rwm"


def _device_directory(host: str, inside: str, access: str) -> list[tuple[Device, DeviceRule]]:
    found = []
    for directory, _, names in os.walk(host):
        for name in sorted(names):
            path = f"{directory}/{name}"
            if _is_node(path):
                found.append(device(path, inside + path[len(host) :], access))
    if not found:
        raise BadInput(f"device {host!r}: expected a device node of this host, or a directory that holds some")
    return found


def _is_node(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False  # it was removed after its directory had been read
    return stat.S_ISBLK(mode) or stat.S_ISCHR(mode)


def device(host: str, inside: str, access: str) -> tuple[Device, DeviceRule]:
    """Return the OCI device and the OCI device rule that give a container a device node of the host.

    host: the path on the host.
    inside: the path in the container.
    access: what the container may do, some of the letters rwm.
    """
    status = _node(host)
    kind = "b" if stat.S_ISBLK(status.st_mode) else "c"
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    node: Device = {
        "path": inside,
        "type": kind,
        "major": major,
        "minor": minor,
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }
    return node, {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}


def device_rule(text: str) -> DeviceRule:
    """Return the OCI device rule that a text such as 'c 1:3 rwm' means.

    The type is a, b or c. A number may be *, which means any number.
    """
    words = text.split()
    numbers = words[1].split(":") if len(words) == 3 else []
    fine = (
        len(numbers) == 2
        and words[0] in ("a", "b", "c")
        and all(n == "*" or number(n) is not None for n in numbers)
        and not set(words[2]) - set("rwm")
    )
    if not fine:
        raise BadInput(f"invalid device cgroup rule {text!r}: expected TYPE MAJOR:MINOR PERMISSIONS such as 'c 1:3 rwm'")
    rule: DeviceRule = {"allow": True, "type": words[0], "access": words[2]}
    if numbers[0] != "*":
        rule["major"] = int(numbers[0])
    if numbers[1] != "*":
        rule["minor"] = int(numbers[1])
    return rule
