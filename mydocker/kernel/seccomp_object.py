"""What `linux.seccomp` of a config.json is made of (runtime-spec config-linux.md, Seccomp). Its names are read by seccomp_rules.py."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.shape import Shape

    class SeccompArgument(TypedDict):
        """A condition on one argument of a call."""

        index: int
        value: int
        valueTwo: NotRequired[int]
        op: str

    class SeccompRule(TypedDict):
        """What happens to some calls."""

        names: list[str]
        action: str
        errnoRet: NotRequired[int]
        args: NotRequired[list[SeccompArgument]]

    class Seccomp(TypedDict):
        """linux.seccomp."""

        defaultAction: str
        defaultErrnoRet: NotRequired[int]
        architectures: list[str]
        flags: NotRequired[list[str]]
        listenerPath: NotRequired[str]
        listenerMetadata: NotRequired[str]
        syscalls: list[SeccompRule]


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
    "flags": ["text"],  # none at all is not the same as an empty list, see runtime/seccomp.py
    "listenerPath": "text",
    "listenerMetadata": "text",
    "syscalls": ([SECCOMP_RULE], []),
}
