"""Names of containers and volumes: which there may be, and one for a container to which the user gave none."""

from __future__ import annotations

import os

from mydocker.errors import BadInput

_QUALITIES = (
    "agile amber bold brave bright brisk calm candid clever cosmic crisp curious daring eager earnest fair fancy fond frank "
    "gentle glad golden grand handy happy hardy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild "
    "modest neat nimble noble patient placid polite proud quick quiet rapid rustic serene sharp silent smooth snug solid "
    "steady sturdy sunny swift tender tidy upbeat vivid warm wise witty zesty"
)
_BOATS = (
    "barge bark brig canoe caravel carrack catboat clipper cog coracle corvette cruiser currach cutter dhow dinghy dory "
    "felucca ferry frigate galleon galley gondola hoy hulk jangada junk kayak keelboat ketch knarr launch lighter longship "
    "lugger pinnace pirogue proa punt raft sampan scow schooner shallop skiff sloop smack sternwheeler tender trawler "
    "trimaran tug umiak whaler wherry xebec yacht yawl"
)


def generate() -> str:
    """Return a name such as 'calm_cutter'."""
    return f"{_any(_QUALITIES)}_{_any(_BOATS)}"


def _any(words: str) -> str:
    # To import the random module would take longer than everything else here.
    choices = words.split()
    return choices[int.from_bytes(os.urandom(4)) % len(choices)]


_NAME_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_NAME_REST = _NAME_FIRST + "_.-"


def is_name(name: str) -> bool:
    """Say whether a container or a volume may have this name. The rule is docker's."""
    return len(name) >= 2 and name[0] in _NAME_FIRST and all(c in _NAME_REST for c in name)


def check_name(name: str) -> None:
    """Raise BadInput unless a container or a volume may have this name."""
    if not is_name(name):
        raise BadInput(f"invalid name {name!r}: expected [a-zA-Z0-9][a-zA-Z0-9_.-]+, two characters or more")
