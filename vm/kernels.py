"""Run the integration tests on real kernels. Each kernel, cgroup layout and storage driver gives a row of a table.

    python vm/kernels.py [--kernel 5.10]… [--cgroup v1]… [--boot 6.12:v2]… [--image PATH]… [--storage overlay]… [-- PYTEST ARGUMENT…]

Kernels are Debian's packages (vm/kernelpackages.py), or what --image names. virtme-ng boots them in QEMU (vm/guest.py) on a copy of the
box's disk (vm/box/build), with KVM if a kernel boots with it. One boot is a kernel with a cgroup layout, and all storage drivers are
tried in it. The tests are those marked `kernel`, and for vfs only those that are also marked `storage`. --whole runs all tests. The
results are in vm/collected/kernels: table.md, and a directory for each boot with JUnit XML, logs and the console. The exit status is 1
if a row failed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import boxpackages
import click
import guest
import kernelpackages
import kvm
from kernelpackages import Kernel, NoKernel
from table import Row, markdown, read_row, show
from whichtests import which_tests

VM = Path(__file__).resolve().parent
RESULTS = VM / "collected/kernels"
LAYOUTS = ("v1", "hybrid", "v2")
# Booted only when it is asked for: version 1 as Ubuntu 20.04 mounts it.
MORE_LAYOUTS = ("systemd",)
DRIVERS = ("overlay", "vfs", "aufs")
FACTOR = float(os.environ.get("MYDOCKER_TEST_TIMEOUT_FACTOR", "1"))
# How many times slower an emulated processor is than this machine's.
SLOWER = 15
BOOT_SECONDS = 30
ROW_SECONDS = 40
WEEK = 7 * 86400
# How often it is said how far the machines are.
WORD_SECONDS = 60
LAYOUT = "with this cgroup layout; systemd is version 1 as Ubuntu 20.04 has it  [all others]"
IMAGE = "Boot this kernel: its image, or a directory with boot/vmlinuz-RELEASE and lib/modules/RELEASE."
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "depmod": "kmod", "busybox": "busybox-static"}


class Asked(NamedTuple):
    """What the command line asks for, the same for all boots."""

    drivers: list[str]  # the storage drivers
    whole: bool  # run all integration tests
    sit: bool  # stop at the first failure, with the machine alive
    emulated: bool  # whether processors are emulated
    disk: Path  # the box's
    pytest: list[str]  # its arguments

    @property
    def factor(self) -> float:
        """The factor by which everything may take longer."""
        return FACTOR * (SLOWER if self.emulated else 1)


def selection(driver: str, whole: bool) -> str:
    """Return the expression for pytest's -m that selects the tests of a row."""
    if whole:
        return "kernel or not kernel"
    return "kernel" if driver != "vfs" else "kernel and storage"


def marked(whole: bool) -> list[str]:
    """Return the files with tests that are to run. To look through all files would take an emulated processor minutes."""
    if whole:
        return ["tests/integration"]
    files = sorted((VM.parent / "tests/integration").glob("test_*.py"))
    return [f"tests/integration/{file.name}" for file in files if "pytest.mark.kernel" in file.read_text()]


def disk() -> Path:
    """Return the disk of the box. It is built, and taken out of the box's archive, if that was not done before."""
    if subprocess.run([VM / "box/build"], stdout=sys.stderr).returncode != 0:
        raise click.ClickException("vm/box/build failed, see above")
    box = Path(subprocess.check_output([VM / "box/build", "--where"], text=True).split()[0]).parent
    if not (box / "box.img").exists():
        subprocess.run(["tar", "-C", box, "--transform", "s/box.img/box.img.new/", "-xf", box / "mydocker.box", "box.img"], check=True)
        (box / "box.img.new").rename(box / "box.img")
    return box / "box.img"


