"""Device rules: the specification's list of them, version 1's lines, and version 2's eBPF program.

The last rule that matches decides, and it does so for each of r, w and m separately. What no rule matches is denied. Sources: the
OCI runtime specification (config-linux, allowed device list), <linux/bpf.h> (struct bpf_cgroup_dev_ctx), RFC 9669 (the instructions).
"""

from __future__ import annotations

from struct import pack

from mydocker.cgroups.controller import within
from mydocker.errors import BadInput
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cgroups.resources import DeviceRule

ANY = -1
# Linux has 12 bits for the major number and 20 for the minor one. An eBPF immediate has 31 bits before it counts as negative.
LARGEST_NUMBER = 2**31 - 1
TYPES = {"b": 1, "c": 2}
ACCESS = {"m": 1, "r": 2, "w": 4}
KINDS = {"a": "a", "b": "b", "c": "c", "u": "c"}


class Rule(Value):
    """A rule that allows or denies access to devices."""

    allow: bool
    kind: str = "a"  # 'b', 'c', or 'a' for both
    major: int = ANY
    minor: int = ANY
    access: str = "rwm"  # any of these letters

    def is_everything(self) -> bool:
        return (self.kind, self.major, self.minor, self.access) == ("a", ANY, ANY, "rwm")

    def is_default_deny(self) -> bool:
        return self.is_everything() and not self.allow

    def parts(self) -> list[Rule]:
        """Return this rule as rules that version 1 can take. There, 'a' means everything, whatever follows it."""
        if self.kind != "a" or self.is_everything():
            return [self]
        return [Rule(allow=self.allow, kind=kind, major=self.major, minor=self.minor, access=self.access) for kind in TYPES]

    def kernel_line(self) -> str:
        """Return the line for this rule in devices.allow, devices.deny and devices.list, such as 'c 1:3 rwm'."""
        major, minor = ("*" if number == ANY else str(number) for number in (self.major, self.minor))
        return f"{self.kind} {major}:{minor} {self.access}"

    def describe(self) -> str:
        return f"{'allow' if self.allow else 'deny'} {self.kernel_line()}"


def parse_rules(devices: list[DeviceRule]) -> list[Rule]:
    """Return the specification's `devices` as rules. Raises BadInput."""
    return [parse_rule(device) for device in devices]


def parse_rule(device: DeviceRule) -> Rule:
    """Return one entry of `devices` as a rule. What the entry leaves out means all. Raises BadInput."""
    kind, access = device.get("type") or "a", device.get("access") or "rwm"
    if kind not in KINDS:
        raise BadInput(f"device type {kind!r}: expected a, b or c")
    if not set(access) <= set(ACCESS):
        raise BadInput(f"device access {access!r}: expected some of rwm")
    major, minor = device.get("major", ANY), device.get("minor", ANY)
    within(major, "device major", ANY, LARGEST_NUMBER)
    within(minor, "device minor", ANY, LARGEST_NUMBER)
    return Rule(
        allow=device["allow"], kind=KINDS[kind], major=major, minor=minor, access="".join(letter for letter in "rwm" if letter in access)
    )


# The registers of the eBPF program. On entry r1 is the context. Here r2 is the device type, r3 the access that is still to be
# decided, r4 the major number, r5 the minor number, and r1 is scratch.
LOAD_WORD = 0x61  # dst = *(u32 *)(src + offset)
AND = 0x57  # dst &= immediate
RIGHT_SHIFT = 0x77  # dst >>= immediate
MOVE = 0xB7  # dst = immediate
MOVE_REGISTER = 0xBF  # dst = src
JUMP_EQUAL = 0x15
JUMP_NOT_EQUAL = 0x55
EXIT = 0x95

RESULT, SCRATCH, KIND, WANTED, MAJOR, MINOR = 0, 1, 2, 3, 4, 5


def instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    """Return one eBPF instruction (struct bpf_insn), in this machine's byte order."""
    return pack("=BBhI", code, source << 4 | target, offset, immediate & 0xFFFFFFFF)


def verdict(allow: bool) -> list[bytes]:
    """Return the instructions that end the program. Its result 1 lets the access happen, and 0 makes it fail with EPERM."""
    return [instruction(MOVE, RESULT, immediate=int(allow)), instruction(EXIT)]


def compile_rules(rules: list[Rule]) -> bytes:
    """Return a program (BPF_PROG_TYPE_CGROUP_DEVICE) that decides as the rules say."""
    code = [
        instruction(LOAD_WORD, KIND, 1, 0),
        instruction(MOVE_REGISTER, WANTED, KIND),
        instruction(RIGHT_SHIFT, WANTED, immediate=16),
        instruction(AND, KIND, immediate=0xFFFF),
        instruction(LOAD_WORD, MAJOR, 1, 4),
        instruction(LOAD_WORD, MINOR, 1, 8),
    ]
    for rule in reversed(relevant(rules)):
        code += compile_rule(rule)
    return b"".join(code + verdict(False))


def relevant(rules: list[Rule]) -> list[Rule]:
    """Return the rules from the last one on that speaks of everything. The rules before it cannot matter."""
    last = max((index for index, rule in enumerate(rules) if rule.is_everything()), default=0)
    return rules[last:]


def compile_rule(rule: Rule) -> list[bytes]:
    """Return the instructions for one rule. They skip it unless the device matches, and then decide on the access that it speaks of."""
    tests = [(JUMP_NOT_EQUAL, KIND, TYPES[rule.kind])] if rule.kind != "a" else []
    tests += [(JUMP_NOT_EQUAL, register, number) for register, number in ((MAJOR, rule.major), (MINOR, rule.minor)) if number != ANY]
    decision = decide(rule)
    total = len(tests) + len(decision)
    # A jump's offset counts from the instruction after it.
    jumps = [
        instruction(code, register, offset=total - index - 1, immediate=number) for index, (code, register, number) in enumerate(tests)
    ]
    return jumps + decision


def decide(rule: Rule) -> list[bytes]:
    """Return the instructions for a rule that matches.

    A rule that allows takes its access off what is still to be decided. A rule that denies refuses if any of its access is wanted.
    """
    mask = sum(ACCESS[letter] for letter in rule.access)
    if rule.allow:
        taken = instruction(AND, WANTED, immediate=~mask & 7)
        return [taken, instruction(JUMP_NOT_EQUAL, WANTED, offset=2), *verdict(True)]
    masked = [instruction(MOVE_REGISTER, SCRATCH, WANTED), instruction(AND, SCRATCH, immediate=mask)]
    return [*masked, instruction(JUMP_EQUAL, SCRATCH, offset=2), *verdict(False)]
