"""Reading an OCI `linux.seccomp` object: every name is checked, and replaced by the kernel's or libseccomp's number.

The functions here are pure. The compiler works from what they return, and they tell a user that a profile is wrong. Sources: the
runtime specification's config-linux.md; <seccomp.h>; <linux/seccomp.h>.
"""

from __future__ import annotations

from errno import EPERM

from mydocker.errors import BadInput
from mydocker.kernel.seccomp import notifies
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.seccomp_object import Seccomp, SeccompArgument, SeccompRule

    # (the argument's index, libseccomp's operator, value, second value). For MASKED_EQ the value is the mask.
    Condition = tuple[int, int, int, int]

ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_NOTIFY": 0x7FC00000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
# These actions carry an errno in their low 16 bits. It is EPERM unless the profile says otherwise.
_WITH_ERRNO = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")

OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}

_ARCHITECTURE_NAMES = """
    X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X
    PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB
"""
ARCHITECTURES = frozenset("SCMP_ARCH_" + name for name in _ARCHITECTURE_NAMES.split())


class Rule(Value):
    """What happens to some system calls if all conditions of one alternative hold."""

    names: list[str]  # the system calls
    action: int  # SECCOMP_RET_* with its data
    alternatives: list[list[Condition]]  # [[]] holds always


class Rules:
    """A whole filter in numbers. Only system calls and architectures are still names, which only the library can resolve."""

    __slots__ = ("default", "architectures", "rules")

    def __init__(self, seccomp: Seccomp) -> None:
        """Read an OCI object. Raises BadInput for a name or number that does not exist, and for notifications that cannot arrive."""
        self.default = action(seccomp["defaultAction"], seccomp.get("defaultErrnoRet"))
        self.architectures = [_architecture(name) for name in seccomp["architectures"]]
        self.rules = [_rule(rule) for rule in seccomp["syscalls"]]
        _check_listener(seccomp)

    def names(self) -> set[str]:
        """Return the name of every system call that has a rule, whatever happens to it."""
        return {name for rule in self.rules for name in rule.names}


def _check_listener(seccomp: Seccomp) -> None:
    if seccomp["defaultAction"] == "SCMP_ACT_NOTIFY":
        raise BadInput("seccomp action 'SCMP_ACT_NOTIFY': expected another one as defaultAction, as the listener could not be handed over")
    path = seccomp.get("listenerPath")
    if notifies(seccomp) and not path:
        raise BadInput("seccomp action 'SCMP_ACT_NOTIFY': expected a listenerPath")
    if seccomp.get("listenerMetadata") and not path:
        raise BadInput("seccomp listenerMetadata: expected a listenerPath")
    for rule in seccomp["syscalls"]:
        if rule["action"] == "SCMP_ACT_NOTIFY" and "sendmsg" in rule["names"]:
            raise BadInput("seccomp action 'SCMP_ACT_NOTIFY' for 'sendmsg': expected another one, as that call hands over the listener")


def action(name: str, errno_ret: int | None = None) -> int:
    """Return the SECCOMP_RET_* number of an action (SCMP_ACT_*), with the errno that it carries. None stands for EPERM."""
    if name not in ACTIONS:
        raise BadInput(f"unknown seccomp action {name!r}")
    number = EPERM if errno_ret is None else _number(errno_ret, 0xFFFF, "errno")
    return ACTIONS[name] | (number if name in _WITH_ERRNO else 0)


def _rule(rule: SeccompRule) -> Rule:
    if not rule["names"] or not all(rule["names"]):
        raise BadInput(f"seccomp rule names {rule['names']!r} are not a list of system calls")
    conditions = [_condition(argument) for argument in rule.get("args", [])]
    return Rule(names=rule["names"], action=action(rule["action"], rule.get("errnoRet")), alternatives=_alternatives(conditions))


def _condition(argument: SeccompArgument) -> Condition:
    if argument["op"] not in OPERATORS:
        raise BadInput(f"unknown seccomp operator in argument {argument!r}")
    index = _number(argument["index"], 5, "argument index")
    values = [_number(value, 2**64 - 1, "argument value") for value in (argument["value"], argument.get("valueTwo", 0))]
    return index, OPERATORS[argument["op"]], values[0], values[1]


def _alternatives(conditions: list[Condition]) -> list[list[Condition]]:
    # libseccomp takes only one condition on each argument of a rule. Several conditions on one argument are alternatives, as for runc.
    if len({index for index, *_ in conditions}) < len(conditions):
        return [[condition] for condition in conditions]
    return [conditions]


def _architecture(name: str) -> str:
    if name not in ARCHITECTURES:
        raise BadInput(f"unknown seccomp architecture {name!r}")
    return name


def _number(value: int, most: int, what: str) -> int:
    if value > most:
        raise BadInput(f"seccomp {what} {value!r} is not a number from 0 to {most}")
    return value