def prepare(kernel: Kernel, layout: str, asked: Asked) -> guest.Boot:
    """Make the directory of a boot, with the files that the guest reads. Return what to boot."""
    directory = RESULTS / f"{kernel.name}-{layout}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    tree = ["tar", "-C", str(VM.parent), "--exclude-vcs", "--exclude=./vm/collected", "--exclude=./.*_cache", "--exclude=./.tox"]
    subprocess.run([*tree, "-cf", directory / "tree.tar", "."], check=True)
    lines = [f"{driver} {selection(driver, asked.whole)}\n" for driver in asked.drivers]
    (directory / "rows").write_text("".join(lines))
    (directory / "inside.sh").write_bytes((VM / "inside.sh").read_bytes())
    # The socket is not in the boot's directory, because a socket's path has at most 108 bytes.
    shell = Path(f"/tmp/mydocker-{os.getpid()}-{directory.name}.sock")
    words = [layout, f"{asked.factor:g}", str(int(asked.sit)), *(["-x"] if asked.sit else []), *asked.pytest]
    script = shlex.join(["sh", f"{guest.SHARED}/inside.sh", guest.SHARED, *words])
    return guest.Boot(kernel.image, asked.disk, directory, asked.emulated, script, shell)


def seconds(asked: Asked) -> float:
    """Return the number of seconds that a boot with its tests may take."""
    return (BOOT_SECONDS + ROW_SECONDS * len(asked.drivers) * (10 if asked.whole else 1)) * asked.factor


def start(kernel: Kernel, layout: str, asked: Asked) -> guest.Machine:
    """Boot a kernel with a cgroup layout."""
    prepared = prepare(kernel, layout, asked)
    if asked.sit:
        print(f"get in at any time with: socat -,raw,echo=0,escape=0x1d unix-connect:{prepared.shell}", flush=True)
    return guest.Machine(prepared, WEEK if asked.sit else seconds(asked))


def finish(machine: guest.Machine, kernel: Kernel, layout: str, asked: Asked) -> list[Row]:
    """End a machine. Return a row for each storage driver."""
    took = machine.age
    died = machine.end()
    directory = machine.boot.directory
    (directory / "tree.tar").unlink()
    print(f"{kernel.name}, {layout}: {died or 'done'} ({took:.0f} s)", flush=True)
    return [read_row(directory, kernel.name, layout, driver, died) for driver in asked.drivers]


def run(plan: list[tuple[Kernel, str]], jobs: int, asked: Asked, tell: Callable[[list[Row]], object]) -> list[Row]:
    """Boot kernels, some at the same time. Return their rows in the order of the plan. No machine is alive afterwards.

    plan: (kernel, cgroup layout) for each boot
    jobs: how many machines run at the same time
    tell: is called after each boot with all rows so far
    """
    rows: dict[int, list[Row]] = {}
    running: dict[int, guest.Machine] = {}
    started = time.monotonic()
    next_word = started + WORD_SECONDS
    try:
        while len(rows) < len(plan):
            waiting = [number for number in range(len(plan)) if number not in rows and number not in running]
            for number in waiting[: jobs - len(running)]:
                print(f"booting {plan[number][0].name}, {plan[number][1]} ({len(rows) + len(running) + 1} of {len(plan)})", flush=True)
                running[number] = start(*plan[number], asked)
            for number in [number for number, machine in running.items() if machine.is_over()]:
                rows[number] = finish(running[number], *plan[number], asked)
                del running[number]
                tell(_in_order(rows))
            if running and time.monotonic() > next_word:
                print(f"{time.monotonic() - started:.0f} s: {', '.join(machine.progress() for machine in running.values())}", flush=True)
                next_word = time.monotonic() + WORD_SECONDS
            time.sleep(0.2)
    finally:
        for machine in running.values():
            machine.end()
    return _in_order(rows)


def _in_order(rows: dict[int, list[Row]]) -> list[Row]:
    return [row for number in sorted(rows) for row in rows[number]]


def conditions(emulated: bool, arguments: tuple[str, ...]) -> str:
    """Return what the tests of a table ran on, in words. arguments: those of the command line for pytest"""
    words = f"QEMU {'without' if emulated else 'with'} KVM, {os.cpu_count()} processors"
    return f"{words}, pytest {shlex.join(arguments)}" if arguments else words


def missing() -> str:
    """Return the commands that install what is missing here, or '' if nothing is."""
    packages = [package for program, package in TOOLS.items() if not shutil.which(program)]
    packages = list(dict.fromkeys([*packages, *boxpackages.missing()]))
    lines = [f"apt-get install {' '.join(packages)}"] if packages else []
    if not shutil.which("vng", path=guest.search_path()):
        lines.append("pip install virtme-ng")
    return "; ".join(lines)


