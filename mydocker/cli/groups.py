"""The groups of verbs, which docker has too: container, image, builder, volume, network, system."""

from __future__ import annotations

from mydocker.cli.base import LazyGroup
from mydocker.cli.verbs import CONTAINER

container = LazyGroup(
    "container",
    help="Manage containers.",
    verbs={**CONTAINER, "ls": "ps:ps", "list": "ps:ps", "inspect": "inspect:container", "prune": "prune:container"},
    hidden=("list", "ps"),
)
image = LazyGroup(
    "image",
    help="Manage images.",
    verbs={
        "import": "images:import_",
        "ls": "images:images",
        "list": "images:images",
        "tag": "images:tag",
        "rm": "images:rmi",
        "save": "archives:save",
        "load": "archives:load",
        "history": "history:history",
        "build": "build:build",
        "pull": "registry:pull",
        "push": "registry:push",
        "inspect": "inspect:image",
        "prune": "prune:image",
    },
    hidden=("list",),
)
builder = LazyGroup("builder", help="Manage what builds have kept.", verbs={"prune": "prune:builder", "build": "build:build"})
volume = LazyGroup(
    "volume",
    help="Manage volumes.",
    verbs={
        "create": "volumes:create",
        "ls": "volumes:list_",
        "list": "volumes:list_",
        "rm": "volumes:remove",
        "remove": "volumes:remove",
        "inspect": "inspect:volume",
        "prune": "prune:volume",
    },
    hidden=("list", "remove"),
)
network = LazyGroup(
    "network",
    help="Manage networks.",
    verbs={
        "create": "networks:create",
        "ls": "networks:list_",
        "list": "networks:list_",
        "rm": "networks:remove",
        "remove": "networks:remove",
        "inspect": "inspect:network",
        "connect": "networks:connect",
        "disconnect": "networks:disconnect",
        "prune": "prune:network",
    },
    hidden=("list", "remove"),
)
system = LazyGroup(
    "system",
    help="Manage mydocker itself.",
    verbs={
        "info": "system:info",
        "events": "events:events",
        "df": "df:df",
        "prune": "prune:system",
        "check": "check:check",
        "boot": "boot:boot",
    },
)
