"""Known attacks on container runtimes; HACKING.md says which defence each of these fails without."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import Machine

from mydocker import native
from mydocker.errors import BadInput
from mydocker.kernel.namespaces import CLONE_NEWNS, unshare
from mydocker.program import script
from mydocker.runtime.console import OpenConsole
from mydocker.steps.namespaces import ReceiveMounts
from mydocker.steps.process import ChangeDirectory

REPOSITORY = Path(__file__).parents[2]

# Takes hold of the executable of whatever enters its pid namespace, and writes to it when that has ended.
OVERWRITER = """
while :; do
    for p in /proc/[0-9]*; do
        case $(readlink $p/exe) in
        */busybox | '') ;;
        *) exec 5<$p/exe && echo caught > /caught && break 2 ;;
        esac
    done
done
while ! [ -e /ended ]; do :; done
if echo evil >> /proc/self/fd/5; then echo overwritten > /result; else echo refused > /result; fi
"""


@pytest.fixture(params=["native", "script"])
def copied(request: pytest.FixtureRequest, mydocker: Machine, tmp_path: Path) -> tuple[Machine, Path]:
    """Return the command under test on an interpreter of its own, which may be overwritten, and that interpreter.

    With the native launcher all of it runs from a read-only view, with the script only its monitors do.
    """
    subprocess.run([sys.executable, "-m", "venv", "--copies", "--without-pip", tmp_path], check=True)
    interpreter, command = tmp_path / "bin/python", tmp_path / "mydocker"
    libraries = [str(REPOSITORY), str(Path(click.__file__).parents[1])]
    if request.param == "native":
        command.write_bytes(native.command(str(interpreter), "mydocker.cli.entry", *libraries))
    else:
        command.write_text(script(str(interpreter), "mydocker.cli.entry", *libraries))
    command.chmod(0o755)
    return type(mydocker)(mydocker.host, str(command), mydocker.directory), interpreter


@pytest.mark.parametrize("entering", [["run", "--rm", "--pid", "container:spy", "busybox", "true"], ["exec", "spy", "true"]])
def test_cve_2019_5736_the_interpreter_cannot_be_overwritten(mydocker: Machine, copied: tuple[Machine, Path], entering: list[str]) -> None:
    """The spy may trace, so that it gets hold of the interpreter: what protects that is its read-only view."""
    victim, interpreter = copied
    before = interpreter.read_bytes()
    mydocker.sh(f"cat > overwriter <<'END'\n{OVERWRITER}\nEND")
    loop = "while ! [ -e /result ]; do sh /overwriter 2>/dev/null; done; sleep 60"
    spy = ["--name", "spy", "--cap-add", "SYS_PTRACE", "-v", f"{mydocker.directory}/overwriter:/overwriter"]
    assert mydocker("run", "-d", *spy, "busybox", "sh", "-c", loop).rc == 0
    root = f"/proc/{mydocker.pid('spy')}/root"
    for _ in range(50):
        victim(*entering)
        if mydocker.sh(f"cat {root}/caught").rc == 0:
            break
    else:
        pytest.fail("the spy never saw the interpreter: this shows nothing")
    # Nothing is executed from it any more.
    executed = f"for p in /proc/[0-9]*; do ! [ $p/exe -ef {interpreter} ] || echo $p; done"
    mydocker.wait_until(lambda: mydocker.sh(executed).stdout == "")
    mydocker.sh(f"touch {root}/ended")
    assert mydocker.wait_until(lambda: mydocker.sh(f"cat {root}/result 2>/dev/null").stdout) == "refused\n"
    assert interpreter.read_bytes() == before
    mydocker("rm", "-f", "spy")


@pytest.mark.parametrize("number", range(3, 12))
def test_cve_2024_21626_no_descriptor_leads_out(mydocker: Machine, number: int) -> None:
    """Were there a descriptor of the host's tree, the working directory would be in it."""
    mydocker.sh("echo secret > marker")
    script = f"for up in . .. ../.. ../../.. ../../../..; do cat $up/marker $up{mydocker.directory}/marker; done"
    result = mydocker("run", "--rm", "-w", f"/proc/self/fd/{number}", "busybox", "sh", "-c", script)
    assert result.rc != 0
    assert "secret" not in result.stdout


def test_cve_2024_21626_a_working_directory_outside_of_the_root(tmp_path: Path) -> None:
    """The step by itself, in a process whose directory was left outside."""
    if os.geteuid() != 0:
        pytest.skip("needs CAP_SYS_CHROOT")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir("/")
            os.chroot(tmp_path)
            ChangeDirectory(".").apply()
        except BadInput as error:
            status = 0 if "outside of the container's root" in error.message else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_cve_2016_9962_the_entering_process_cannot_be_looked_into(mydocker: Machine) -> None:
    """A container watches another start in its own pid namespace, at the time when that has no more privileges than itself.

    The long PATH makes that time long: only then is it not for lack of capabilities that the spy sees nothing.
    """
    look = "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */busybox | '') ;; *) ls -l $p/exe $p/fd >> /caught ;; esac; done"
    mydocker("run", "-d", "--name", "spy", "busybox", "sh", "-c", f"touch /caught; while :; do {look}; done 2>/dev/null")
    for _ in range(3):
        assert mydocker("run", "--rm", "--pid", "container:spy", "-e", f"PATH={'/x:' * 20000}/bin", "busybox", "true").rc == 0
    assert mydocker.sh(f"cat /proc/{mydocker.pid('spy')}/root/caught").stdout == ""
    mydocker("rm", "-f", "spy")


