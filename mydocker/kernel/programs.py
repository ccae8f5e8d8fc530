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
    files = [text_file(text), os.memfd_create("out"), os.memfd_create("err")]
    try:
        actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(files)]
        pid = os.posix_spawn(argv[0], argv, {"PATH": ":".join(_DIRECTORIES), **(environment or {})}, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, _read(files[1]), _read(files[2])
    finally:
        for descriptor in files:
            os.close(descriptor)


def text_file(text: str) -> int:
    """Return the descriptor of a file in memory, from which a text can be read."""
    descriptor = os.memfd_create("in")
    view = memoryview(text.encode())
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _read(descriptor: int) -> str:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode(errors="replace")
