"""Every step of one `run`, as --dry-run tells it, as whole text: on each kind of machine, and line by line what a flag changes.

After a change that is wanted: MYDOCKER_REWRITE=1 python -m pytest tests/unit/engine/test_start_plans.py, and read the diff.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mydocker.engine.record import state
from mydocker.engine.view.describe import plans
from mydocker.engine.view.script import script
from mydocker.errors import BadInput, Conflict, Unsupported
from mydocker.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import Process, Recording
    from tests.unit.engine.conftest import Start

DATA = Path(__file__).parents[3] / "data" / "plans"
REWRITE = "MYDOCKER_REWRITE" in os.environ
DRIVERS = ("overlay", "aufs", "vfs")
MACHINES = ("v1", "v2", "hybrid")
DONOR = "d" * 64


def compare(path: Path, text: str) -> None:
    """Compare a text with a recorded one, or record it."""
    if REWRITE:
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_the_plainest_start(start: Callable[[str], Start], kind: str, driver: str) -> None:
    compare(DATA / f"{driver}-{kind}.txt", start(kind).text(driver))


def elsewhere(text: str) -> list[str]:
    """Return a plan's lines that have nothing to do with cgroups, nor with whether the host forwards already."""
    return [line for line in text.splitlines() if "cgroup" not in line and "ip_forward" not in line]


SWITCHES = ",redirect_dir=off,metacopy=off,index=off"


def test_machines_differ_in_their_cgroups_only(start: Callable[[str], Start], recording: Recording) -> None:
    if recording.closed:
        with pytest.raises((Unsupported, Conflict), match=recording.closed):
            start(recording.name).text("overlay")
        return
    text = start(recording.name).text("overlay")
    # The others did not record which of overlay's features their kernels have.
    assert text.count(SWITCHES) == recording.whole
    assert elsewhere(text.replace(SWITCHES, "")) == elsewhere((DATA / "overlay-v2.txt").read_text())


LIMITED = {"memory": "-m 64m", "cpuset": "--cpuset-cpus 0", "pids": "--pids-limit 50", "blkio": "--device-read-bps /dev/null:1mb"}


@pytest.mark.applies.with_args(lambda recording: not recording.closed)
def test_a_limit_is_kept_or_refused_by_name(start: Callable[[str], Start], recording: Recording) -> None:
    host = start(recording.name)
    kept = [controller for controller in LIMITED if controller not in recording.lacks]
    text = host.text("vfs", *" ".join(LIMITED[controller] for controller in kept).split())
    for controller in kept:
        assert re.search(rf"write .* to .*/mydocker/ID/({controller}|{controller.replace('blkio', 'io')})\.", text), controller
    for controller in LIMITED.keys() & recording.lacks:
        with pytest.raises(Unsupported, match=f": cgroup controller {controller} is "):
            host.text("vfs", *LIMITED[controller].split())


FLAGS = [
    "--read-only",
    "--privileged",
    "--userns auto",
    "--userns 0:100000:65536 -u www",
    "--pid container:donor",
    "--ipc container:donor --network container:donor",
    "--pid host --ipc host --uts host",
    "-t",
    "-t -i -u www",
    "-u 1000:1000 --group-add web --group-add 7",
    "--init",
    "--network none",
    "--network host -h here",
    "--cgroupns host",
    "-v /etc/passwd:/a/file:ro",
    "-v /tmp:/b:rshared",
    "-v named:/data -v /anonymous --tmpfs /t:size=1m",
    "--mount type=bind,src=/tmp,dst=/c,bind-nonrecursive,bind-propagation=slave",
    "-m 64m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 50 --blkio-weight 300",
    "--ulimit nofile=100:200 --oom-score-adj 500 --sysctl net.ipv4.conf.all.forwarding=1 --domainname there",
    "--device-cgroup-rule 'c 254:* r' --cap-drop ALL --cap-add CHOWN",
    "--security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt systempaths=unconfined",
    "-w /no/such -e A=1 --entrypoint /bin/env box A B",
    "--cgroup-parent /other/parent",
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[str], Start], fake_process: Process) -> Start:
    """Return a Start on a v2 machine that has an init program, where the donor runs as process 4242."""
    (tmp_path / "tini-static").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    here = start("v2")
    os.makedirs(here.paths.running(DONOR), exist_ok=True)
    fake_process(here.paths, 4242)
    state.save(here.paths, DONOR, 4242, "")
    return here


def changes(host: Start, flags: str, plain: str, tmp_path: Path) -> list[str]:
    """Return the lines that differ from the plainest start's; the host's own devices count as one line."""
    text = host.text("overlay", *shlex.split(flags)).replace(str(tmp_path), "BIN")
    lines = [line for line in difflib.ndiff(plain.splitlines(), text.splitlines()) if line[0] in "+-"]
    kept = [line for line in lines if " mknod /" not in line]
    return kept + (["+ init     mknod …: every device of the host"] if kept != lines else [])


def test_what_each_flag_changes(host: Start, tmp_path: Path) -> None:
    plain = (DATA / "overlay-v2.txt").read_text()
    blocks = ["\n".join([f"$ {flags}", *changes(host, flags, plain, tmp_path)]) for flags in FLAGS]
    compare(DATA / "changes.txt", "\n".join(blocks) + "\n")


def test_a_container_to_share_with_that_does_not_run(start: Callable[[str], Start]) -> None:
    prepared = start("v1").prepared("vfs", "--pid", "container:donor")
    with pytest.raises(Conflict, match="cannot join the pid namespace of container donor: it is not running"):
        plans(prepared)


def test_layers_that_nobody_unpacked_yet(start: Callable[[str], Start], template: Path) -> None:
    here = start("v2")
    here.paths = Paths(f"{template}/root", here.paths.state, here.paths.proc, here.paths.sys, here.paths.cgroup)
    prepared = here.prepared("vfs", "-u", "www")
    prepared.driver.layers = f"{template}/elsewhere"
    text = here.neutral(prepared, "\n".join(step.describe() for step in plans(prepared).cli))
    assert re.findall("unpack layer sha256:HEX to (.*)", text) == [f"{template}/elsewhere/LAYER0"]


@pytest.mark.parametrize(
    ("link", "target"),
    [("etc", "/etc"), ("etc", "../../../../../../../../etc"), ("etc/passwd", "/etc/passwd"), ("etc/passwd", "/dev/zero")],
)
def test_an_images_symlinks_do_not_lead_out(start: Callable[[str], Start], tmp_path: Path, link: str, target: str) -> None:
    """The name 'root' is in the host's passwd, and nowhere in this image."""
    prepared = start("v2").prepared("vfs", "-u", "root")
    prepared.driver.layers = str(tmp_path)
    layer = Path(prepared.driver.layer(prepared.record["layers"][0]))
    (layer / link).parent.mkdir(parents=True)
    (layer / link).symlink_to(target)
    with pytest.raises(BadInput, match="unable to find user root"):
        plans(prepared)


def test_another_runtime_does_the_rest(start: Callable[[str], Start], tmp_path: Path) -> None:
    runtime = tmp_path / "runc"
    runtime.touch(0o755)
    prepared = start("v2").prepared("overlay", "--runtime", str(runtime))
    whole = plans(prepared)
    line = f"{runtime} run --bundle {prepared.directory}/bundle {prepared.record['id']}"
    assert [step.describe() for who, step in whole.every() if who == "init"] == [f"execve {line}"]
    assert not any("cgroup" in step.describe() for who, step in whole.every() if who == "monitor")
    text = script(whole)
    assert f"exec {runtime} run --bundle $C/bundle $ID\n" in text
    assert "init.sh" not in text
