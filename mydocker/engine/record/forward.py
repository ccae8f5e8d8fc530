"""Output that goes to syslog or to systemd's journal as well (--log-driver syslog, journald): `logs` reads the log that is kept here.

Whoever takes it must not hold up the container: what does not get through at once is lost there, and `problem` says so.

RFC 3164 and 5424 (syslog); https://systemd.io/JOURNAL_NATIVE_PROTOCOL
"""

from __future__ import annotations

import os
import time
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM, getaddrinfo, socket
from struct import pack

from mydocker.engine.record.log import Log
from mydocker.engine.record.moments import timestamp
from mydocker.errors import BadInput, Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.engine.record.containers import Record

JOURNAL = "/run/systemd/journal/socket"
_FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"]
FACILITIES = {name: number for number, name in enumerate(_FACILITIES)} | {f"local{n}": 16 + n for n in range(8)}
FORMATS = ("", "rfc3164", "rfc5424", "rfc5424micro")
# What a tag may say of the container: docker's fields.
TAG_FIELDS = ("ID", "FullID", "Name", "ImageName", "ImageID", "ImageFullID", "DaemonName")
_INFO, _ERROR = 6, 3  # the severities of standard output and standard error
_PATIENCE = 1.0  # seconds for a connection, and between two attempts at one
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Forwarding(Log):
    """A log whose entries also go to somebody else."""

    __slots__ = ("_sender", "_socket", "_tried")

    def __init__(self, path: str, max_size: int, max_files: int, sender: Syslog | Journal) -> None:
        super().__init__(path, max_size, max_files)
        self._sender = sender
        self._tried = 0.0  # when it was tried to connect, by monotonic()
        self._socket: socket | None = connected(sender)

    def _append(self, stream: str, entries: list[bytes]) -> None:
        super()._append(stream, entries)
        for entry in entries:
            self._send(self._sender.message(entry.rstrip(b"\n"), _INFO if stream == "stdout" else _ERROR))

    def _send(self, message: bytes) -> None:
        try:
            if self._socket is None and time.monotonic() > self._tried + _PATIENCE:
                self._tried = time.monotonic()
                self._socket = connected(self._sender)
            if self._socket:
                self._socket.sendall(message)
        except (OSError, Error) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.problem = f"log entries did not reach {self._sender.address}: {reason}"
            if self._socket:
                self._socket.close()
            self._socket = None

    def close(self) -> None:
        super().close()
        if self._socket:
            self._socket.close()


def connected(sender: Syslog | Journal) -> socket:
    """Return a socket that leads to a sender's address. Raises Error."""
    scheme, _, rest = sender.address.partition("://")
    made: socket | None = None
    try:
        family, kind, where = _place(scheme, rest)
        made = socket(family, kind | SOCK_CLOEXEC)
        made.settimeout(_PATIENCE)
        made.connect(where)
    except OSError as error:
        if made:
            made.close()
        raise Error(f"log driver {sender.name}: {sender.address}: {error.strerror}") from error
    return made


def _place(scheme: str, rest: str) -> tuple[int, int, Any]:
    if scheme in ("unix", "unixgram"):
        return AF_UNIX, SOCK_STREAM if scheme == "unix" and not _is_datagram(rest) else SOCK_DGRAM, rest
    host, _, port = rest.rpartition(":")
    kind = SOCK_DGRAM if scheme == "udp" else SOCK_STREAM
    family, _, _, _, where = getaddrinfo(host.strip("[]"), port or "514", 0, kind)[0]
    return family, kind, where


