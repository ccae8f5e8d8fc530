"""What a new installation needs to be of use: an image to run, and fast commands in place of pip's scripts.

vm/provision.sh does both itself. `mydocker system init` does them for whoever installed with pip or pipx.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from struct import unpack_from

from mydocker import freeze, native
from mydocker.engine.catalog.images import all_images
from mydocker.engine.catalog.importing import ImportOptions, import_image
from mydocker.errors import NotFound, Unsupported
from mydocker.images.reference import parse_name
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths
    from mydocker.steps.base import Run

IMAGE = "busybox:latest"
_SCRIPT = os.path.join(os.path.dirname(__file__), "busybox-image")
_COMMANDS = {"mydocker": "mydocker.cli.entry", "mydocker-oci": "mydocker.oci.entry"}
_INTERPRETED = 3  # PT_INTERP: a program that needs a dynamic linker


class WriteLauncher(Step):
    """Write a launcher over the script that pip made for a command: it saves a third of every start, see native.py."""

    path: str
    module: str
    libraries: tuple[str, ...]

    def apply(self) -> None:
        partial = f"{self.path}.new"
        with open(partial, "wb") as file:
            file.write(native.command(sys.executable, self.module, *self.libraries))
        os.chmod(partial, 0o755)
        os.rename(partial, self.path)

    def describe(self) -> str:
        return f"write the launcher {quote(self.path)}"


class WriteModules(Step):
    """Write the modules of each verb into one file: it saves a quarter of every start, see frozen.py."""

    def apply(self) -> None:
        freeze.write()

    def describe(self) -> str:
        return "write the modules of each verb into one file"


def faster_commands() -> list[Step]:
    """Return the steps that replace pip's scripts. There are none where pip made none: in a checkout, or after vm/provision.sh."""
    directory = sysconfig.get_path("scripts")
    libraries = tuple(dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib")))
    paths = {os.path.join(directory, name): module for name, module in _COMMANDS.items()}
    launchers = [WriteLauncher(path, module, libraries) for path, module in paths.items() if _is_pips(path, module)]
    return [WriteModules(), *launchers] if launchers else []


def _is_pips(path: str, module: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(4096)
    except FileNotFoundError:
        return False
    return text.startswith(b"#!") and f"from {module} import".encode() in text


def make_image(paths: Paths, run: Run) -> str:
    """Make the image busybox:latest of this machine's static busybox, unless it is there. Return its id, '' if nothing was made.

    Raises NotFound if this machine has no busybox, Unsupported if that one needs libraries.
    """
    if any(IMAGE in image.names for image in all_images(paths)):
        return ""
    busybox = shutil.which("busybox")
    if not busybox:
        raise NotFound("no busybox on this machine to make an image of", "install busybox-static, or pull an image")
    if not is_static(busybox):
        raise Unsupported(f"{busybox} needs libraries, which an image of it would not have", "install busybox-static, or pull an image")
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["sh", _SCRIPT], stdout=archive, check=True)
        archive.seek(0)
        options = ImportOptions(changes=['CMD ["sh"]'])
        return import_image(paths, "-", archive, parse_name(IMAGE), options, run)  # type: ignore[arg-type]  # typeshed says IO[bytes]


def is_static(path: str) -> bool:
    """Say whether an ELF file is executed without a dynamic linker (elf(5))."""
    with open(path, "rb") as file:
        head = file.read(4096)
    if len(head) < 64 or head[:5] != b"\x7fELF\x02":
        return False
    offset, (size, count) = unpack_from("<Q", head, 32)[0], unpack_from("<HH", head, 54)
    places = range(offset, offset + size * count, size)
    return all(place + 4 <= len(head) and unpack_from("<I", head, place)[0] != _INTERPRETED for place in places)
