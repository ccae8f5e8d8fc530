"""Asking the kernel from inside a namespace of a learner's process, where some things can only be seen."""

from __future__ import annotations

import os

from mydocker.errors import Unexpected
from mydocker.kernel.namespaces import NAMESPACES, setns
from mydocker.tracebacks import story

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.learn.process import Process

_FLAGS = dict(NAMESPACES.values())


def ask(process: Process, kind: str, question: Callable[[], str]) -> str:
    """Return the answer to a question that is asked in a process's namespace, '' if that has gone or the answer is an OSError.

    kind: the namespace's name in /proc/PID/ns

    A child enters the namespace, so that this process stays where it is.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            setns(f"{process.directory}/ns/{kind}", _FLAGS[kind])
            os.write(writing, f"={question()}".encode())
        except OSError:
            os.write(writing, b"=")  # the process has ended, or the network refuses
        except Exception as error:
            os.write(writing, story(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer.startswith("="):
        raise Unexpected(f"a question in the {kind} namespace of process {process.pid} failed", answer)
    return answer[1:]
