"""Every reader of what comes from outside, as a function of bytes. It may refuse with an error of ours; anything else is a finding."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable

from mydocker.cli.template.compile import compile_template
from mydocker.engine.build import stages
from mydocker.engine.request import endpoints, mounts, ports, seccomp, settings, values
from mydocker.errors import Error
from mydocker.images import change, dockerfile, manifests, reference
from mydocker.images.config import image_document
from mydocker.images.dockerignore import Ignore
from mydocker.images.registries import Registries
from mydocker.images.words import expand_text
from mydocker.network.addresses import Subnet
from mydocker.runtime.spec import SPEC
from mydocker.runtime.users import lookup
from mydocker.shape import WrongShape, fit
from mydocker.storage.unpack import unpack
from mydocker.storage.whiteouts import PLAIN

_SCRATCH = tempfile.TemporaryDirectory(prefix="mydocker-fuzz-")
_MACHINE, _KERNEL = "x86_64", (6, 1)


def _file(data: bytes) -> str:
    path = f"{_SCRATCH.name}/input"
    with open(path, "wb") as file:
        file.write(data)
    return path


def _text(data: bytes) -> str:
    """Return a text as arguments and files come: any bytes, those that are no UTF-8 escaped."""
    return data.decode(errors="surrogateescape")


def tar(data: bytes) -> None:
    """A layer."""
    with tempfile.TemporaryDirectory(dir=_SCRATCH.name) as directory:
        unpack(io.BytesIO(data), directory, PLAIN, 1 << 20)


def documents(data: bytes) -> None:
    """Manifests, indexes, image configurations and config.json."""
    for read in (manifests.Manifest, manifests.read_index, image_document):
        _refused(read, data, "it")
    fit(manifests._parse(data, "it"), SPEC)


def build(data: bytes) -> None:
    """A Dockerfile."""
    instructions = dockerfile.parse(_text(data).replace("\0", ""), "Dockerfile")
    found = stages.divide(instructions, {"A": "b"}, {"TARGETARCH": "amd64"}, "Dockerfile")
    for stage in found.all:
        for instruction in stage.instructions:
            if instruction.name in change.NAMES:
                _refused(change.instruction, instruction.name, instruction.text, {}, {"A": "b"})
            for heredoc in instruction.heredocs:
                _refused(expand_text, heredoc.content, {"A": "b"})


def dockerignore(data: bytes) -> None:
    """.dockerignore."""
    ignore = Ignore(_text(data).splitlines())
    for path in ("a", "a/b/c", "node_modules/x", ".git"):
        ignore.excludes(path)


def environment(data: bytes) -> None:
    """Files of variables and labels."""
    path = _file(data)
    _refused(settings.environment, (), (path,))
    settings.labels((), (path,))


def passwd(data: bytes) -> None:
    """An image's /etc/passwd and /etc/group."""
    text = _text(data)
    for user in ("", "root", "1000", "www:staff", ":5"):
        _refused(lookup, user, text, text, ["wheel", "7"])


def template(data: bytes) -> None:
    """--format."""
    compile_template(_text(data))({"Names": "one", "Labels": {"a": "b"}, "Ports": [80, 443], "Size": 5, "None": None})


def profile(data: bytes) -> None:
    """A seccomp profile."""
    seccomp.load_profile(_file(data), ["CAP_CHOWN"], _MACHINE, _KERNEL)


def registries(data: bytes) -> None:
    """/etc/mydocker/config.json."""
    found = Registries(_file(data))
    for domain in ("docker.io", "localhost:5000"):
        found.endpoints(domain)


def flags(data: bytes) -> None:
    """Values of flags, one of each kind."""
    text = _text(data)
    parsers: list[Callable[[str], object]] = [
        mounts.from_volume,
        mounts.from_mount,
        mounts.from_tmpfs,
        ports.parse,
        ports.exposed,
        endpoints.extra_host,
        endpoints.check_mac,
        values.size,
        values.swap,
        values.cpus,
        values.ranges,
        values.ulimit,
        values.id_mapping,
        values.signal,
        values.restart,
        values.detach_keys,
        values.pair,
        reference.parse,
        reference.parse_name,
        Subnet.parse,
        change.nanoseconds,
    ]
    for parse in parsers:
        _refused(parse, text)


READERS: dict[str, Callable[[bytes], None]] = {
    reader.__name__: reader for reader in (tar, documents, build, dockerignore, environment, passwd, template, profile, registries, flags)
}


def _refused(read: Callable[..., object], *arguments: object) -> None:
    """Let one of several readers refuse, and go on."""
    try:
        read(*arguments)
    except Error:
        return


def try_reader(name: str, data: bytes) -> None:
    """Have a reader read; return if it did, or refused with one line that is not too long for one."""
    try:
        READERS[name](data)
    except (Error, WrongShape) as error:
        assert len(str(error)) < 10_000, "a message as long as its input"
    finally:
        if os.path.exists(f"{_SCRATCH.name}/input"):
            os.unlink(f"{_SCRATCH.name}/input")
