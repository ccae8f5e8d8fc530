"""Chaos: random verbs by several processes at once on one ROOT, some killed, some with a crash or a failure injected.

A round is drawn whole before it begins, from one generator; so a seed names the verbs of every round. Who is first among those that run at
the same time, and what a kill meets, the machine decides.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from conftest import FACTOR, Machine

from mydocker.value import Value

# How many processes type verbs at once, and how many verbs each of them in a round.
AT_ONCE, IN_A_ROW = 3, 4
# What takes longer hangs.
HANGS_AFTER = 60
# Who waits for a container is killed after so many seconds at the latest.
PATIENCE = 5

# How often, and what: what makes something comes more often than what removes it. What a word in braces may become is below.
VERBS = """
3 run --name {c} {flags} busybox {program}
3 run --rm --name {c} {flags} busybox {program}
3 run --rm --pull never {flags} {i} {program}
3 run -d --name {c} {flags} busybox {program}
3 run -d --name {c} {flags} busybox sleep 30
3 run -d --rm --name {c} {flags} busybox {program}
3 run -d --name {c} --network {n} --pull never -v {v}:/data {i} sleep 30
3 run -d --name {c} --restart always busybox {program}
3 create --name {c} {flags} busybox {program}
3 create --name {c} --network {n} -p 127.0.0.1::80 busybox sleep 30
2 start {c}
2 start {c} {c}
2 start -a {c}
1 stop -t 1 {c}
1 restart -t 0 {c}
1 kill {c}
1 kill -s TERM {c}
1 pause {c}
1 unpause {c}
1 rm {c}
1 rm -f {c}
1 rm -f -v {c} {c}
2 exec {c} {program}
2 exec -d {c} sleep 30
2 exec {c} cat /etc/hosts
2 cp f {c}:/{file}
2 cp {c}:/etc {file}-etc
2 cp {c}:/data {file}-data
2 commit {c} {i}
2 commit --pause=false {c}
1 export -o {file}.export {c}
1 diff {c}
1 rename {c} {c}
1 update -m 48m --memory-swap 96m {c}
1 update --restart no {c}
1 logs {c}
1 logs -t {c}
1 top {c}
1 port {c}
1 inspect {c}
1 inspect -s {c} {c}
1 ps -a
1 ps -as
1 ps -q
1 stats --no-stream
2 volume create {v}
1 volume rm {v}
1 volume rm -f {v}
1 volume inspect {v}
1 volume ls
1 volume prune -f
4 network create {n}
4 network create --driver bridge --subnet 10.77.{byte}.0/24 {n}
1 network rm {n}
3 network connect {n} {c}
1 network disconnect {n} {c}
1 network disconnect -f {n} {c}
1 network inspect {n}
1 network ls
1 network prune -f
3 build -q -t {i} context
3 build --no-cache -q -t {i} context
2 tag busybox {i}
2 tag {i} {i}
1 rmi {i}
1 rmi -f {i}
1 images
1 images -a
1 image inspect {i}
1 history {i}
1 image prune -f
3 builder prune -f
1 container prune -f
1 system prune -f
1 system df
1 system check
1 system check --repair
1 save -o {file}.tar {i}
1 load -q -i {file}.tar
1 import context/f {i}
1 info
1 events --since 1m --until 0s
""".strip().splitlines()

WEIGHTS, LINES = [int(line.split()[0]) for line in VERBS], [line.partition(" ")[2] for line in VERBS]

FLAGS = (
    "",
    "",
    "-v {v}:/data",
    "-v /data",
    "-m 64m",
    "-p 127.0.0.1::80",
    "--network none",
    "--network {n}",
    "--network {n} -p 8{byte}:80",
    "--network container:{c}",
    "--pid container:{c}",
    "--volumes-from {c}",
    "--init",
    "--read-only --tmpfs /t",
    "--health-cmd true --health-interval 1s",
    "--userns auto",
    "--cgroup-parent own-{v}",
)
PROGRAMS = (
    "true",
    "false",
    "no-such-program",
    "sleep 1",
    "sh -c 'echo said; sleep 0.1'",
    "sh -c 'mkdir -p /data; echo written > /data/f; exit 3'",
    "dd if=/dev/zero of=/big bs=64k count=16",
)
# Verbs that may wait for a container, and for ever if somebody pauses it.
WAITING = re.compile(r"(run|start -a|exec)\b(?! -d)")
FAULTS = {"cli": 20, "monitor": 60, "init": 100}  # {who: the latest step}
ERRNOS = ("ENOSPC", "EIO", "EMFILE", "ENOMEM")
UNFORESEEN = re.compile(r"Traceback|the full story")
# The kernel's word about something of ours that another verb has taken away: ours says that the container, or whatever it is, has gone.
RACED = re.compile(
    r"^mydocker: (?!cannot read 'file\d).*: (No such file or directory|No such process|Bad file descriptor|File exists|Directory not empty"
    r"|Device or resource busy|No such device)",
    re.MULTILINE,
)


class Call(Value):
    """One command line, and what is done to it."""

    line: str
    faults: dict[str, str]  # the environment that injects them
    patience: float  # it is killed after so many seconds
    is_killed: bool  # whether that is as it should be


class Draw:
    """What a seed decides."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def _word(self, match: re.Match[str]) -> str:
        name, choose = match[1], self.random.choice
        if name == "flags":
            return self.filled(choose(FLAGS))
        if name == "program":
            return choose(PROGRAMS)
        if name == "byte":
            return str(self.random.randrange(100))
        return f"{name}{self.random.randrange({'c': 5, 'v': 3, 'n': 2, 'i': 3, 'file': 3}[name])}"

    def filled(self, line: str) -> str:
        return re.sub(r"\{(\w+)\}", self._word, line)

    def fault(self) -> dict[str, str]:
        who = self.random.choice(list(FAULTS))
        place = f"{who}:{self.random.randint(1, FAULTS[who])}"
        if self.random.random() < 0.5:
            return {"MYDOCKER_CRASH_AFTER": place}
        return {"MYDOCKER_FAIL_AT": f"{place}:{self.random.choice(ERRNOS)}"}

    def call(self, is_violent: bool) -> Call:
        line = self.filled(self.random.choices(LINES, WEIGHTS)[0])
        faults = self.fault() if is_violent and self.random.random() < 0.3 else {}
        killed_after = self.random.uniform(0, 0.4) if is_violent and self.random.random() < 0.2 else 0.0
        waits = WAITING.match(line) is not None
        patience = killed_after or (PATIENCE if waits else HANGS_AFTER) * FACTOR
        return Call(line=line, faults=faults, patience=patience, is_killed=bool(killed_after) or waits)

    def round(self) -> tuple[list[list[Call]], list[tuple[float, int]]]:
        """Return what each process types, and (after how many seconds, which) of ours is killed. In a calm round, nothing is."""
        is_violent = self.random.random() < 0.6
        calls = [[self.call(is_violent) for _ in range(IN_A_ROW)] for _ in range(AT_ONCE)]
        kills = [(self.random.uniform(0, 0.5), self.random.randrange(1000)) for _ in range(self.random.randrange(4) if is_violent else 0)]
        return calls, kills


