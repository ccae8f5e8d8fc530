"""The verb import."""

from __future__ import annotations

import sys

from mydocker.cli.base import EXPLAIN, Session, echo
from mydocker.cli.execution import runner
from mydocker.cli.verb import OPTIONAL, argument, option, verb
from mydocker.engine.catalog.importing import ImportOptions, import_image
from mydocker.images.reference import parse_name
from mydocker.storage.drivers import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedReader


CHANGE = option("-c", "--change", "changes", metavar="INSTRUCTION", many=True, help="Apply a Dockerfile instruction.")


@verb(
    CHANGE,
    option("-m", "--message", metavar="TEXT", default="", help="Comment in the image's history."),
    option("--platform", metavar="OS/ARCH[/VARIANT]", default="", help="Platform of the content [this machine's]."),
    *EXPLAIN,
    argument("source", "FILE|DIRECTORY|-"),
    argument("name", "[REPOSITORY[:TAG]]", OPTIONAL),
    name="import",
)
def import_(session: Session, changes: tuple[str, ...], message: str, platform: str, source: str, name: str | None) -> None:
    """Make an image from a root file system: a tar archive (plain, gzip, bzip2, xz, zstd) or a directory.

    Example: mydocker import -c 'CMD ["sh"]' rootfs.tar.gz busybox
    """
    reference = parse_name(name) if name else None
    longest = choose(session.paths).longest_name
    options = ImportOptions(changes=changes, message=message, platform=platform, longest_name=longest)
    stdin: BufferedReader = sys.stdin.buffer  # type: ignore[assignment]  # typeshed says BinaryIO
    print_id(import_image(session.paths, source, stdin, reference, options, runner(session)))


def print_id(image_id: str) -> None:
    """Print a new image's id, unless it is '', as after a dry run."""
    if image_id:
        echo(f"sha256:{image_id}")
