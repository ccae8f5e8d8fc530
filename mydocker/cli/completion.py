"""The verb completion, and the answers to a shell that completes verbs, flags and names of containers, images, volumes and networks."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem, get_completion_class

from mydocker.cli.base import Session, echo
from mydocker.cli.clicked import command
from mydocker.cli.verb import Group, Verb, argument, verb
from mydocker.engine.catalog import images
from mydocker.engine.connection import networks
from mydocker.engine.record import containers
from mydocker.engine.volume import volumes
from mydocker.paths import Paths

VARIABLE = "_MYDOCKER_COMPLETE"
# What the value of a flag is a name of. Where a path may stand too, nothing is said, and the shell offers files.
_OF_FLAGS = {"--network": "network", "--net": "network", "--volumes-from": "container", "--cache-from": "image"}
_OF_IMAGES = ("run", "create", "rmi", "tag", "push", "pull", "save", "history")


@verb(
    argument("shell", choices=("bash", "zsh", "fish")),
)
def completion(session: Session, shell: str) -> None:
    """Print a script that makes a shell complete mydocker's command lines.

    Example: mydocker completion bash > /etc/bash_completion.d/mydocker
    """
    found = get_completion_class(shell)
    assert found
    # The script is the same whatever the verbs are.
    echo(found(click.Command("mydocker"), {}, "mydocker", VARIABLE).source())


def complete(group: Group) -> int:
    """Print the words that may come next, in the form that VARIABLE asks for. The shell's script calls this. Return the exit status."""
    shell, _, instruction = os.environ[VARIABLE].partition("_")
    found = get_completion_class(shell)
    if not found or instruction != "complete":
        return 1
    answer = found(command(group), {}, "mydocker", VARIABLE)
    words, incomplete = answer.get_completion_args()
    items = answer.get_completions(words, incomplete) or _names(group, words, incomplete)
    echo("\n".join(answer.format_completion(item) for item in items))
    return 0


def _names(root: Group, words: list[str], incomplete: str) -> list[CompletionItem]:
    """Return the names that a verb's next argument, or the value of the flag before it, may be."""
    paths = Paths.from_environment()
    kinds = {"image": _images, "volume": volumes.names, "network": _networks, "container": _containers, "lesson": _lessons}
    if _wants_value(root, words):
        kind = _OF_FLAGS.get(words[-1], "")
        return [CompletionItem(name) for name in kinds[kind](paths) if name.startswith(incomplete)] if kind else []
    group = words[0] if words[:1] and words[0] in kinds else ""
    verb = words[1:2] if group else words[:1]
    if verb in (["connect"], ["disconnect"]) and len(words) > 2:
        group = "container"  # their second argument is a container
    about = group or ("image" if verb and verb[0] in _OF_IMAGES else "lesson" if verb == ["learn"] else "container")
    return [CompletionItem(name) for name in kinds[about](paths) if verb and name.startswith(incomplete)]


def _wants_value(root: Group, words: list[str]) -> bool:
    """Say whether the last word is a flag whose value comes next."""
    member: Verb | Group | None = root
    for word in words:
        member = member.member(word) or member if isinstance(member, Group) else member
    assert member
    return any(flag.takes_value and words[-1:] and words[-1] in flag.names for flag in member.flags)


def _containers(paths: Paths) -> list[str]:
    return sorted(record["name"] for record in containers.every(paths))


def _networks(paths: Paths) -> list[str]:
    return [network["name"] for network in networks.every(paths)]


def _lessons(paths: Paths) -> list[str]:
    from mydocker.cli.learn import ACTIONS
    from mydocker.learn import lessons

    return [*ACTIONS, *(str(lesson.number) for lesson in lessons.every())]


def _images(paths: Paths) -> list[str]:
    return sorted(name for image in images.all_images(paths) for name in image.names)
