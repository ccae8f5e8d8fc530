"""Which binds are opened before the namespace's mounts become slaves."""

from typing import Any

import pytest

from mydocker.runtime.mounts import FIRST_TREE, early_trees, mount_steps


def bind(source: str, *options: str) -> dict[str, Any]:
    return {"destination": "/data", "type": "bind", "source": source, "options": ["rbind", *options]}


@pytest.mark.parametrize(
    ("mount", "opened"),
    [
        (bind("/srv"), False),
        (bind("/srv", "rslave"), False),
        (bind("/srv", "rshared"), True),
        (bind("/proc/77/root/dev/shm"), True),
        (bind("/proc/self/root/dev/shm"), False),
        (bind("/proc/77/rootless"), False),
        ({"destination": "/data", "type": "tmpfs", "source": "/proc/77/root/x", "options": []}, False),
    ],
)
def test_opened_early(mount: Any, opened: bool) -> None:
    spec: Any = {"mounts": [mount]}
    early = [step.describe() for step in early_trees(spec)]
    assert early == ([f"open_tree {mount['source']} OPEN_TREE_CLONE|AT_RECURSIVE as descriptor {FIRST_TREE}"] if opened else [])
    (step,) = mount_steps("/root", [mount])
    assert step.describe().startswith(f"move_mount descriptor {FIRST_TREE} on /data") == opened
