"""The platforms of a build: that of its base images, and what its arguments say of it."""

from __future__ import annotations

from mydocker.engine.catalog import images
from mydocker.errors import BadInput, NoImage
from mydocker.images import config
from mydocker.images.config import platform_fields, platform_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.paths import Paths

# Fewer digits of an image's id than `images` shows are taken for a name. A misspelt stage such as `b` could be many ids.
_FEWEST_DIGITS = 12


def is_here(paths: Paths, name: str, platform: str) -> bool:
    """Say whether there is a base image for a platform, '' for any."""
    try:
        found = images.find(paths, name, _FEWEST_DIGITS)
    except NoImage:
        return False
    return not platform or platform_fields(platform).items() <= platform_of(found.document).items()


def normal(text: str) -> str:
    """Return a --platform as OS/ARCHITECTURE[/VARIANT], '' for none. Raises BadInput."""
    if not text:
        return ""
    if "," in text:
        raise BadInput(f"invalid platform {text!r}: an image has one platform here: expected one")
    fields = config.platform_fields(text)
    return "/".join(filter(None, (fields["os"], fields["architecture"], fields.get("variant"))))


def arguments(target: str) -> dict[str, str]:
    """Return the arguments that every build has, such as TARGETARCH. target: the platform, '' for the host's"""
    found: dict[str, str] = {}
    for prefix, platform in (("TARGET", target or config.host_platform()), ("BUILD", config.host_platform())):
        fields = config.platform_fields(platform)
        values = {"PLATFORM": platform, "OS": fields["os"], "ARCH": fields["architecture"], "VARIANT": fields.get("variant", "")}
        found |= {prefix + key: value for key, value in values.items()}
    return found
