"""Image references: docker's grammar, what a short name means, and how a name is shown.

    reference = [HOST[:PORT]/]PATH[:TAG][@ALGORITHM:HEX]

Source: the grammar at the top of distribution/reference. A short name such as 'busybox' means 'docker.io/library/busybox'. We compare the
long names, and users see the short ones.
"""

from __future__ import annotations

from mydocker.errors import BadInput
from mydocker.value import Value

_HUB = "docker.io"
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALPHANUMERIC = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_TAG_FIRST = _ALPHANUMERIC | {"_"}
_TAG_REST = _TAG_FIRST | {".", "-"}
_HEX = frozenset("0123456789abcdef")
_NAME_MAX = 255


class Reference(Value):
    """A reference in its long form."""

    domain: str  # HOST[:PORT] of the registry
    path: str  # of the repository in the registry
    tag: str = ""  # '' if there is none
    digest: str = ""  # ALGORITHM:HEX, '' if there is none

    @property
    def repository(self) -> str:
        """The long name without tag and digest: 'docker.io/library/busybox'."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The name that users see, without tag and digest: 'busybox'."""
        return self.path.removeprefix("library/") if self.domain == _HUB else self.repository

    @property
    def canonical(self) -> str:
        """The long name with tag and digest, as the annotation `io.containerd.image.name` has it."""
        return self._complete(self.repository)

    def with_default_tag(self) -> Reference:
        """Return the reference, with the tag 'latest' if it has neither tag nor digest."""
        return self if self.tag or self.digest else Reference(domain=self.domain, path=self.path, tag="latest")

    def _complete(self, name: str) -> str:
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self._complete(self.familiar)


def parse(text: str) -> Reference:
    """Return the reference that a user's text means. Raises BadInput if the text is not a reference."""
    rest, at, digest = text.partition("@")
    name, tag = _split_tag(rest)
    domain, path = _split_domain(name)
    if path != path.lower():
        raise BadInput(f"invalid reference format: repository name {name!r} must be lowercase")
    valid = _is_domain(domain) and path and all(map(_is_component, path.split("/"))) and len(f"{domain}/{path}") <= _NAME_MAX
    if not valid or not (tag is None or _is_tag(tag)) or not (not at or is_digest(digest)):
        raise BadInput(f"invalid reference format: {text!r}", "expected [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST]")
    if is_id(rest):
        raise BadInput(f"invalid repository name {rest!r}: 64 hexadecimal digits are an image id")
    return Reference(domain=domain, path=path, tag=tag or "", digest=digest)


def parse_name(text: str) -> Reference:
    """Return the reference of a name that an image is to get. The default tag is 'latest'. Raises BadInput, also for a digest."""
    reference = parse(text)
    if reference.digest:
        raise BadInput(f"refusing to create a tag with a digest reference: {text!r}")
    if reference.familiar == "sha256":
        raise BadInput(f"refusing to create an ambiguous tag using digest algorithm as name: {text!r}")
    return reference.with_default_tag()


def is_id(text: str) -> bool:
    """Say whether a text is 64 lower case hexadecimal digits."""
    return len(text) == 64 and _HEX.issuperset(text)


def is_digest(text: str) -> bool:
    """Say whether a text is ALGORITHM:HEX with at least 32 digits."""
    algorithm, _, digits = text.partition(":")
    return bool(algorithm) and _ALPHANUMERIC.issuperset(algorithm) and len(digits) >= 32 and _HEX.issuperset(digits)


def _split_tag(text: str) -> tuple[str, str | None]:
    # A colon before the last slash separates a port, not a tag.
    colon = text.rfind(":")
    return (text[:colon], text[colon + 1 :]) if colon > text.rfind("/") else (text, None)


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    # As with docker, the part before the first slash is a host only if it could not be part of a path.
    if slash and (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        domain, path = ("docker.io" if first == "index.docker.io" else first), rest
    else:
        domain, path = _HUB, name
    return domain, f"library/{path}" if domain == _HUB and path and "/" not in path else path


def _is_domain(domain: str) -> bool:
    if domain.startswith("["):
        host, bracket, port = domain[1:].partition("]")
        return bool(bracket) and bool(host) and _HEX.issuperset(host.lower().replace(":", "")) and _is_port(port)
    host, colon, port = domain.partition(":")
    return all(map(_is_label, host.split("."))) and _is_port(colon + port)


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())


def _is_label(label: str) -> bool:
    return label[:1] in _ALPHANUMERIC and label[-1:] in _ALPHANUMERIC and _ALPHANUMERIC.issuperset(label.replace("-", ""))


def _is_component(text: str) -> bool:
    # A component has letters and digits, and between them one '.', one or two '_' or any number of '-'.
    separators = "".join("/" if c in _LOWER else c for c in text).split("/")
    inside = all(run in ("", ".", "_", "__") or not run.strip("-") for run in separators)
    return text[:1] in _LOWER and text[-1:] in _LOWER and inside


def _is_tag(tag: str) -> bool:
    return tag[:1] in _TAG_FIRST and _TAG_REST.issuperset(tag) and len(tag) <= 128