@pytest.mark.parametrize("target", ["/link/x", "/link2", "/a/../../../../x"])
def test_cve_2021_30465_mounts_stay_inside(mydocker: Machine, target: str) -> None:
    """A volume holds symlinks to outside; a second mount goes through them."""
    mydocker.sh("mkdir -p evil outside; ln -sfn {directory}/outside evil/link; ln -sfn /proc evil/link2; echo data > secret")
    volumes = ["-v", f"{mydocker.directory}/evil:/v", "-v", f"{mydocker.directory}/secret:/v{target}"]
    mydocker("run", "--rm", *volumes, "busybox", "true")
    assert mydocker.sh("ls outside").stdout == ""


@pytest.mark.parametrize("target", ["/proc/self/attr", "/proc/x", "/proc"])
def test_cve_2019_16884_nothing_is_mounted_inside_proc(mydocker: Machine, target: str) -> None:
    result = mydocker("run", "--rm", "--tmpfs", target, "busybox", "true")
    assert result.rc == 125
    assert target in result.stderr


@pytest.mark.parametrize("null", ["ln -s /etc/secret evil/null", "echo fake > evil/null", "mknod evil/null c 1 5"])
def test_cve_2025_31133_what_masks_is_the_null_device(mydocker: Machine, null: str) -> None:
    """A /dev of the user's own holds another /dev/null, to be bound over what must be hidden."""
    mydocker.sh(f"mkdir evil secrets; echo secret > secrets/secret; {null}")
    volumes = ["-v", f"{mydocker.directory}/evil:/dev", "-v", f"{mydocker.directory}/secrets:/etc"]
    result = mydocker("run", "--rm", *volumes, "busybox", "cat", "/proc/kcore")
    assert (result.rc, result.stdout) == (125, "")
    assert "is not the null device" in result.stderr or "/dev/null" in result.stderr


@pytest.mark.kernel
def test_cve_2025_52881_a_sysctl_is_written_to_a_real_procfs(mydocker: Machine) -> None:
    """The volume's /proc/sys is a file tree that leads to the host's settings; what is written stays out of it."""
    mydocker.sh("mkdir -p fake/sys/net/ipv4; echo kept > fake/sys/net/ipv4/ip_default_ttl")
    volume = ["-v", f"{mydocker.directory}/fake:/proc"]
    mydocker(
        "run", "--rm", "--security-opt", "systempaths=unconfined", *volume, "--sysctl", "net.ipv4.ip_default_ttl=77", "busybox", "true"
    )
    assert mydocker.sh("cat fake/sys/net/ipv4/ip_default_ttl").stdout == "kept\n"


@pytest.mark.kernel
def test_cve_2022_0492_no_release_agent(mydocker: Machine) -> None:
    mounts = ("mount -t cgroup -o memory c /tmp/c", "mount -t cgroup2 c /tmp/c", "unshare -UrmC mount -t cgroup -o memory c /tmp/c")
    assert mydocker("run", "--rm", "busybox", "sh", "-c", "; ".join(["mkdir /tmp/c", *mounts, "ls /tmp/c"])).stdout == ""
    files = "$(find /sys/fs/cgroup/ -name release_agent -o -name notify_on_release -o -name cgroup.procs)"
    script = f"n=0; for f in {files}; do n=$((n+1)); (: >> $f) 2> /dev/null && echo $f; done; echo $n"
    *writable, seen = mydocker("run", "--rm", "busybox", "sh", "-c", script).stdout.split()
    assert writable == []
    assert int(seen) > 0


@pytest.mark.parametrize("flags", [[], ["--privileged"], ["--cap-add", "ALL"]])
def test_cve_2022_29162_inheritable_capabilities_are_empty(mydocker: Machine, flags: list[str]) -> None:
    line = mydocker("run", "--rm", *flags, "busybox", "grep", "CapInh", "/proc/self/status").stdout
    assert line.split() == ["CapInh:", "0" * 16]


def test_cve_2020_15257_no_abstract_socket_listens(mydocker: Machine) -> None:
    """A container with the host's network sees every abstract socket: a start adds none."""
    sockets = "awk '$8 ~ /^@/ { print $8 }' /proc/net/unix | sort -u"
    before = set(mydocker.sh(sockets).stdout.split())
    mydocker("run", "-d", "--name", "up", "--network", "host", "busybox", "sleep", "60")
    inside = mydocker("run", "--rm", "--network", "host", "busybox", "sh", "-c", sockets)
    assert inside.rc == 0
    assert set(inside.stdout.split()) <= before
    mydocker("rm", "-f", "up")


def test_cve_2022_36109_the_primary_group_is_a_supplementary_one(mydocker: Machine) -> None:
    assert mydocker("run", "--rm", "-u", "1000:1000", "busybox", "sh", "-c", "grep Groups /proc/self/status").stdout.split() == [
        "Groups:",
        "1000",
    ]


def test_cve_2025_52565_only_a_terminal_becomes_the_console(mydocker: Machine, tmp_path: Path) -> None:
    """What stands for the terminal may have become a way to /proc/sysrq-trigger: it is refused before it is bound."""
    (tmp_path / "dev").mkdir()
    for name in ("trigger", "dev/console"):
        (tmp_path / name).write_text(name)
    child = os.fork()
    if child == 0:
        try:
            unshare(CLONE_NEWNS)
            ReceiveMounts().apply()
            OpenConsole(str(tmp_path), None, None)._use(os.open(tmp_path / "trigger", os.O_PATH))
        except OSError as error:
            bound = (tmp_path / "dev/console").read_text() == "trigger"
            os._exit(0 if error.errno == errno.ENOTTY and not bound else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
