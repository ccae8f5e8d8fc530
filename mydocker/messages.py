"""Every message that our processes send each other over a channel (kernel/channel.py): its kind, what it carries, who sends it when.

All floors use this file: a step sends a descriptor, the runtime a failure, the engine the rest. A kind is one letter, and each letter
means one thing. Capitals go between a client and a monitor, small letters between a parent and what it forks, and EXPLAIN and FAILURE
between both.

    client                                     monitor
      ├─ START Request + the lock + clients ───► │ start a container; a monitor waits first for this or for EXEC
      ├─ EXEC ExecRequest ─────────────────────► │ start one more process in a container
      ├─ ATTACH streams ───────────────────────► │ by STATE/ID/attach: be shown what runs already
      │ ◄────────────── EXPLAIN Explanation ─────┤ at any time: a step was done, or there is something to warn of
      │ ◄────────────────────── STARTED pid ─────┤ the program is executed; not sent if it had ended before ATTACH was read
      │ ◄──────────── OUTPUT, ERRORS bytes ──────┤ what the program wrote
      ├─ INPUT bytes ──────────────────────────► │ no bytes are the end of the input; one at a time, so that no signal queues behind input
      │ ◄──────────────────────────── TAKEN ─────┤ the container has the input; the next may come
      │ ◄─────────────────────────── CLOSED ─────┤ nobody reads input any more
      ├─ SIGNAL number, SIZE (rows, columns) ──► │ a signal for the program, the size of its terminal
      ├─ NAMES + two descriptors ──────────────► │ the container is on a network with names now: the sockets of its resolver
      │ ◄──────────────────────── END status ────┤ the last message; after a failed start it is FAILURE Failure

    parent (a monitor, mydocker-oci)           stage, for a user namespace (launch.py)          init (init.py)
      │ ◄───────────────────────── UNMAPPED ─────┤ it is in a new user namespace                │
      ├─ MAPPED ───────────────────────────────► │ its users are mapped                         │
      │                                          ├─ fork ─────────────────────────────────────► │
      │ ◄───────────────────────── BORN pid ─────┤ it ends; init is its parent's child          │
      │ ◄──────────────────────────────────────────────────────────────────────── ISOLATED ─────┤ it is in its network namespace
      │ ◄──────────────────────────────────────────────────────────────────────────── BUILT ────┤ its root is built; hooks may see it
      ├─ GO State ────────────────────────────────────────────────────────────────────────────► │ everything outside is ready
      │ ◄────────────────────────────────────────────────────────── TERMINAL + descriptor ──────┤ the pty's master, if it has a terminal
      │ ◄────────────────────────────────────────────────────────── LISTENER + descriptor ──────┤ if its seccomp filter has a listener
      │ ◄──────────────────────────────────────────────────────────────────────────── READY ────┤ all is done except execve
      │ ◄──────────────────────────────────────────────────────────────────── end of file ──────┤ execve worked
      │ ◄──────────────── EXPLAIN at any time; FAILURE instead of all that would follow ──┴─────┘

    a process                                  its fork in another mount namespace (kernel/othermounts.py)
      │ ◄───────────── TREE + descriptor, or REFUSED errno ─────┤

BORN and what init sends come from two processes, and so in any order. Whoever waits says which kinds it wants and which may come
before (Inbox, check). A message that comes early is kept. A message that may not come is an error, which names it and what was wanted.
"""

from __future__ import annotations

import marshal
import os
from time import sleep