def boots(chosen: tuple[str, ...], names: tuple[str, ...], layouts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the boots as (kernel, cgroup layout).

    chosen: boots that were chosen one by one
    names, layouts: each of these kernels is booted with each of these layouts. If neither these nor chosen boots are given,
        every kernel is booted with every layout.
    """
    if chosen and not names and not layouts:
        return [_boot(text) for text in chosen]
    return [_boot(text) for text in chosen] + [(name, layout) for name in names or kernelpackages.NAMES for layout in layouts or LAYOUTS]


def _boot(text: str) -> tuple[str, str]:
    name, _, layout = text.partition(":")
    if name not in kernelpackages.NAMES or layout not in LAYOUTS + MORE_LAYOUTS:
        layouts = ", ".join(LAYOUTS + MORE_LAYOUTS)
        raise click.BadParameter(f"{text!r}: expected KERNEL:LAYOUT, one of {', '.join(kernelpackages.NAMES)} and of {layouts}")
    return name, layout


def fetch(names: set[str], update: bool) -> dict[str, Kernel]:
    """Fetch kernels. Return them by name. Raises NoKernel. update: ask the archive for newer ones."""
    found: dict[str, Kernel] = {}
    if not names:
        return found
    archive = kernelpackages.archive()
    for name in sorted(names):
        print(f"kernel {name}: looking for it, which may take minutes if it has to be fetched", flush=True)
        found[name] = archive.fetch(name, update)
        print(f"kernel {name}: {found[name].release}", flush=True)
    return found


@click.command()
@click.option("--kernel", "names", multiple=True, type=click.Choice(kernelpackages.NAMES), help="Boot this kernel  [all]")
@click.option("--cgroup", "layouts", multiple=True, type=click.Choice(LAYOUTS + MORE_LAYOUTS), help=LAYOUT)
@click.option("--boot", "chosen", multiple=True, metavar="KERNEL:LAYOUT", help="Boot this kernel with this cgroup layout.")
@click.option("--image", "images", multiple=True, type=click.Path(exists=True, path_type=Path), help=IMAGE)
@click.option("--storage", "drivers", multiple=True, type=click.Choice(DRIVERS), help="and try this storage driver.  [all]")
@click.option("--jobs", type=click.IntRange(1), default=1, help="How many boots at a time.  [1]")
@click.option("--whole", is_flag=True, help="Run all integration tests, not only those marked kernel.")
@click.option("--update", is_flag=True, help="Ask the archive for newer kernels.")
@click.option("--sit", is_flag=True, help="Stop at the first failure with the machine alive, and say how to get in.")
@click.argument("pytest", nargs=-1)
def main(
    names: tuple[str, ...],
    layouts: tuple[str, ...],
    chosen: tuple[str, ...],
    images: tuple[Path, ...],
    drivers: tuple[str, ...],
    jobs: int,
    whole: bool,
    update: bool,
    sit: bool,
    pytest: tuple[str, ...],
) -> None:
    """Run the integration tests on Debian's kernels, or others, in QEMU; PYTEST are pytest's arguments, options after --."""
    wanted = boots(chosen, names, layouts) if chosen or names or not images else []
    if missing():
        raise click.ClickException(f"to boot kernels: {missing()}")
    try:
        own = [kernelpackages.given(path) for path in images]
        found = fetch({name for name, _ in wanted}, update)
    except NoKernel as error:
        raise click.ClickException(str(error)) from error
    plan = [(found[name], layout) for name, layout in wanted] + [(kernel, layout) for kernel in own for layout in layouts or LAYOUTS]
    print("trying whether KVM boots a kernel", flush=True)
    why_not = kvm.why_not_kvm(plan[0][0].image)
    print(f"no KVM: {why_not}" if why_not else "with KVM", flush=True)
    asked = Asked(list(drivers or DRIVERS), whole, sit, why_not is not None, disk(), which_tests(list(pytest), marked(whole)))

    def write(rows: list[Row]) -> None:
        (RESULTS / "table.md").write_text(markdown(rows, conditions(asked.emulated, pytest)))

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows = run(plan, 1 if sit else jobs, asked, write)
    print(f"\n{show(rows)}\nresults: {RESULTS}")
    sys.exit(0 if all(row.is_good for row in rows) else 1)


if __name__ == "__main__":
    main()
