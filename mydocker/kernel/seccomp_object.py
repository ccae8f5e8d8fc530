"""The shape of `linux.seccomp` in a config.json (runtime-spec config-linux.md, Seccomp). seccomp_rules.py reads the names in it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.shape import Shape

    class SeccompArgument(TypedDict):
        """A condition on one argument of a system call."""

        index: int
        value: int
        valueTwo: NotRequired[int]
        op: str

    class SeccompRule(TypedDict):
        """What happens to some system calls."""

        names: list[str]
        action: str
        errnoRet: NotRequired[int]
        args: NotRequired[list[SeccompArgument]]

    class Seccomp(TypedDict):
        """The whole of `linux.seccomp`."""

        defaultAction: str
        defaultErrnoRet: NotRequired[int]
        architectures: list[str]
        flags: NotRequired[list[str]]
        listenerPath: NotRequired[str]
        listenerMetadata: NotRequired[str]
        syscalls: list[SeccompRule]


# valueTwo is what SCMP_CMP_MASKED_EQ compares with, and value is then the mask. op is SCMP_CMP_*.
SECCOMP_ARGUMENT: Shape = {"index!": "natural", "value": ("natural", 0), "valueTwo": "natural", "op!": "text"}
SECCOMP_RULE: Shape = {
    "names!": ["text"],
    "action!": "text",  # SCMP_ACT_*
    "errnoRet": "natural",
    "args": [SECCOMP_ARGUMENT],
}
SECCOMP: Shape = {
    "defaultAction!": "text",
    "defaultErrnoRet": "natural",
    "architectures": (["text"], []),  # SCMP_ARCH_*; the machine's own is always among them
    "flags": ["text"],  # to leave the field out is not the same as an empty list, see runtime/seccomp.py
    "listenerPath": "text",
    "listenerMetadata": "text",
    "syscalls": ([SECCOMP_RULE], []),
}
