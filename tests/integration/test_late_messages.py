"""Each message of messages.py is late, at whoever sends it or at whoever has received it: the same comes out, and nothing is left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Machine

from mydocker import messages

SECONDS = 0.25
# So many are late at once: they wait more than they work.
AT_ONCE = 5

# What is typed, what comes out of it, and which messages are late in turn.
SCENARIOS = {
    "run -d": (
        """
        {mydocker} run -d --name {n} busybox sh -c 'ip -o -4 address show eth0 | wc -l; sleep 0.4; exit 4' > /dev/null
        {mydocker} wait {n}; {mydocker} logs {n}; {mydocker} rm {n} | grep -c {n}
        """,
        "4\n1\n1\n",
        "START STARTED ATTACH ISOLATED BUILT GO READY GONE END",
    ),
    "run": (
        """
        echo in | {mydocker} run -i --rm busybox sh -c 'cat; exec <&-; echo err >&2; exit 3'; echo $?
        """,
        "in\nerr\n3\n",
        "START STARTED INPUT TAKEN CLOSED OUTPUT ERRORS ISOLATED GO READY GONE END",
    ),
    "run without a program": (
        """
        {mydocker} run --rm busybox no-such-program; echo $?
        """,
        "mydocker: exec: 'no-such-program': executable file not found in $PATH\n127\n",
        "START ISOLATED BUILT GO READY FAILURE GONE",
    ),
    "exec": (
        """
        echo in | {mydocker} exec -i kept sh -c 'cat; exit 5'; echo $?
        {mydocker} exec kept no-such-program; echo $?
        """,
        "in\n5\nmydocker: exec: 'no-such-program': executable file not found in $PATH\n127\n",
        "EXEC STARTED ISOLATED GO READY FAILURE GONE INPUT TAKEN OUTPUT END",
    ),
    "run --userns auto": (
        """
        {mydocker} run --rm --userns auto busybox sh -c 'ip -o -4 address show eth0 | wc -l; id -u; exit 6'; echo $?
        """,
        "1\n0\n6\n",
        "UNMAPPED MAPPED BORN ISOLATED BUILT GO READY GONE",
    ),
    "run --restart": (
        """
        {mydocker} run -d --name {n} --network none --restart on-failure:1 busybox false > /dev/null
        while {mydocker} ps -a --filter name={n} --format '{{.State}}' | grep -q -x -e running -e restarting; do sleep 0.3; done
        {mydocker} inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' {n}; {mydocker} rm {n} | grep -c {n}
        """,
        "exited 1 1\n1\n",
        "START STARTED ISOLATED BUILT GO READY GONE END",
    ),
    "a signal": (
        """
        exec 3<> {n}.said
        {mydocker} run --rm --network none busybox sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done' > {n}.said &
        until grep -q ready {n}.said; do sleep 0.02; done
        kill -TERM $!; wait $!; echo $?
        """,
        "7\n",
        "STARTED SIGNAL END",
    ),
    "network connect": (
        """
        {mydocker} network create {n} > /dev/null
        {mydocker} run -d --name {n} busybox sleep 60 > /dev/null; {mydocker} network connect {n} {n}
        {mydocker} exec {n} nslookup {n} | grep -c -x "Name:.{n}"; {mydocker} rm -f {n} | grep -c {n}
        {mydocker} network rm {n} | grep -c {n}
        """,
        "1\n1\n1\n",
        "NAMES",
    ),
    "a terminal": (
        """
        line='stty rows 11 cols 22; {mydocker} run -it --rm --network none busybox stty size'
        script -q -e -c "$line" /dev/null < /dev/null | grep -o '11 22'
        {mydocker} exec -t kept sh -c 'test -t 0; exit $?'; echo $?
        """,
        "11 22\n0\n",
        "START EXEC TERMINAL SIZE READY GONE END",
    ),
    "an explanation": (
        """
        {mydocker} --explain run --rm --network none busybox true 2>&1 | grep -c -e ' fork ' -e ' execve '; echo $?
        """,
        "1\n0\n",
        "EXPLAIN",
    ),
}


def test_each_message_is_late_in_a_scenario() -> None:
    # LISTENER is sent only for mydocker-oci, TREE and REFUSED are a question of their own.
    others = {"LISTENER", "TREE", "REFUSED"}
    kinds = {name for name, kind in vars(messages).items() if name.isupper() and isinstance(kind, str)}
    assert {name for _, _, names in SCENARIOS.values() for name in names.split()} == kinds - others


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_comes_out(mydocker: Machine, no_idmapped_mounts: str, scenario: str) -> None:
    script, expected, names = SCENARIOS[scenario]
    if "userns" in scenario and no_idmapped_mounts:
        pytest.skip(no_idmapped_mounts)
    late = [("send", "START"), *((act, name) for name in names.split() for act in ("send", "receive") if (act, name) != ("send", "GONE"))]

    def run(number: int) -> str:
        act, name = late[number]
        seconds = 0.005 if name == "EXPLAIN" else SECONDS
        text = script.replace("{n}", f"box{number}")
        return mydocker.sh(f"exec 2>&1\nexport MYDOCKER_DELAY={act}:{name}:{seconds}\n{text}").stdout

    mydocker("run", "-d", "--name", "kept", "--network", "none", "busybox", "sleep", "60")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        came = dict(zip(late, pool.map(run, range(len(late))), strict=True))
    mydocker("rm", "-f", "kept")
    assert came == dict.fromkeys(late, expected)
