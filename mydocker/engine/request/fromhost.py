"""What a new container takes from the host: the devices for --privileged, an init program, another OCI runtime."""

from __future__ import annotations

import os
import stat

from mydocker.engine.request import devices
from mydocker.errors import BadInput, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.runtime.spec import Device

_INITS = ("tini-static", "docker-init", "catatonit", "tini")
# Not taken: what the container has of its own, and what LXC and LXD keep in /dev.
_OWN = ("/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd", "/dev/.lxc", "/dev/.lxd-mounts", "/dev/console")


def host_devices() -> list[Device]:
    """Return every device node in the host's /dev as an OCI device."""
    found = []
    for directory, subdirectories, names in os.walk("/dev"):
        subdirectories[:] = [name for name in subdirectories if f"{directory}/{name}" not in _OWN]
        for name in sorted(names):
            path = f"{directory}/{name}"
            if path not in _OWN and _is_device(path):
                found.append(devices.device(path, path, "rwm")[0])
    return found


def _is_device(path: str) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def thermal_directories(sys: str) -> tuple[str, ...]:
    """Return the directories in which the kernel counts how often each processor was too hot, as a container's /sys has them too."""
    base = "/devices/system/cpu"
    names = sorted(name for name in os.listdir(sys + base) if name.startswith("cpu")) if os.path.isdir(sys + base) else []
    return tuple(f"/sys{base}/{name}/thermal_throttle" for name in names if os.path.isdir(f"{sys}{base}/{name}/thermal_throttle"))


def init_program() -> str:
    """Return the path of a small program that can be pid 1 and run another one. Raises Unsupported if the host has none.

    Programs that are linked statically are looked for first, because they work in every image.
    """
    import shutil  # imported here, as it takes 4 ms and only --init needs it

    for name in _INITS:
        path = shutil.which(name)
        if path:
            return os.path.realpath(path)
    raise Unsupported("--init needs a small init program on the host", "install tini (its tini-static works in every image)")


def runtime_program(name: str | None) -> str:
    """Return the path of the OCI runtime that --runtime names, or '' for our own. Raises BadInput if there is none."""
    if name in (None, "mydocker"):
        return ""
    import shutil

    path = shutil.which(name or "")
    if path is None:
        raise BadInput(f"runtime {name!r} was not found: expected mydocker, crun, runc or the path of an OCI runtime")
    return os.path.abspath(path)