from mydocker import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NotRequired, Protocol, TypedDict

    Message = tuple[str, bytes, list[int]]  # kind, payload, descriptors
    Handler = Callable[[bytes, list[int]], None]

    class Source(Protocol):
        """Something that messages come from. It is a Channel."""

        def receive(self) -> Message: ...

    class Request(TypedDict):
        """What a monitor has to know of its client and the container."""

        root: str  # the path of ROOT
        state: str  # the path of STATE
        id: str  # the container's
        wanted: str  # the client's streams, each named by the kind that carries it: INPUT, OUTPUT, ERRORS
        size: tuple[int, int] | None  # rows and columns of the client's terminal
        explain: bool  # whether steps are told
        faults: tuple[tuple[str, int, int], ...]  # what tests inject, see steps/faults.py
        secrets: NotRequired[list[str]]  # NAME=VALUE, more variables for the container's process, which are in no file
        stop: NotRequired[str]  # the words of the steps to stop after; then the last descriptor is the gate, see explaining.Stop
        others: NotRequired[list[str]]  # the streams of each client that waited for the start; their channels come with START

    class WantedProcess(TypedDict, total=False):
        """One more process of a container. A field that is missing is as in the container's own process."""

        args: list[str]
        env: list[str]
        terminal: bool
        cwd: str
        user: str | None
        capabilities: dict[str, list[str]]

    class ExecRequest(Request):
        """What a monitor has to know for one more process in a container."""

        process: WantedProcess
        silent: bool  # the process leaves no events
        exec: str  # the id of its record, '' if it has none (record/execs.py)

    class Explanation(TypedDict):
        """A step that was done or would be done, a message of a start that was sent or received, or a warning."""

        who: str  # the process: 'cli', 'monitor', 'stage', 'init', …
        step: str  # in words; of a warning, its text
        shell: str  # the shell command that does the same
        origin: str  # where its code and its reason are found (reasons.py), '' for a message and a warning
        # 'send' or 'receive' for a message, whose name is in `step`; 'stop' if the process waits after this step; '' for all others
        message: str
        at: float | None  # when it began, by CLOCK_MONOTONIC, which all processes share; None if it was not done
        seconds: float | None  # how long it took; None if it was not done
        pid: int | None  # of the process, on the host; None if it was not done

    class Failure(TypedDict):
        """An error as data."""

        type: str  # the name of its class in errors.py
        message: str
        hint: str | None
        errno: int
        story: str  # the traceback of an exception that nobody foresaw, see tracebacks.py; else ''

    class State(TypedDict, total=False):
        """What hooks and a filter's listener are told of the container (runtime-spec runtime.md, State). Without both it is empty."""

        ociVersion: str
        id: str
        status: str
        pid: int
        bundle: str
        annotations: dict[str, str]


# From a client to a monitor.
START, EXEC, ATTACH, INPUT, SIGNAL, SIZE, NAMES = "R", "P", "H", "I", "K", "W", "N"
# From a monitor to a client.
STARTED, OUTPUT, ERRORS, TAKEN, CLOSED, END = "S", "O", "E", "A", "C", "Z"
# To the process that waits for a start.
EXPLAIN, FAILURE = "X", "F"
# Between a parent and the stage.
UNMAPPED, MAPPED, BORN = "u", "m", "p"
# Between a parent and init.
ISOLATED, BUILT, GO, TERMINAL, LISTENER, READY = "n", "b", "g", "t", "l", "e"
# From a fork in another mount namespace.
TREE, REFUSED = "d", "r"
# What is exchanged until the program runs, by which a start can be drawn.
OF_A_START = (START, EXEC, UNMAPPED, MAPPED, BORN, ISOLATED, BUILT, GO, TERMINAL, LISTENER, READY, STARTED)
# This is not a message: the other side has closed its end.
GONE = ""


# What is called with each message of a start, see watch().
_watcher: Callable[[str, str], None] | None = None


def watch(watcher: Callable[[str, str], None] | None) -> None:
    """Have a function called with (act, kind) for each message of a start that this process sends or receives; None ends that."""
    global _watcher
    _watcher = watcher


