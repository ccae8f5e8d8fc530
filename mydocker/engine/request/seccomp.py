"""Seccomp profiles: the default one, and files in the format of docker and podman or of the runtime specification.

profile() and load_profile() return an OCI `linux.seccomp` object. Their arguments:
    capabilities: the container's bounding set.
    machine: the machine that uname(2) names.
    kernel: the kernel's version, (major, minor).
"""

from __future__ import annotations

import errno

from mydocker import leanjson
from mydocker.engine.request import default_profile as data
from mydocker.errors import BadInput, Error
from mydocker.given import read_all
from mydocker.kernel.seccomp_object import SECCOMP_ARGUMENT
from mydocker.kernel.seccomp_rules import Rules
from mydocker.shape import WrongShape, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.kernel.seccomp_object import Seccomp, SeccompArgument, SeccompRule
    from mydocker.shape import Shape

    class Conditions(TypedDict):
        """When a rule applies, or does not."""

        caps: list[str]
        arches: list[str]
        minKernel: NotRequired[str]

    class ProfileRule(TypedDict):
        """A rule of a profile."""

        name: str
        names: list[str]
        action: str
        errnoRet: NotRequired[int]
        errno: NotRequired[str]
        args: NotRequired[list[SeccompArgument]]
        includes: Conditions
        excludes: Conditions

    class ArchMapEntry(TypedDict):
        """The architectures of one machine."""

        architecture: str
        subArchitectures: list[str]

    class Profile(TypedDict):
        """The file of a profile."""

        defaultAction: str
        defaultErrnoRet: NotRequired[int]
        defaultErrno: NotRequired[str]
        flags: NotRequired[list[str]]
        listenerPath: NotRequired[str]
        listenerMetadata: NotRequired[str]
        architectures: list[str]
        archMap: list[ArchMapEntry]
        syscalls: list[ProfileRule]


CONDITIONS: Shape = {"caps": (["text"], []), "arches": (["text"], []), "minKernel": "text"}
PROFILE_RULE: Shape = {
    "name": ("text", ""),  # one name, in the older format
    "names": (["text"], []),
    "action!": "text",
    "errnoRet": "natural",
    "errno": "text",  # by its name, as podman's profiles have it
    "args": [SECCOMP_ARGUMENT],
    "includes": (CONDITIONS, {}),
    "excludes": (CONDITIONS, {}),
}
ARCH_MAP_ENTRY: Shape = {"architecture!": "text", "subArchitectures": (["text"], [])}
PROFILE: Shape = {
    "defaultAction!": "text",
    "defaultErrnoRet": "natural",
    "defaultErrno": "text",
    "flags": ["text"],
    "listenerPath": "text",
    "listenerMetadata": "text",
    "architectures": (["text"], []),
    "archMap": ([ARCH_MAP_ENTRY], []),
    "syscalls": ([PROFILE_RULE], []),
}

# The names of machines in the `includes` and `excludes` of profiles. They are Go's.
GO_ARCHITECTURES = {
    "x86_64": "amd64",
    "i686": "x86",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}
# The architecture of each machine, to be looked for in a profile's archMap.
NATIVE = {
    "x86_64": "SCMP_ARCH_X86_64",
    "i686": "SCMP_ARCH_X86",
    "aarch64": "SCMP_ARCH_AARCH64",
    "armv7l": "SCMP_ARCH_ARM",
    "ppc64le": "SCMP_ARCH_PPC64LE",
    "s390x": "SCMP_ARCH_S390X",
    "riscv64": "SCMP_ARCH_RISCV64",
    "loongarch64": "SCMP_ARCH_LOONGARCH64",
}


def profile(capabilities: list[str], machine: str, kernel: tuple[int, int]) -> Seccomp:
    """Return the default profile for a container with these capabilities."""
    rules = [_allow(sorted(_names(capabilities, machine, kernel))), *_socket_rules(), *_personality_rules()]
    if "CAP_SYS_ADMIN" not in capabilities:
        rules += _clone_rules(machine)
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "architectures": data.ARCHITECTURES.get(machine, []),
        "syscalls": rules,
    }


def _names(capabilities: list[str], machine: str, kernel: tuple[int, int]) -> set[str]:
    groups = [data.ALWAYS, data.BY_MACHINE.get(machine, ""), data.PTRACE if kernel >= data.PTRACE_KERNEL else ""]
    groups += [data.BY_CAPABILITY.get(capability, "") for capability in capabilities]
    return set(" ".join(groups).split())


def _allow(names: list[str]) -> SeccompRule:
    return {"names": names, "action": "SCMP_ACT_ALLOW"}


def _allow_if(name: str, index: int, value: int, operator: str = "SCMP_CMP_EQ") -> SeccompRule:
    return {**_allow([name]), "args": [{"index": index, "value": value, "op": operator}]}


def _socket_rules() -> list[SeccompRule]:
    # One comparison covers all families below the first refused one. A range in the middle would need two comparisons of one argument.
    first = min(data.REFUSED_FAMILIES)
    rest = [family for family in range(first, data.AF_MAX) if family not in data.REFUSED_FAMILIES]
    return [_allow_if("socket", 0, first, "SCMP_CMP_LT"), *(_allow_if("socket", 0, family) for family in rest)]


