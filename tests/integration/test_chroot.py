"""mydocker in a chroot whose root is no mount point, as in a bare debootstrap tree."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Machine

# A tree of the host's own top directories: plain binds below a root that nothing is mounted on.
CHROOT = """
mount --make-rPROPAGATION /
mkdir chroot
for path in /*; do
    if [ -L "$path" ]; then cp -P "$path" chroot/
    elif [ -d "$path" ]; then mkdir "chroot$path"; mount --bind "$path" "chroot$path"
    fi
done
for path in /proc /sys /dev; do mount --rbind "$path" "chroot$path"; done
COMMAND
"""

# What is done with the chroot before it is entered.
MOUNTED = {":": "no-mount-point", "mount --rbind chroot chroot": "mount-point"}


@pytest.fixture
def in_chroot(mydocker: Machine, needs_root_mount: None) -> Iterator[Callable[..., Any]]:
    """Run a shell command in a chroot, in a mount namespace of its own."""

    def run(command: str, propagation: str = "private", before: str = ":") -> Any:
        script = CHROOT.replace("PROPAGATION", propagation).replace("COMMAND", f"{before}; chroot chroot {command}")
        mydocker.sh(f"cat > script <<'END'\n{script}\nEND")
        return mydocker.sh("unshare -m sh script")

    yield run
    mydocker.sh("rmdir chroot/*; rm -r chroot script")


@pytest.mark.parametrize("propagation", ["private", "shared"])
def test_a_container_starts_in_a_chroot(mydocker: Machine, in_chroot: Callable[..., Any], propagation: str, driver: str) -> None:
    result = in_chroot(f"env MYDOCKER_STORAGE_DRIVER={driver} {mydocker.prefixed} run --rm busybox cat /etc/passwd", propagation)
    assert result.stdout.startswith("root:x:0:0:root:/root:/bin/sh\n")
    assert result.stderr == ""


@pytest.mark.parametrize("before", MOUNTED, ids=MOUNTED.get)
def test_nothing_of_the_host_lies_above_its_root(mydocker: Machine, in_chroot: Callable[..., Any], before: str) -> None:
    """With CAP_SYS_CHROOT, which docker's containers have, a process can climb to the root of its mount namespace."""
    container_id = in_chroot(f"{mydocker.prefixed} run -d --name deep busybox sleep 100", "private", before).stdout.strip()
    assert mydocker("ps", "--no-trunc", "-q").stdout.strip() == container_id
    # nsenter moves to that root, and finds its program there.
    climbed = mydocker.sh(f"nsenter --mount -t {mydocker.pid('deep')} /bin/ls -d {sys.executable} /bin/busybox {mydocker.directory}")
    assert climbed.stdout == "/bin/busybox\n"
    mydocker("rm", "-f", "deep")


@pytest.mark.parametrize("before", MOUNTED, ids=MOUNTED.get)
def test_the_lab_of_the_lessons_opens_in_a_chroot(mydocker: Machine, in_chroot: Callable[..., Any], before: str) -> None:
    """Entering a mount namespace leads to its root, and that may lie above the chroot."""
    mydocker.sh("printf 'hostname; [ / -ef /.. ] && pwd\n' > typed")
    learn = f"env XDG_STATE_HOME={mydocker.directory}/learn {mydocker.prefixed} learn"
    result = in_chroot(f"sh -c '{learn} shell < {mydocker.directory}/typed; {learn} reset'", "private", before)
    assert (result.rc, result.stdout) == (0, f"lab\n{mydocker.directory}/learn/mydocker/learn/lab/work\n"), result.stderr
