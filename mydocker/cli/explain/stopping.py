"""--stop-after: a start that stops with everything half made, says what to look at, and goes on at Enter."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import re
from contextlib import contextmanager
from select import POLLIN, poll
from typing import TYPE_CHECKING

from mydocker import explaining, reasons
from mydocker.cli.base import echo
from mydocker.cli.explain.text import shortened
from mydocker.cli.table import harmless
from mydocker.errors import BadInput, Error
from mydocker.steps.base import quote
from mydocker.steps.confinement import LoadSeccomp
from mydocker.steps.process import Exec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mydocker.cli.base import Session
    from mydocker.engine.monitor.client import Client
    from mydocker.engine.view.script import Plans
    from mydocker.messages import Explanation

# What shows the effect of a step, by its kind. {pid} is the process that waits.
LOOK = {
    "store": ("ls -l {containers} {state}",),
    "layers": ("grep -E 'overlay|aufs|rootfs' /proc/{pid}/mountinfo",),
    "namespaces": ("ls -l /proc/{pid}/ns", "ls -l /proc/self/ns"),
    "root": ("cat /proc/{pid}/mountinfo", "ls -l /proc/{pid}/root/"),
    "limits": ("cat /proc/{pid}/cgroup",),
    "network": ("nsenter --target {pid} --net ip address", "ip link", "nft list ruleset"),
    "confinement": ("grep -E 'Uid|Groups|Cap|NoNewPrivs|Seccomp' /proc/{pid}/status", "ls -l /proc/{pid}/fd"),
    "program": ("cat /proc/{pid}/status",),
}
WORDS = {
    "en": ("{who} (pid {pid}) waits after this step:", "Look at it from a second terminal:", "Enter goes on, Ctrl-C undoes it all."),
    "zh": ("{who}（pid {pid}）停在这一步之后：", "在另一个终端里看：", "按 Enter 继续，按 Ctrl-C 全部撤销。"),
}
UNKNOWN = {
    "en": ("--stop-after {!r}: expected words of a step", "--dry-run shows the steps"),
    "zh": ("--stop-after {!r}：应为某个步骤里的词", "--dry-run 会列出各个步骤"),
}


class Stopping:
    """A command line whose start stops. words: of the steps to stop after"""

    def __init__(self, session: Session, words: str) -> None:
        self.session = session
        self.language = reasons.language()
        read, self.answers = os.pipe()
        self.stop = explaining.Stop(words, read)
        self.interrupted = False

    def check(self, whole: Plans) -> None:
        """Raise BadInput if no step of a start has the words. The two last ones are told before they are done, so nothing stops there."""
        steps = [step for _, step in whole.every() if not isinstance(step, (Exec, LoadSeccomp))]
        if not any(explaining.fits(step, self.stop.words) for step in steps):
            words, hint = UNKNOWN[self.language]
            raise BadInput(words.format(self.stop.words), hint)

    def own(self, who: str, step: explaining.Told, seconds: float) -> None:
        """Stop this process itself after a step that fits."""
        if explaining.fits(step, self.stop.words) and not self._goes_on({**explaining.planned(who, step), "pid": os.getpid()}):
            raise KeyboardInterrupt

    def hear(self, told: Explanation) -> None:
        """Answer another process that waits."""
        self.interrupted = not self._goes_on(told)
        os.write(self.answers, explaining.UNDO if self.interrupted else explaining.GO_ON)

    def started(self, start: Callable[[], Client]) -> Client:
        """Return the client of a start. If the user had it undone, its failure is an interrupt."""
        try:
            return start()
        except Error:
            if self.interrupted:
                raise KeyboardInterrupt from None
            raise

    def _goes_on(self, told: Explanation) -> bool:
        """Show what was done, and ask. Return False if all is to be undone."""
        with _noting_interrupts() as interrupts:
            self._show(told)
            return _answered(interrupts)

    def _show(self, told: Explanation) -> None:
        self.session.flush()
        paths = self.session.paths
        where = {"pid": told["pid"], "containers": paths.containers, "state": paths.state}
        first, second, last = WORDS[self.language]
        looks = [f"    {line.format(**where)}" for line in LOOK.get(reasons.reason(told).kind, LOOK["namespaces"])]
        looks += [f"    grep . {quote(path)}" for path in re.findall(r" to (/\S+)$", told["step"])]  # a file that was written
        looks += [f"    cat {quote(path)}/cgroup.procs" for path in re.findall(r"CLONE_INTO_CGROUP (/\S+):", told["step"])]
        words = [first.format(**where, who=told["who"]), f"    {shortened(harmless(told['step']), {})}", second, *looks, last]
        echo("\n".join(words), err=True)


@contextmanager
def _noting_interrupts() -> Iterator[int]:
    """Have Ctrl-C write into a pipe and raise nothing, also where interrupts are held. Yield the pipe's end to read.

    KeyboardInterrupt would not do: one that comes right before a read begins is raised after it, and the read has no end.
    """
    wake, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGINT])
    handler = _signal.signal(_signal.SIGINT, lambda *_: None)
    descriptor = _signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGINT])
    try:
        yield wake
    finally:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGINT])
        _signal.set_wakeup_fd(descriptor)
        _signal.signal(_signal.SIGINT, handler)
        os.close(wake)
        os.close(write)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _answered(interrupts: int) -> bool:
    """Wait for Enter or the end of the input. Return False if the user interrupts instead. interrupts: see _noting_interrupts()"""
    poller = poll()
    poller.register(0, POLLIN)
    poller.register(interrupts, POLLIN)
    while True:
        ready = dict(poller.poll())
        if interrupts in ready:
            return False
        if os.read(0, 1) in (b"\n", b""):
            return True
