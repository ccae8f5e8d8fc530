"""Carrying a mount over from another process's mount namespace.

mount(2) refuses to bind such a mount (EINVAL). But a clone of it can be made in that namespace and sent here as a descriptor.
"""

from __future__ import annotations

import marshal
import os

from mydocker.kernel.channel import Channel
from mydocker.kernel.mounts import open_tree
from mydocker.kernel.namespaces import CLONE_NEWNS, setns
from mydocker.messages import REFUSED, TREE, check


def open_tree_of(process: str, path: str) -> int:
    """Return a descriptor of a detached clone of what a process sees at a path, with the mounts below it. Raises OSError.

    process: the process, as '/proc/PID'.
    path: the path, from the process's root.

    A child enters that namespace, so that this process keeps its own root and working directory.
    """
    ours, theirs = Channel.pair()
    child = os.fork()
    if child == 0:
        try:
            setns(process + "/ns/mnt", CLONE_NEWNS)
            theirs.send(TREE, b"", (open_tree(path, recursive=True),))
        except OSError as error:
            theirs.put(REFUSED, error.errno or 0)
        finally:
            os._exit(0)
    theirs.close()
    kind, payload, descriptors = ours.receive()
    ours.close()
    os.waitpid(child, 0)
    if kind == TREE:
        return descriptors[0]
    if kind:
        check("the fork", kind, REFUSED)
    number = marshal.loads(payload) if kind else 0
    raise OSError(number, os.strerror(number), process + "/root" + path)
