"""Every message that processes of ours send each other over a channel (kernel/channel.py): its kind, what it carries, who sends it when.

Used by all floors: a step sends a descriptor, the runtime a failure, the engine the rest. A kind is one letter and means one thing:
capitals between a client and a monitor, small letters between a parent and what it forks, EXPLAIN and FAILURE in both.

    client                                     monitor
      ├─ START Request + the lock ─────────────► │ start a container …
      ├─ EXEC ExecRequest ─────────────────────► │ … or one more process in it (what a monitor waits for first is one of these two)
      ├─ ATTACH streams ───────────────────────► │ by STATE/ID/attach: see what runs already
      │ ◄────────────── EXPLAIN Explanation ─────┤ any time: a step was done, or there is something to warn of
      │ ◄────────────────────── STARTED pid ─────┤ the program is executed; not told where it had ended before ATTACH was read
      │ ◄──────────── OUTPUT, ERRORS bytes ──────┤
      ├─ INPUT bytes ──────────────────────────► │ none is the end of the input; one at a time, so that no signal queues behind it …
      │ ◄──────────────────────────── TAKEN ─────┤ … for the container has that: the next may come
      │ ◄─────────────────────────── CLOSED ─────┤ nobody reads input any more
      ├─ SIGNAL number, SIZE (rows, columns) ──► │
      │ ◄──────────────────────── END status ────┤ the last message; or, of a start, FAILURE Failure

    parent (a monitor, mydocker-oci)           stage, only with a user namespace (launch.py)    init (init.py)
      │ ◄───────────────────────── UNMAPPED ─────┤ it is in a new user namespace                │
      ├─ MAPPED ───────────────────────────────► │ its users are mapped                         │
      │                                          ├─ fork ─────────────────────────────────────► │
      │ ◄───────────────────────── BORN pid ─────┤ it ends; init is its parent's child          │
      │ ◄──────────────────────────────────────────────────────────────────────── ISOLATED ─────┤ it is in its network namespace
      │ ◄──────────────────────────────────────────────────────────────────────────── BUILT ────┤ its root is built: hooks may see it
      ├─ GO State ────────────────────────────────────────────────────────────────────────────► │ everything outside is ready
      │ ◄────────────────────────────────────────────────────────── TERMINAL + descriptor ──────┤ the pty's master, with a terminal
      │ ◄────────────────────────────────────────────────────────── LISTENER + descriptor ──────┤ of a seccomp filter that has one
      │ ◄──────────────────────────────────────────────────────────────────────────── READY ────┤ all is done but execve
      │ ◄──────────────────────────────────────────────────────────────────── end of file ──────┤ execve worked
      │ ◄──────────────── EXPLAIN any time; FAILURE instead of all that would follow ─────┴─────┘

    a process                                  its fork in another mount namespace (kernel/othermounts.py)
      │ ◄───────────── TREE + descriptor, or REFUSED errno ─────┤

BORN and what init sends come from two processes and so in any order. Whoever waits says what it wants and what may come before
(Inbox, check): what comes early is kept, what may not come is an error that names both.
"""

from __future__ import annotations

import marshal