def _personality_rules() -> list[SeccompRule]:
    return [_allow_if("personality", 0, value) for value in data.PERSONALITIES]


def _clone_rules(machine: str) -> list[SeccompRule]:
    # On s390 the flags are clone's second argument. clone3 has them behind a pointer, so it fails as if it did not exist, and its
    # callers use clone.
    flags = 1 if machine == "s390x" else 0
    clone3: SeccompRule = {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    return [_allow_if("clone", flags, data.CLONE_NAMESPACES, "SCMP_CMP_MASKED_EQ"), clone3]


def load_profile(path: str, capabilities: list[str], machine: str, kernel: tuple[int, int]) -> Seccomp:
    """Return the profile that a file holds. Raises BadInput or Unsupported, naming the file, for whatever is wrong with it.

    path: the file's, or the profile itself: clients of the API send what their file holds.
    """
    is_text = path.lstrip().startswith("{")
    try:
        seccomp = _resolve(_parsed(path) if is_text else _read(path), capabilities, machine, kernel)
        Rules(seccomp)
    except Error as error:
        raise type(error)(f"seccomp profile{'' if is_text else f' {path!r}'}: {error.message}") from error
    return seccomp


def _read(path: str) -> Profile:
    try:
        with open(path, "rb") as file:
            return _parsed(read_all(file).decode())
    except OSError as error:
        raise BadInput(error.strerror.lower() if error.strerror else str(error)) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"not valid JSON: {error}") from error


def _parsed(text: str) -> Profile:
    try:
        document: Profile = leanjson.loads(text)
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}") from error
    if not isinstance(document, dict) or not document.get("defaultAction"):
        raise BadInput("not a JSON object with a 'defaultAction'")
    try:
        fit(document, PROFILE)
    except WrongShape as error:
        raise BadInput(str(error)) from error
    return document


def _resolve(document: Profile, capabilities: list[str], machine: str, kernel: tuple[int, int]) -> Seccomp:
    """Return a profile in the OCI form.

    Its conditions are decided, its archMap is reduced to this machine, and the names of errnos are turned into numbers.
    """
    rules = [_rule(rule) for rule in document["syscalls"] if _applies(rule, capabilities, machine, kernel)]
    seccomp: Seccomp = {
        "defaultAction": document["defaultAction"],
        "architectures": _architectures(document, machine),
        "syscalls": rules,
    }
    if "defaultErrno" in document:
        seccomp["defaultErrnoRet"] = _errno(document["defaultErrno"])
    elif "defaultErrnoRet" in document:
        seccomp["defaultErrnoRet"] = document["defaultErrnoRet"]
    if "flags" in document:
        seccomp["flags"] = document["flags"]
    if "listenerPath" in document:
        seccomp["listenerPath"] = document["listenerPath"]
    if "listenerMetadata" in document:
        seccomp["listenerMetadata"] = document["listenerMetadata"]
    return seccomp


def _architectures(document: Profile, machine: str) -> list[str]:
    if document["architectures"] and document["archMap"]:
        raise BadInput("both 'architectures' and 'archMap' are given")
    for entry in document["archMap"]:
        if entry["architecture"] == NATIVE.get(machine):
            return [entry["architecture"], *entry["subArchitectures"]]
    return document["architectures"]


def _applies(rule: ProfileRule, capabilities: list[str], machine: str, kernel: tuple[int, int]) -> bool:
    """Say whether a rule applies.

    All of `includes` must hold: each of its capabilities, its minKernel, and one of its arches. Nothing of `excludes` may hold.
    """
    includes, excludes = rule["includes"], rule["excludes"]
    architecture = GO_ARCHITECTURES.get(machine, machine)
    wanted = (
        set(includes["caps"]) <= set(capabilities)
        and architecture in (includes["arches"] or [architecture])
        and kernel >= _version(includes.get("minKernel") or "0.0")
    )
    refused = (
        not set(excludes["caps"]).isdisjoint(capabilities)
        or architecture in excludes["arches"]
        or ("minKernel" in excludes and kernel >= _version(excludes["minKernel"]))
    )
    return wanted and not refused


def _rule(rule: ProfileRule) -> SeccompRule:
    if rule["name"] and rule["names"]:
        raise BadInput(f"both 'name' and 'names' are given for {rule['name']!r}")
    found: SeccompRule = {"names": [rule["name"]] if rule["name"] else rule["names"], "action": rule["action"]}
    if rule.get("errno"):
        found["errnoRet"] = _errno(rule["errno"])
    elif "errnoRet" in rule:
        found["errnoRet"] = rule["errnoRet"]
    if "args" in rule:
        found["args"] = rule["args"]
    return found


def _errno(name: str) -> int:
    """Return the number of an errno that is given by its name, as in podman's profiles."""
    number = getattr(errno, name, None)
    if not isinstance(number, int):
        raise BadInput(f"unknown errno {name!r}")
    return number


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise BadInput(f"minKernel {text!r} is not MAJOR.MINOR")
    return int(major), int(minor)