def passing(act: str, kind: str) -> None:
    """Tell of a message to whoever watches. Sleep if a test wants it to be late: MYDOCKER_DELAY=ACT:MESSAGE:SECONDS.

    act: 'send' before one is sent, or 'receive' after one was received.
    """
    if _watcher and kind in OF_A_START:
        _watcher(act, kind)
    wanted = os.environ.get("MYDOCKER_DELAY")
    if wanted:
        *late, seconds = parse_delay(wanted)
        if late == [act, kind]:
            sleep(seconds)


def parse_delay(text: str) -> tuple[str, str, float]:
    """Return (act, kind, seconds) of a MYDOCKER_DELAY. Raises BadInput for a value that is none."""
    act, _, rest = text.partition(":")
    name, _, seconds = rest.partition(":")
    kind = globals().get(name) if name.isupper() else None
    if act not in ("send", "receive") or not isinstance(kind, str) or not seconds.replace(".", "", 1).isdecimal():
        raise errors.BadInput(f"MYDOCKER_DELAY {text!r}: expected send or receive, the name of a message, and seconds")
    return act, kind, float(seconds)


def name_of(kind: str) -> str:
    """Return the name of a kind, for an error."""
    return next((name for name, value in globals().items() if name.isupper() and value == kind), f"message {kind!r}")


def check(sender: str, kind: str, wanted: str, before: str = "") -> None:
    """Raise Error unless a message of this kind may come now.

    sender: who sent it, for the error.
    wanted: the kinds that are awaited.
    before: the kinds that may come before them.
    """
    if kind and kind in wanted + before:
        return
    awaited = " or ".join(map(name_of, wanted or [GONE]))
    raise errors.Error(f"{sender} sent {name_of(kind)} where {awaited} was awaited")


class Inbox:
    """What arrives on a channel, for a process that waits for one kind of message after the other.

    channel: where the messages come from.
    sender: who sends them, for an error.
    gone: the error that is raised if the sender closes its end too early.
    handlers: by kind, what is done with such a message as soon as it comes.

    Other messages that come early are kept until they are wanted. A FAILURE is raised whenever it comes.
    """

    __slots__ = ("channel", "sender", "gone", "handlers", "kept")

    def __init__(self, channel: Source, sender: str, gone: errors.Error, handlers: dict[str, Handler]) -> None:
        self.channel = channel
        self.sender = sender
        self.gone = gone
        self.handlers = handlers
        self.kept: list[Message] = []

    def wait(self, wanted: str, before: str = "") -> Message:
        """Wait for a message of the wanted kinds, and return it.

        wanted: the kinds. GONE stands for the end of file.
        before: the kinds that may come before it.
        """
        while (message := self.take(wanted, before)) is None:
            pass
        return message

    def take(self, wanted: str, before: str = "") -> Message | None:
        """Take one message. Return it if it is wanted, or None if it is one that may come before."""
        early = next((message for message in self.kept if message[0] in wanted), None)
        if early:
            self.kept.remove(early)
            return early
        message = self.channel.receive()
        kind, payload, descriptors = message
        if kind == FAILURE:
            raise error_from(marshal.loads(payload))
        if kind in wanted if kind else not wanted:
            return message
        if not kind:
            raise self.gone
        check(self.sender, kind, wanted, before)
        if kind in self.handlers:
            self.handlers[kind](payload, descriptors)
        else:
            self.kept.append(message)
        return None

    def keep(self, message: Message) -> None:
        """Put a message back until it is wanted."""
        self.kept.append(message)


def failure(error: errors.Error) -> Failure:
    """Return an error as data, from which another process can raise it again."""
    number, story = getattr(error, "errno", 0), getattr(error, "story", "")
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint, "errno": number, "story": story}


def error_from(data: Failure) -> errors.Error:
    """Return the error that another process sent as data."""
    kind: type[errors.Error] = getattr(errors, data["type"], errors.Error)
    if issubclass(kind, errors.StepFailed):
        return kind(data["message"], data["errno"], data["hint"])
    if issubclass(kind, errors.Unexpected):
        return kind(data["message"], data["story"])
    return kind(data["message"], data["hint"])