from mydocker import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypedDict

    Message = tuple[str, bytes, list[int]]  # kind, payload, descriptors
    Handler = Callable[[bytes, list[int]], None]

    class Source(Protocol):
        """Where messages come from: a Channel."""

        def receive(self) -> Message: ...

    class Request(TypedDict):
        """What a monitor has to know of its client and the container."""

        root: str
        state: str
        id: str
        wanted: str  # the client's streams, each named by the kind that carries it: INPUT, OUTPUT, ERRORS
        size: tuple[int, int] | None  # rows and columns of the client's terminal
        explain: str  # how steps are told: '' for not at all, 'text', 'sh' or 'json'
        crashAfter: str  # MYDOCKER_CRASH_AFTER, see steps.base.Run

    class WantedProcess(TypedDict, total=False):
        """One more process of a container: what differs from the container's own."""

        args: list[str]
        env: list[str]
        terminal: bool
        cwd: str
        user: str | None
        capabilities: dict[str, list[str]]

    class ExecRequest(Request):
        process: WantedProcess
        silent: bool  # it leaves no events

    class Explanation(TypedDict):
        """A step that was done, as --explain=json prints it."""

        who: str
        step: str
        seconds: float

    class Failure(TypedDict):
        """An error as data."""

        type: str  # one of errors.py
        message: str
        hint: str | None
        errno: int
        story: str  # of an exception that nobody foresaw, see tracebacks.py

    class State(TypedDict, total=False):
        """What hooks and a filter's listener are told of the container (runtime-spec runtime.md, State); nothing where neither can be."""

        ociVersion: str
        id: str
        status: str
        pid: int
        bundle: str
        annotations: dict[str, str]


# From a client to a monitor.
START, EXEC, ATTACH, INPUT, SIGNAL, SIZE = "R", "P", "H", "I", "K", "W"
# From a monitor to a client.
STARTED, OUTPUT, ERRORS, TAKEN, CLOSED, END = "S", "O", "E", "A", "C", "Z"
# To whoever waits for a start.
EXPLAIN, FAILURE = "X", "F"
# Between a parent and the stage.
UNMAPPED, MAPPED, BORN = "u", "m", "p"
# Between a parent and init.
ISOLATED, BUILT, GO, TERMINAL, LISTENER, READY = "n", "b", "g", "t", "l", "e"
# From a fork in another mount namespace.
TREE, REFUSED = "d", "r"
# No message: the other side has closed its end.
GONE = ""


def name_of(kind: str) -> str:
    """Return a kind in words."""
    return next((name for name, value in globals().items() if name.isupper() and value == kind), f"message {kind!r}")


def check(sender: str, kind: str, wanted: str, before: str = "") -> None:
    """Raise Error unless a message of this kind may come. wanted: the kinds awaited; before: those that may precede them."""
    if kind and kind in wanted + before:
        return
    awaited = " or ".join(map(name_of, wanted or [GONE]))
    raise errors.Error(f"{sender} sent {name_of(kind)} where {awaited} was awaited")


class Inbox:
    """What arrives on a channel, for one who waits for one kind after the other.

    gone: raised when the sender has closed its end too early. handlers: {kind: what is done with such a message as soon as it comes};
    others that come early are kept until they are wanted. FAILURE is raised wherever it comes.
    """

    __slots__ = ("channel", "sender", "gone", "handlers", "kept")

    def __init__(self, channel: Source, sender: str, gone: errors.Error, handlers: dict[str, Handler]) -> None:
        self.channel = channel
        self.sender = sender
        self.gone = gone
        self.handlers = handlers
        self.kept: list[Message] = []

    def wait(self, wanted: str, before: str = "") -> Message:
        """Return the next message of the kinds wanted (GONE: the end of file). before: the kinds that may precede it."""
        while (message := self.take(wanted, before)) is None:
            pass
        return message

    def take(self, wanted: str, before: str = "") -> Message | None:
        """Take one message; return it if it is wanted, None if it was another one that may precede it."""
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
        """Put a message back for the next who wants it."""
        self.kept.append(message)


def failure(error: errors.Error) -> Failure:
    """Return an error as data that a parent can raise again."""
    number, story = getattr(error, "errno", 0), getattr(error, "story", "")
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint, "errno": number, "story": story}


def error_from(data: Failure) -> errors.Error:
    """Return the exception that another process, in its own words, ended with."""
    kind: type[errors.Error] = getattr(errors, data["type"], errors.Error)
    if issubclass(kind, errors.StepFailed):
        return kind(data["message"], data["errno"], data["hint"])
    if issubclass(kind, errors.Unexpected):
        return kind(data["message"], data["story"])
    return kind(data["message"], data["hint"])
