"""The few commands of bpf(2) that load a device program and attach it to a cgroup. Source: <linux/bpf.h>, union bpf_attr."""

from __future__ import annotations

import ctypes
import os
from struct import pack, unpack, unpack_from

from mydocker.kernel.files import Held
from mydocker.kernel.libc import address, buffer, syscall

BPF_PROG_LOAD = 5
BPF_PROG_ATTACH = 8
BPF_PROG_DETACH = 9
BPF_PROG_GET_FD_BY_ID = 13
BPF_PROG_QUERY = 16

BPF_PROG_TYPE_CGROUP_DEVICE = 15
BPF_CGROUP_DEVICE = 6
BPF_F_ALLOW_MULTI = 2

MAXIMUM_ATTACHED = 64  # BPF_CGROUP_MAX_PROGS


def bpf(command: int, attributes: ctypes.Array[ctypes.c_char], subject: str) -> int:
    """Make one bpf(2) call and return its result. The kernel may write results into `attributes`."""
    return syscall("bpf", command, attributes, len(attributes), subject=subject)


def load_device_program(program: bytes) -> int:
    """Load a device program, compiled by cgroups/devices.py, which the kernel verifies. Return its descriptor."""
    code, text = buffer(program), buffer(b"Apache-2.0\0")
    attributes = pack("IIQQIIQII", BPF_PROG_TYPE_CGROUP_DEVICE, len(program) // 8, address(code), address(text), 0, 0, 0, 0, 0)
    return bpf(BPF_PROG_LOAD, buffer(attributes), "device program")


def attached_device_programs(cgroup: int, path: str) -> list[int]:
    """Return the ids of the device programs of a cgroup itself, without its ancestors'. `cgroup` is a descriptor, `path` is for errors."""
    found = buffer(bytes(4 * MAXIMUM_ATTACHED))
    attributes = buffer(pack("IIIIQII", cgroup, BPF_CGROUP_DEVICE, 0, 0, address(found), MAXIMUM_ATTACHED, 0))
    bpf(BPF_PROG_QUERY, attributes, path)
    (count,) = unpack_from("I", attributes.raw, 24)
    return list(unpack(f"{count}I", found.raw[: 4 * count]))


def replace_device_program(path: str, program: bytes) -> None:
    """Make `program` the only device program of a cgroup.

    The new one is attached before the old ones go. All attached programs have to agree to an access, so there is no moment
    at which nothing is denied. Raises OSError.
    """
    with Held(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as cgroup:
        old = attached_device_programs(cgroup, path)
        with Held(load_device_program(program)) as loaded:
            bpf(BPF_PROG_ATTACH, buffer(pack("IIII", cgroup, loaded, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI)), path)
        for identity in old:
            with Held(bpf(BPF_PROG_GET_FD_BY_ID, buffer(pack("III", identity, 0, 0)), path)) as attached:
                bpf(BPF_PROG_DETACH, buffer(pack("IIII", cgroup, attached, BPF_CGROUP_DEVICE, 0)), path)
