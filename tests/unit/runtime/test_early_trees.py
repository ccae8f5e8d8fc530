"""Which binds are opened before the namespace's mounts become slaves."""

from typing import Any

import pytest

from mydocker.runtime.mounts import FIRST_TREE, early_trees, mount_steps, opens_all_early


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
    spec: Any = {"mounts": [mount], "linux": {"namespaces": [{"type": "mount"}]}}
    early = [step.describe() for step in early_trees(spec)]
    assert early == ([f"open_tree {mount['source']} OPEN_TREE_CLONE|AT_RECURSIVE as descriptor {FIRST_TREE}"] if opened else [])
    (step,) = mount_steps("/root", [mount])
    assert step.describe().startswith(f"move_mount descriptor {FIRST_TREE} on /data") == opened


def test_with_a_user_namespace_the_hosts_root_opens_every_bind() -> None:
    spec: Any = {"mounts": [bind("/srv")], "linux": {"namespaces": [{"type": "user"}]}}
    assert len(early_trees(spec)) == 1 and opens_all_early(spec, True)
    (step,) = mount_steps("/root", spec["mounts"], all_early=True)
    assert step.describe().startswith(f"move_mount descriptor {FIRST_TREE} on /data")
    assert not early_trees(spec, privileged=False) and not opens_all_early(spec, False)
