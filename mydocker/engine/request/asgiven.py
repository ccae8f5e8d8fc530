"""What inspect shows as it was given: devices, rates and tmpfs, which the spec has in other words, and names of what there is one of."""

from __future__ import annotations

from mydocker.engine.record.hostconfig import HOST_CONFIG
from mydocker.engine.request.devices import device_words
from mydocker.engine.request.values import number, size
from mydocker.errors import BadInput
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.hostconfig import AsGiven, DeviceMapping, DeviceRate, DeviceWeight
    from mydocker.engine.request.options import Flags
    from mydocker.shape import Shape

# The fields of AsGiven, each with what stands there where nothing was given.
NOTHING: AsGiven = {
    "Devices": [],
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "BlkioWeightDevice": [],
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "Tmpfs": None,
    "Isolation": "",
    "VolumeDriver": "",
    "RuntimeName": "",
}
_SHAPE: Shape = {name: HOST_CONFIG[name] for name in NOTHING}  # type: ignore[call-overload,index]  # it is an object's


def from_flags(flags: Flags) -> AsGiven:
    """Return what flags say, whose values were found to be right."""
    return {
        **NOTHING,
        "Devices": [_device(text) for text in flags["device"]],
        "DeviceCgroupRules": list(flags["device_cgroup_rule"]) or None,
        "BlkioWeightDevice": [_weight(text) for text in flags["blkio_weight_device"]],
        "BlkioDeviceReadBps": [_rate(text) for text in flags["device_read_bps"]] or None,
        "BlkioDeviceWriteBps": [_rate(text) for text in flags["device_write_bps"]] or None,
        "BlkioDeviceReadIOps": [_rate(text) for text in flags["device_read_iops"]] or None,
        "BlkioDeviceWriteIOps": [_rate(text) for text in flags["device_write_iops"]] or None,
        "Tmpfs": {path: words for path, _, words in (text.partition(":") for text in flags["tmpfs"])} or None,
    }


def from_document(given: dict[str, Any], runtime: str) -> AsGiven:
    """Return what docker's HostConfig says. Raises BadInput for a field that a record could not be read with.

    given: the fields of NOTHING, None for each that is not there
    runtime: its name, '' for the usual one
    """
    found: Any = {name: given[name] or nothing for name, nothing in NOTHING.items()}
    found["RuntimeName"] = runtime
    for request in filter(lambda each: isinstance(each, dict), found["DeviceRequests"] or []):
        if isinstance(request.get("Capabilities"), list):
            request["Capabilities"] = [each or [] for each in request["Capabilities"]]  # compose sends null for no words
    try:
        fit(found, _SHAPE)
    except WrongShape as error:
        raise BadInput(f"invalid {error}") from error
    return found  # type: ignore[no-any-return]  # it has just been found to be so


def _device(text: str) -> DeviceMapping:
    host, inside, access = device_words(text)
    return {"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": access}


def _rate(text: str) -> DeviceRate:
    path, _, rate = text.rpartition(":")
    plain = number(rate)
    return {"Path": path, "Rate": size(rate) if plain is None else plain}


def _weight(text: str) -> DeviceWeight:
    path, _, weight = text.rpartition(":")
    return {"Path": path, "Weight": int(weight)}
