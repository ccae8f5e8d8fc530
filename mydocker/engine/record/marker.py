"""/.dockerenv, an empty file by which programs know that they are in a container: testcontainers then asks for docker elsewhere.

As docker's, it is in the writable layer from the beginning, and in no image that is made of the container.
"""

from __future__ import annotations

import os

from mydocker.steps.files import CreateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.steps.base import Step
    from mydocker.storage.base import StorageDriver

MARKER = "/.dockerenv"


def at_creation(driver: StorageDriver, directory: str) -> list[Step]:
    """Return the step that makes it where the writable layer is made with the container. directory: the container's"""
    return [_creation(driver, directory)] if driver.writable_steps(directory) else []


def at_first_start(driver: StorageDriver, directory: str, layers: list[str]) -> list[Step]:
    """Return the step that makes it where the writable layer is a copy of the image's files, unless the image has one."""
    is_copy = not driver.writable_steps(directory)
    has_one = layers and os.path.lexists(driver.layer(layers[0]) + MARKER)
    return [_creation(driver, directory)] if is_copy and not has_one else []


def _creation(driver: StorageDriver, directory: str) -> Step:
    return CreateFile(f"{directory}/{driver.writable}{MARKER}", "", 0o755)
