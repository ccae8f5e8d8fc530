"""The verb completion, and the answers to a shell that completes verbs, flags and names of containers, images, volumes and networks."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem, get_completion_class

from mydocker.cli.base import Session, echo
from mydocker.cli.clicked import command
from mydocker.cli.verb import Group, argument, verb
from mydocker.engine.catalog import images
from mydocker.engine.connection import networks
from mydocker.engine.record import containers
from mydocker.engine.volume import volumes
from mydocker.paths import Paths

VARIABLE = "_MYDOCKER_COMPLETE"
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
    items = answer.get_completions(words, incomplete) or _names(words, incomplete)
    echo("\n".join(answer.format_completion(item) for item in items))
    return 0


def _names(words: list[str], incomplete: str) -> list[CompletionItem]:
    """Return the names that a verb's next argument may be."""
    paths = Paths.from_environment()
    kinds = {"image": _images, "volume": volumes.names, "network": _networks, "container": _containers}
    group = words[0] if words[:1] and words[0] in kinds else ""
    verb = words[1:2] if group else words[:1]
    if verb in (["connect"], ["disconnect"]) and len(words) > 2:
        group = "container"  # their second argument is a container
    about = group or ("image" if verb and verb[0] in _OF_IMAGES else "container")
    return [CompletionItem(name) for name in kinds[about](paths) if verb and name.startswith(incomplete)]


def _containers(paths: Paths) -> list[str]:
    return sorted(record["name"] for record in containers.every(paths))


def _networks(paths: Paths) -> list[str]:
    return [network["name"] for network in networks.every(paths)]


def _images(paths: Paths) -> list[str]:
    return sorted(name for image in images.all_images(paths) for name in image.names)
