"""What the caller's surroundings are must not matter: one scenario, in each of them the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Machine
from test_travel import serving

# Every kind of work: a build, a container with output and a status, one more process, its log, its files, an image of it, the end.
SCENARIO = """
{mydocker} build -q -t made {directory}/ctx > /dev/null
{mydocker} run -d --name one --network none -v vol:/vol made sh -c 'echo out; echo err >&2; sleep 600' > /dev/null
{mydocker} exec one sh -c 'umask; cat /copied; pwd; exit 3'; echo "status $?"
{mydocker} logs one 2>&1 | sort
{mydocker} cp one:/copied - | tar -tf -
{mydocker} commit one again > /dev/null
{mydocker} images --format '{{.Repository}}' | sort
{mydocker} ps --format '{{.Names}} {{.State}}'
{mydocker} stop -t 0 one
{mydocker} rm -v one
{mydocker} rmi again made > /dev/null
{mydocker} builder prune -af > /dev/null
{mydocker} volume rm vol
{mydocker} run --rm --network none busybox sh -c 'date +%Z; trap; exit 7'; echo "status $?"
"""

OUTPUT = """\
0022
content
/made
status 3
err
out
copied
again
busybox
made
one running
one
one
vol
UTC
status 7
"""

# The other verbs: networks, volumes, what is done to a container that does not run, archives, a registry, and the whole.
OTHERS = """
{mydocker} network create --subnet 10.99.0.0/24 own > /dev/null
{mydocker} create --name two --network none --label a=b busybox sh -c 'cat /f' > /dev/null
{mydocker} cp {directory}/ctx/file two:/f
{mydocker} update --restart no two
{mydocker} rename two three
{mydocker} start -a three
{mydocker} export three | tar -t f
{mydocker} diff three | grep f$
{mydocker} rm three
{mydocker} run --rm --network own -p 127.0.0.1::80 busybox ip -o -4 address show eth0 | cut -d ' ' -f 7
{mydocker} network rm own
{mydocker} volume create --label a=b named
{mydocker} run --rm --network none -v named:/v busybox touch /v/kept
{mydocker} run --rm --network none -v named:/v busybox ls /v
{mydocker} volume prune -af | grep named
{mydocker} tag busybox 127.0.0.1:5000/x
{mydocker} push -q 127.0.0.1:5000/x
{mydocker} save 127.0.0.1:5000/x > {directory}/x.tar
{mydocker} rmi 127.0.0.1:5000/x
{mydocker} pull -q 127.0.0.1:5000/x
{mydocker} rmi 127.0.0.1:5000/x
{mydocker} load -q < {directory}/x.tar
{mydocker} rmi 127.0.0.1:5000/x
{mydocker} import {directory}/x.tar plain > /dev/null
{mydocker} history -q --no-trunc plain | wc -l
{mydocker} rmi plain > /dev/null
{mydocker} info --format '{{.Containers}} {{.Images}}'
{mydocker} system df --format '{{.Type}} {{.TotalCount}}'
{mydocker} system check
{mydocker} events --since 1h --until 0s --filter type=volume --filter volume=named --format '{{.Action}}' | sort -u
"""

OTHERS_OUTPUT = """\
two
content
f
A /f
three
10.99.0.2/24
own
named
kept
named
127.0.0.1:5000/x:latest
Untagged: 127.0.0.1:5000/x:latest
127.0.0.1:5000/x:latest
Untagged: 127.0.0.1:5000/x:latest
Loaded image: 127.0.0.1:5000/x:latest
Untagged: 127.0.0.1:5000/x:latest
1
0 1
Images 1
Containers 0
Local Volumes 0
Build Cache 0
create
destroy
mount
unmount
"""

SURROUNDINGS = {
    "plain": "",
    "umask": "umask 077",
    "a directory that is gone": "mkdir gone; cd gone; rmdir ../gone",
    "an unreadable directory": "cd /proc/self/task",
    "no standard input": "exec <&-",
    "many descriptors": 'for n in 3 4 5 6 7 8 9; do eval "exec $n< /dev/null"; done',
    "few descriptors": "ulimit -n 256",
    "no core files": "ulimit -c 0; ulimit -s 4096",
    "another language": "export LC_ALL=C LANG=xx_XX",
    "an unknown language": "export LC_ALL=xx_XX.ISO-8859-15",
    "another time zone": "export TZ=Asia/Kathmandu",
    "no home": "unset HOME USER LOGNAME",
    "a home that is not there": "export HOME=/nonexistent",
    "no variables but PATH": "unset HOME USER LOGNAME LANG TERM SHELL PWD OLDPWD MAIL XDG_CACHE_HOME",
    "Python's own variables": "export PYTHONPATH=/nonexistent PYTHONHOME=/nonexistent PYTHONIOENCODING=ascii PYTHONUTF8=0",
    "ignored signals": "trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2 CHLD TSTP TTIN TTOU WINCH",
}


# All that does not exclude each other.
TOGETHER = [name for name in SURROUNDINGS if name not in ("an unreadable directory", "another language", "a home that is not there")]


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_same_comes_out(mydocker: Machine, name: str) -> None:
    mydocker.sh("mkdir ctx; printf 'FROM busybox\\nWORKDIR /made\\nCOPY file /copied\\n' > ctx/Dockerfile; echo content > ctx/file")
    result = mydocker.sh(f"{SURROUNDINGS[name]}\n{SCENARIO}")
    assert result.stdout == OUTPUT, result.stderr
    assert result.stderr == ""


@pytest.fixture
def registry(mydocker: Machine) -> Iterator[None]:
    for _ in serving(mydocker, ""):
        yield


@pytest.mark.parametrize("names", [["plain"], TOGETHER], ids=["plain", "together"])
def test_the_same_comes_out_of_the_other_verbs(mydocker: Machine, registry: None, names: list[str]) -> None:
    mydocker.sh("mkdir ctx; echo content > ctx/file")
    surroundings = "\n".join(SURROUNDINGS[name] for name in names)
    result = mydocker.sh(f"{surroundings}\n{OTHERS}")
    assert result.stdout == OTHERS_OUTPUT, result.stderr
    assert result.stderr == ""


# What docker does: a closed stream is /dev/null, and what cannot be written is said once. What follows the verb has the status in front.
STREAMS = {
    "ps >&-": (0, ""),
    "ps >&- 2>&- <&-": (0, ""),
    "ps -q 2>&-": (0, ""),
    "version >/dev/full": (1, "mydocker: standard output: No space left on device\n"),
    "ps --help >/dev/full": (1, "mydocker: No space left on device\n"),
    "inspect nosuch 2>&-": (1, ""),
    "run --rm --network none busybox echo out >&-": (0, ""),
    "run --rm --network none busybox echo out >/dev/full": (1, "mydocker: standard output: No space left on device\n"),
    "run --rm --network none busybox sh -c 'echo err >&2' 2>&-": (0, ""),
    "run --rm --network none -i busybox cat <&-": (0, ""),
    "run --rm --network none -d busybox true >&-": (0, ""),
    "run --rm --network none busybox sh -c 'exit 3' >&- 2>&- <&-": (3, ""),
}


@pytest.mark.parametrize("line", STREAMS)
def test_closed_and_full_streams(mydocker: Machine, line: str) -> None:
    done = mydocker.sh(f"timeout 60 {{mydocker}} {line}")
    assert (done.rc, done.stderr) == STREAMS[line]
    assert done.stdout in ("", "[]\n")
    mydocker.wait_until(lambda: mydocker("ps", "-aq").stdout == "")


def test_a_reader_that_goes_away(mydocker: Machine) -> None:
    """It is 141, as of other programs, and nothing is said: there is nobody to read it."""
    for line in ("ps --help", "help run", "--explain run --rm --network none busybox true", "images"):
        done = mydocker.sh(f"bash -c 'set -o pipefail; {{mydocker}} {line} 2>&1 | true'")
        assert (done.rc in (0, 141), done.stdout, done.stderr) == (True, "", ""), line
    assert mydocker.sh("ls state/errors").rc != 0
    mydocker.wait_until(lambda: mydocker("ps", "-aq").stdout == "")


# Without --init sleep would be a first process, for which SIGINT does nothing.
RUN = "run --rm --init --network none busybox sleep 600"
INTERRUPTED = ["ps", "ps --help", "inspect busybox", RUN, "create --network none busybox"]


@pytest.mark.parametrize("line", INTERRUPTED)
def test_ctrl_c_at_any_moment(mydocker: Machine, line: str) -> None:
    """It ends with 130, or the verb was done before, and prints nothing."""
    # A shell would have its background processes ignore SIGINT, so Python sends it. The moments are not waited for: they are what is tried.
    script = """
import signal, subprocess, sys
for moment in range(40):
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        process.wait(moment * 0.003)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    print(process.wait(60), process.stderr.read())
"""
    mydocker.sh(f"cat > interrupt.py <<'END'\n{script}\nEND")
    interrupted = mydocker.sh(f"python3 interrupt.py {{mydocker}} {line}")
    assert interrupted.rc == 0, interrupted.stderr
    # -2: it came before the launcher ran at all.
    assert {"130 b''"} <= set(interrupted.stdout.splitlines()) <= {"0 b''", "130 b''", "-2 b''"}
    mydocker.sh("{mydocker} rm -f $({mydocker} ps -aq)")
    mydocker.wait_until(lambda: mydocker.sh("{mydocker} system check").stdout == "")
