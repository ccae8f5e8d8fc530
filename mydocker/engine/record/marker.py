"""/.dockerenv, an empty file by which programs know that they are in a container: testcontainers then asks for docker elsewhere.

As docker's, it is in the writable layer, and in no image that is made of the container. A container gets it at its first start: those in
which a build only looks get none.
"""

from __future__ import annotations

import os

from mydocker.steps.files import CreateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.steps.base import Step
    from mydocker.storage.base import StorageDriver

MARKER = "/.dockerenv"


def around(mounting: list[Step], driver: StorageDriver, directory: str, layers: list[str]) -> list[Step]:
    """Return the steps that mount a root file system for the first time, and make the file.

    Where the writable layer is there before, it goes into that before it is mounted. Where that is a copy of the image's files, it comes
    after, unless the image has one.

    directory: the container's
    """
    path = f"{directory}/{driver.writable}{MARKER}"
    if os.path.lexists(path):
        return mounting  # it was copied into the container, and may be anything
    making = CreateFile(path, "", 0o755)
    if driver.writable_steps(directory):
        return [making, *mounting]
    has_one = layers and os.path.lexists(driver.layer(layers[0]) + MARKER)
    return [*mounting, *([] if has_one else [making])]
