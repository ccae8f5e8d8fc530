"""Running one of the host's programs, such as nft, and reading what it prints. (subprocess would take 12 ms to import.)"""

from __future__ import annotations

import os

# A monitor has no PATH of its own, and a user's may lack the administrator's directories.
_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


def find(name: str) -> str:
    """Return the path of a program, or '' if it is not installed."""
    paths = [f"{directory}/{name}" for directory in _DIRECTORIES]
    return next((path for path in paths if os.access(path, os.X_OK)), "")


def call(argv: list[str], text: str = "", environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run a program and wait for its end. Return (status, standard output, standard error).

    argv: the program's path, and its arguments.
    text: its standard input.
    environment: the variables that it gets besides PATH.
    """
    files = [os.memfd_create(name) for name in ("in", "out", "err")]
    try:
        _write(files[0], text.encode())
        os.lseek(files[0], 0, os.SEEK_SET)
        actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(files)]
        pid = os.posix_spawn(argv[0], argv, {"PATH": ":".join(_DIRECTORIES), **(environment or {})}, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, _read(files[1]), _read(files[2])
    finally:
        for descriptor in files:
            os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")
