"""What is done to a machine from outside, by ssh. The login must be root's, or that of a user whose sudo asks no password.

    python vm/sshconfig.py aufs
    fab -r vm -S vm/ssh-config -H aufs sync provision test

The tasks are small. On the machine they run vm/provision.sh, vm/collect.sh and pytest. Each task can be repeated, also after it was
interrupted.
"""

import shlex
import tarfile
import tempfile
import time
from pathlib import Path
from socket import IPPROTO_TCP, TCP_USER_TIMEOUT

from fabric import Connection, task
from invoke import Exit, UnexpectedExit
from remote import PREFIX, RESULTS, check_recording, pack_line, pytest_line, record_line, recording_path, storage_of

REPOSITORY = Path(__file__).resolve().parents[1]
PARTS = "packages python mounts modules install service image tests"


@task
def sync(c: Connection) -> None:
    """Copy this tree to ~/mydocker."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
        c.local(pack_line(REPOSITORY, archive.name))
        c.put(archive.name, "mydocker.tar.gz")
    # The tree is unpacked beside the old one, which is removed only when the new one is whole. Root removes it, because tests leave
    # files of root's in it.
    c.run("mkdir -p mydocker.new && tar -C mydocker.new --recursive-unlink -xzf mydocker.tar.gz")
    as_root(c, "rm -rf mydocker && mv mydocker.new mydocker && rm mydocker.tar.gz")


@task(help={"parts": f"parts of vm/provision.sh [{PARTS}]", "prefix": f"where to install [{PREFIX}]"})
def provision(c: Connection, parts: str = PARTS, prefix: str = PREFIX) -> None:
    """Make the machine ready: packages, Python, cgroups, modules, mydocker, the image, what the tests import; after a sync."""
    as_root(c, f"PREFIX={shlex.quote(prefix)} mydocker/vm/provision.sh {parts}")


@task(help={"prefix": f"where to install [{PREFIX}]"})
def install(c: Connection, prefix: str = PREFIX) -> None:
    """Install this tree's mydocker, after a sync."""
    provision(c, "install", prefix)


@task(
    help={
        "pytest": "pytest's arguments, in one word [tests/integration]",
        "results": "the file for the results, JUnit XML [vm/collected/HOST.xml]",
        "factor": "MYDOCKER_TEST_TIMEOUT_FACTOR, for a slow machine [1]",
        "storage": "the default storage driver of the tests [aufs on the machine of that name, else mydocker's choice]",
        "seconds": "end pytest after that time [3600]",
        "prefix": f"where mydocker was installed [{PREFIX}]",
    }
)
def test(
    c: Connection, pytest: str = "", results: str = "", factor: str = "1", storage: str = "", seconds: int = 3600, prefix: str = PREFIX
) -> None:
    """Run tests there, against the installed mydocker, and fetch the results; the exit status is pytest's, 124 after the deadline."""
    line = pytest_line(pytest, factor=factor, seconds=seconds, prefix=prefix, storage=storage_of(c.original_host, storage))
    as_root(c, f"rm -f {RESULTS}")
    status = as_root(c, line, warn=True)
    path = Path(results) if results else collected(c, ".xml")
    if as_root(c, f"test -e {RESULTS}", warn=True) == 0:
        c.get(RESULTS, str(path))
        print(f"results: {path}")
    if status != 0:
        raise Exit(f"the tests on {c.original_host} failed: exit status {status}{' (deadline)' if status == 124 else ''}", code=status)


@task(help={"directory": "where to [vm/collected/HOST-TIME]", "prefix": f"where mydocker was installed [{PREFIX}]"})
def collect(c: Connection, directory: str = "", prefix: str = PREFIX) -> None:
    """Fetch journal, dmesg, mounts, cgroups, links, processes and mydocker's files, after a failure."""
    path = Path(directory) if directory else collected(c, time.strftime("-%Y%m%d-%H%M%S"))
    remote = c.run("mktemp -d /tmp/mydocker-collect.XXXXXX", hide=True).stdout.strip()
    try:
        c.put(str(REPOSITORY / "vm/collect.sh"), f"{remote}/collect.sh")
        as_root(c, f"MYDOCKER_COMMAND={shlex.quote(prefix)}/bin/mydocker sh {remote}/collect.sh {remote}/state")
        as_root(c, f"tar -C {remote}/state -czf {remote}/state.tar.gz . && chmod 644 {remote}/state.tar.gz")
        with tempfile.NamedTemporaryFile(suffix=".tar.gz") as archive:
            c.get(f"{remote}/state.tar.gz", archive.name)
            path.mkdir(parents=True, exist_ok=True)
            with tarfile.open(archive.name) as tar:
                tar.extractall(path, filter="data")
    finally:
        as_root(c, f"rm -rf {remote}")
    print(f"collected: {path}")


@task(help={"name": "what the recording is called [HOST]"})
def record(c: Connection, name: str = "") -> None:
    """Record what mydocker reads of the machine's kernel, for the unit tests: tests/data/machines/NAME.txt; nothing is installed there."""
    try:
        path = recording_path(REPOSITORY, name or c.original_host)
        path.write_text(check_recording(_record(c, path.with_name("record.py"))))
    except ValueError as error:
        raise Exit(str(error)) from error
    print(f"recorded: {path}")


def _record(c: Connection, recorder: Path) -> str:
    """Run the recorder on the machine, in a directory that is removed afterwards. Return what it wrote."""
    remote = c.run("mktemp -d /tmp/mydocker-record.XXXXXX", hide=True).stdout.strip()
    try:
        c.put(str(recorder), f"{remote}/record.py")
        as_root(c, record_line(remote))
        with tempfile.NamedTemporaryFile() as fetched:
            c.get(f"{remote}/recording", fetched.name)
            return Path(fetched.name).read_text()
    finally:
        as_root(c, f"rm -rf {remote}")


def collected(c: Connection, suffix: str) -> Path:
    """Return the path for something that was fetched from a machine. Its directory exists, and git ignores it."""
    directory = REPOSITORY / "vm/collected"
    directory.mkdir(exist_ok=True)
    return directory / f"{c.original_host}{suffix}"


def as_root(c: Connection, line: str, *, warn: bool = False) -> int:
    """Run a shell line as root in the login directory and return its exit status.

    Raises Exit if the connection was lost, and UnexpectedExit for any status but 0 unless `warn` is given.
    """
    c.open()
    # If the machine dies, the task must end. So something is sent every 15 s, and it must be acknowledged within a minute.
    c.transport.set_keepalive(15)
    c.transport.sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, 60_000)
    quoted = f"sudo sh -c {shlex.quote(line)}" if c.run("id -u", hide=True).stdout.strip() != "0" else line
    result = c.run(quoted, warn=True)
    if result.exited < 0:
        raise Exit(f"the connection to {c.original_host} was lost, as when a machine dies", code=1)
    if result.failed and not warn:
        raise UnexpectedExit(result)
    return int(result.exited)