class Chaos:
    """A run of rounds on a machine's ROOT, which has the image busybox and nothing else."""

    def __init__(self, machine: Machine, seed: int) -> None:
        self.machine = machine
        self.seed = seed
        self.draw = Draw(seed)
        self.told: list[str] = []  # the verbs so far and what became of them
        self.number = 0
        machine.sh(
            "mkdir context; echo f > f; cp f context/f; tar c f | gzip > context/f; cat > context/Dockerfile << .\n" + DOCKERFILE + "."
        )
        self.before = machine.snapshot()
        self.stored = self._stored()

    def _fail(self, what: str, expected: str) -> None:
        last = "\n".join(self.told[-60:])
        raise AssertionError(f"seed {self.seed}, round {self.number}: {what}\nexpected: {expected}\nthe verbs before it:\n{last}")

    def round(self) -> None:
        """Do the next round, and look at what it made of the machine."""
        self.number += 1
        self.told.append(f"-- round {self.number}")
        calls, kills = self.draw.round()
        ended = Event()
        with ThreadPoolExecutor(AT_ONCE + 1) as pool:
            killer = pool.submit(self._kill, kills, ended)
            typing = [pool.submit(self._type, each) for each in calls]
            for each in typing:
                each.exception()
            ended.set()
            killer.result()
        for each in typing:
            each.result()
        self._look()

    def _type(self, calls: list[Call]) -> None:
        for call in calls:
            self._call(call)

    def _call(self, call: Call) -> None:
        words = [self.machine.command, *shlex.split(call.line)]
        environment = {**os.environ, **self.machine.environment, **call.faults}
        with subprocess.Popen(
            words,
            env=environment,
            cwd=self.machine.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            try:
                errors = process.communicate(timeout=call.patience)[1]
            except subprocess.TimeoutExpired:
                process.kill()
                errors = process.communicate()[1]
                if not call.is_killed:
                    self._fail(f"{call.line!r} hangs", f"an end within {HANGS_AFTER} s")
        status = process.returncode
        faults = "".join(f"{name}={value} " for name, value in call.faults.items())
        self.told.append(f"{faults}{call.line} -> {status} {errors.strip()}")
        if UNFORESEEN.search(errors) or (not call.faults and RACED.search(errors)):
            self._fail(f"{call.line!r} ended with {status} and said:\n{errors}", "a line that says what was foreseen")
        if status < 0 and not (status == -signal.SIGKILL and (call.is_killed or "MYDOCKER_CRASH_AFTER" in call.faults)):
            self._fail(f"{call.line!r} was ended by signal {-status}", "an exit status")

    def _kill(self, kills: list[tuple[float, int]], ended: Event) -> None:
        for seconds, which in kills:
            if ended.wait(seconds):
                return
            found = self._processes()
            if found:
                self._kill_one(found[which % len(found)])

    def _kill_one(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # It has ended meanwhile.
        try:
            if pid in self._processes():  # still the same one, and not another that has its pid now
                self.told.append(f"kill -9 {Path(f'/proc/{pid}/comm').read_text().strip()}")
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            return
        finally:
            os.close(descriptor)

    def _processes(self) -> list[int]:
        """Return the monitors and the containers' processes: whoever sees something of ours mounted."""
        found = self.machine.sh("grep -l {directory} /proc/[0-9]*/mountinfo 2>/dev/null").stdout
        return [int(path.split("/")[2]) for path in found.split()]

    def _must(self, *words: str) -> str:
        """Run a verb that must succeed, whatever was done before."""
        result = self.machine(*words)
        self.told.append(f"{shlex.join(words)} -> {result.rc} {result.stderr.strip()}")
        if result.rc != 0 or result.stderr:
            self._fail(f"{shlex.join(words)!r} ended with {result.rc} and said:\n{result.stdout}{result.stderr}", "0 and no complaint")
        return result.stdout

    def _look(self) -> None:
        """Look at what a round has left."""
        self._must("ps", "-a")
        self._must("images", "-a")
        self._check()
        story = self.machine.sh("cat state/errors/* 2>/dev/null").stdout
        if story:
            self._fail(f"an exception that nobody foresaw:\n{story}", "nothing in STATE/errors")
        if os.path.exists(f"{self.machine.directory}/root/damaged"):
            self._fail("something was damaged: " + self.machine.sh("find root/damaged").stdout, "nothing that a crash can damage")

    def _check(self) -> None:
        """Repair, until nothing is left that no living process owns. What ends by itself meanwhile may be told once."""
        said: list[str] = []

        def is_clean() -> bool:
            said.append(self.machine("system", "check", "--repair").stdout)
            said.append(self.machine("system", "check").stdout)
            return not said[-1]

        try:
            self.machine.wait_until(is_clean)
        finally:
            self.told += [f"system check: {line}" for line in "".join(said[:2]).splitlines()]

    def finish(self) -> None:
        """Remove everything by verbs, and compare the machine with before."""
        self.told.append("-- the end")
        for list_, remove in (
            (["ps", "-aq", "--no-trunc"], ["rm", "-f", "-v"]),
            (["volume", "ls", "-q"], ["volume", "rm"]),
            (["network", "ls", "-q", "--filter", "type=custom"], ["network", "rm"]),
        ):
            names = [name for name in self._must(*list_).split() if name != "bridge"]
            if names:
                self._must(*remove, *names)
        for line in self._must("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines():
            name, image_id = line.split()
            if name != "busybox:latest":
                self._must("rmi", "-f", image_id if "<none>" in name else name)
        self._must("builder", "prune", "-a", "-f")
        self._must("system", "prune", "-f")  # and the network bridge, which is made when it is needed
        self._look()
        left = self.machine.left_since(self.before)
        if left:
            self._fail("left behind:\n" + "\n".join(left), "the machine as it was before")
        if self._stored() != self.stored:
            self._fail("the image store holds:\n" + self._stored() + "\nand held:\n" + self.stored, "what it held before")

    def _stored(self) -> str:
        return self.machine.sh("find root/images root/layers -maxdepth 3 ! -name '*.lock' | sort").stdout


DOCKERFILE = """FROM busybox
ARG WHAT=first
RUN echo $WHAT > /made
COPY f /copied
VOLUME /data
RUN cat /made /copied | wc -c > /count
CMD ["sleep", "30"]
"""
