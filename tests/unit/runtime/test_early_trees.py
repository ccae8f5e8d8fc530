"""Which binds are opened before the namespace's mounts become slaves."""

from typing import Any

import pytest

from mydocker.cgroups.layout import ContainerMount
from mydocker.runtime.mounts import FIRST_TREE, early_trees, mount_steps, opens_all_early, read_only_steps


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
    (step,) = mount_steps(spec, "/root", False)
    assert step.describe().startswith(f"move_mount descriptor {FIRST_TREE} on /data") == opened


def test_with_a_user_namespace_the_hosts_root_opens_every_bind() -> None:
    spec: Any = {"mounts": [bind("/srv")], "linux": {"namespaces": [{"type": "user"}]}}
    assert len(early_trees(spec)) == 1 and opens_all_early(spec, True)
    (step,) = mount_steps(spec, "/root", True)
    assert step.describe().startswith(f"move_mount descriptor {FIRST_TREE} on /data")
    assert not early_trees(spec, privileged=False) and not opens_all_early(spec, False)


def mounted(steps: Any) -> list[str]:
    return [step.target for step in steps]


def test_what_lies_above_or_below_the_cgroups_waits_with_them() -> None:
    """A mount covers what was mounted there before, so the order of config.json decides."""
    order = ["/early", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroups", "/sys/fs", "/late"]
    kinds = {"/sys/fs/cgroup": "cgroup"}
    mounts = [{"destination": path, "type": kinds.get(path, "tmpfs"), "source": "x", "options": []} for path in order]
    spec: Any = {"mounts": mounts, "linux": {"namespaces": [{"type": "cgroup"}]}}
    shown = [ContainerMount(directory="", source="/sys/fs/cgroup", fstype="cgroup2", data="", links=())]
    assert mounted(mount_steps(spec, "/root", False)) == ["/early", "/sys/fs/cgroups", "/late"]
    assert mounted(mount_steps(spec, "/root", False, shown)) == ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs"]


def test_read_only_comes_last_where_something_is_made() -> None:
    dev = {"destination": "/dev/", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "ro"]}
    spec: Any = {"mounts": [dev, bind("/srv", "ro")], "linux": {"namespaces": []}}
    steps = mount_steps(spec, "/root", False)
    assert ["MS_RDONLY" in step.describe() for step in steps] == [False, True]
    assert [step.describe() for step in read_only_steps("/root", spec["mounts"], [])] == ["remount /dev in the root read-only"]
