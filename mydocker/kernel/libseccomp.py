"""Compiling an OCI `linux.seccomp` object to a classic BPF program, by libseccomp through ctypes.

The library is loaded only when something is compiled. That is rare, as runtime/seccomp.py keeps the result. The rules are read
as runc reads them: names that the library does not know are left out, and so is a rule that repeats the default action.
Source: <seccomp.h>.
"""

from __future__ import annotations

import ctypes
import errno
import os

from mydocker.errors import BadInput, Unsupported
from mydocker.kernel.enosys import enosys_stub
from mydocker.kernel.files import Held
from mydocker.kernel.seccomp_rules import ACTIONS, Rule, Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.kernel.seccomp_object import Seccomp

# A call that one of these actions lets through reaches the kernel or a tracer, which answers ENOSYS itself where that is right.
_PERMISSIVE = (ACTIONS["SCMP_ACT_ALLOW"], ACTIONS["SCMP_ACT_LOG"], ACTIONS["SCMP_ACT_TRACE"])
_ACTION_MASK = 0xFFFF0000
_ENOSYS_ALREADY = ACTIONS["SCMP_ACT_ERRNO"] | errno.ENOSYS

_FLTATR_CTL_NNP = 3
_FLTATR_CTL_OPTIMIZE = 8
_BINARY_TREE = 2
# The library's binary tree is wrong for an empty filter (up to version 2.5.4), and it pays only from about this many rules on.
_TREE_FROM = 32
_NR_SCMP_ERROR = -1


class _Condition(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("datum_a", ctypes.c_uint64), ("datum_b", ctypes.c_uint64))


def compile_filter(seccomp: Seccomp) -> bytes:
    """Return the BPF program of an OCI `linux.seccomp` object.

    Raises BadInput for a name or a number that does not exist, and Unsupported if libseccomp is missing or lacks something.
    """
    rules = Rules(seccomp)
    library = _library()
    context = library.seccomp_init(rules.default)
    if not context:
        raise Unsupported(f"libseccomp does not support the default action {seccomp['defaultAction']!r}")
    try:
        return _Compiler(library, context).program(rules)
    finally:
        library.seccomp_release(context)


def version() -> str:
    """Return the library's version, such as '2.5.4'. Raises Unsupported if the library is missing."""
    tell = _library().seccomp_version
    tell.restype = ctypes.POINTER(ctypes.c_uint * 3)  # struct scmp_version: major, minor, micro
    return ".".join(map(str, tell().contents))


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        hint = "install it (Debian: libseccomp2), or use --security-opt seccomp=unconfined"
        raise Unsupported("the library libseccomp.so.2 is missing", hint) from error
    # A pointer that is not declared would be cut to 32 bits, and a u32 result that is not declared would come back negative.
    context = ctypes.c_void_p
    library.seccomp_init.restype = context
    library.seccomp_release.argtypes = [context]
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    library.seccomp_arch_add.argtypes = [context, ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [context, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [context, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Condition)]
    library.seccomp_export_bpf.argtypes = [context, ctypes.c_int]
    return library


class _Compiler:
    """A scmp_filter_ctx that is being filled."""

    __slots__ = ("_library", "_context")

    def __init__(self, library: ctypes.CDLL, context: int) -> None:
        self._library = library
        self._context = context

    def program(self, rules: Rules) -> bytes:
        """Fill the filter and export it. Return it after a head that answers calls of the future (enosys.py)."""
        tokens = [self._architecture(name) for name in rules.architectures]
        self._check(self._library.seccomp_attr_set(self._context, _FLTATR_CTL_NNP, 0), "attribute CTL_NNP")
        if len(rules.names()) > _TREE_FROM:
            # A library before 2.5 lacks this attribute. The filter is then slower, but it is right all the same.
            self._check(self._library.seccomp_attr_set(self._context, _FLTATR_CTL_OPTIMIZE, _BINARY_TREE), "attribute", errno.EINVAL)
        for rule in rules.rules:
            if rule.action != rules.default:
                self._add(rule)
        return self._stub(rules, tokens) + self._export()

    def _architecture(self, name: str) -> int:
        # libseccomp's own names are the specification's in lower case and without the prefix.
        token: int = self._library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
        if not token:
            raise Unsupported(f"this libseccomp does not know the architecture {name!r}")
        self._check(self._library.seccomp_arch_add(self._context, token), f"architecture {name!r}", errno.EEXIST)
        return token

    def _add(self, rule: Rule) -> None:
        for name in rule.names:
            number = self._library.seccomp_syscall_resolve_name(name.encode())
            for conditions in rule.alternatives if number != _NR_SCMP_ERROR else []:
                array = (_Condition * len(conditions))(*(_Condition(*condition) for condition in conditions))
                result = self._library.seccomp_rule_add_array(self._context, rule.action, number, len(conditions), array)
                self._check(result, f"the rule for {name!r}")

    def _stub(self, rules: Rules, tokens: list[int]) -> bytes:
        if rules.default & _ACTION_MASK in _PERMISSIVE or rules.default == _ENOSYS_ALREADY:
            return b""
        return enosys_stub({token: self._newest(token, rules.names()) for token in tokens})

    def _newest(self, token: int, names: set[str]) -> int:
        # A name that an architecture lacks resolves to a negative number.
        return max((self._library.seccomp_syscall_resolve_name_arch(token, name.encode()) for name in names), default=-1)

    def _export(self) -> bytes:
        # seccomp_export_bpf_mem would need no descriptor, but only libseccomp 2.6 has it.
        with Held(os.memfd_create("seccomp", os.MFD_CLOEXEC)) as descriptor:
            self._check(self._library.seccomp_export_bpf(self._context, descriptor), "the filter")
            return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    def _check(self, result: int, what: str, accepted: int = 0) -> None:
        if result < 0 and -result != accepted:
            raise BadInput(f"libseccomp refuses {what}: {os.strerror(-result)}")
