"""What the caller's surroundings are must not matter: one scenario, in each of them the same."""

from __future__ import annotations

import pytest
from conftest import Machine

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


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_same_comes_out(mydocker: Machine, name: str) -> None:
    mydocker.sh("mkdir ctx; printf 'FROM busybox\\nWORKDIR /made\\nCOPY file /copied\\n' > ctx/Dockerfile; echo content > ctx/file")
    result = mydocker.sh(f"{SURROUNDINGS[name]}\n{SCENARIO}")
    assert result.stdout == OUTPUT, result.stderr
    assert result.stderr == ""