def _is_datagram(path: str) -> bool:
    """Say whether a socket takes datagrams, as /dev/log usually does."""
    probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        probe.connect(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()


class Syslog:
    """Makes syslog's messages."""

    name = "syslog"

    def __init__(self, address: str, facility: int, form: str, tag: str) -> None:
        self.address = address
        self.facility = facility
        self.form = form  # one of FORMATS
        self.tag = tag
        self.host = os.uname().nodename

    def message(self, entry: bytes, severity: int) -> bytes:
        """Return an entry as a message. On a stream each ends with a newline."""
        if self.form.startswith("rfc5424"):
            stamp = timestamp() if self.form.endswith("micro") else timestamp().partition(".")[0] + "Z"
            head = f"<{self.facility * 8 + severity}>1 {stamp} {self.host} {self.tag} {os.getpid()} {self.tag} - "
        else:
            host = "" if self.address.startswith("unix") else f"{self.host} "
            head = f"<{self.facility * 8 + severity}>{_stamp()} {host}{self.tag}[{os.getpid()}]: "
        return head.encode(errors="surrogateescape") + entry + (b"" if self.address.startswith(("unixgram", "udp")) else b"\n")


def _stamp() -> str:
    now = time.localtime()
    return f"{_MONTHS[now.tm_mon - 1]} {now.tm_mday:2} {now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02}"


class Journal:
    """Makes the journal's messages, with docker's fields."""

    name = "journald"
    address = f"unixgram://{JOURNAL}"

    def __init__(self, record: Record, tag: str) -> None:
        self.fields = {
            "CONTAINER_ID": record["id"][:12],
            "CONTAINER_ID_FULL": record["id"],
            "CONTAINER_NAME": record["name"],
            "CONTAINER_TAG": tag,
            "IMAGE_NAME": record["image"],
            "SYSLOG_IDENTIFIER": tag,
        }

    def message(self, entry: bytes, severity: int) -> bytes:
        """Return an entry as a message: a line for each field, and the text with its length, as it may hold newlines."""
        lines = "".join(f"{name}={value}\n" for name, value in {**self.fields, "PRIORITY": severity}.items())
        return lines.encode(errors="surrogateescape") + b"MESSAGE\n" + pack("<Q", len(entry)) + entry + b"\n"


def sender_of(record: Record) -> Syslog | Journal:
    """Return what makes the messages of a container's log."""
    config = record["hostConfig"]["LogConfig"]
    options = config["Config"]
    tag = tag_of(record, options.get("tag", "{{.ID}}"))
    if config["Type"] == "journald":
        return Journal(record, tag)
    address = options.get("syslog-address", "unix:///dev/log")
    return Syslog(address, facility(options.get("syslog-facility", "daemon")), options.get("syslog-format", ""), tag)


def check(driver: str, options: dict[str, str]) -> None:
    """Raise BadInput for an option that a driver cannot follow, or a driver that cannot work here."""
    if driver == "journald" and not os.path.exists(JOURNAL):
        raise BadInput(f"log driver journald: there is no journal here: {JOURNAL} does not exist")
    expected: dict[str, tuple[str, Callable[[str], bool]]] = {
        "syslog-format": ("rfc3164, rfc5424 or rfc5424micro", lambda text: text in FORMATS),
        "syslog-address": ("unix://PATH, unixgram://PATH, tcp://HOST[:PORT] or udp://HOST[:PORT]", _is_address),
        "syslog-facility": ("a number or one of " + ", ".join(FACILITIES), lambda text: facility(text) >= 0),
        "tag": (tag_words(), is_tag),
    }
    for name, value in options.items():
        words, is_right = expected[name]
        if not is_right(value):
            raise BadInput(f"invalid log option {name}={value}: expected {words}")


def _is_address(text: str) -> bool:
    scheme, mark, rest = text.partition("://")
    return bool(mark and rest) and (scheme in ("tcp", "udp") or (scheme in ("unix", "unixgram") and rest.startswith("/")))


def tag_words() -> str:
    """Return what a tag is expected to be."""
    return "a text with " + ", ".join("{{." + field + "}}" for field in TAG_FIELDS)


def is_tag(text: str) -> bool:
    """Say whether a text is a tag: what stands in {{}} is a field of a container."""
    for field in TAG_FIELDS:
        text = text.replace("{{." + field + "}}", "")
    return "{{" not in text


def facility(text: str) -> int:
    """Return the number of a facility that is given by its name or its number, -1 if it is none."""
    number = FACILITIES.get(text, int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1)
    return number if number < 24 else -1


def tag_of(record: Record, text: str) -> str:
    """Return a tag with the container's fields in it."""
    values = (record["id"][:12], record["id"], record["name"], record["image"], record["imageId"][:12], record["imageId"], "mydocker")
    for field, value in zip(TAG_FIELDS, values, strict=True):
        text = text.replace("{{." + field + "}}", value)
    return text
