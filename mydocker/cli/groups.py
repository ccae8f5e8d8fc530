"""The groups of verbs, which docker has too: container, image, manifest, builder, volume, network, context, generate, system."""

from __future__ import annotations

from mydocker.cli.verb import Group
from mydocker.cli.verbs import ABSENT_BUILDX, ABSENT_CONTEXT, CONTAINER

container = Group(
    "container",
    help="Manage containers.",
    verbs={**CONTAINER, "ls": "ps:ps", "list": "ps:ps", "inspect": "inspect:container", "prune": "prune:container"},
    hidden=("list", "ps"),
)
image = Group(
    "image",
    help="Manage images.",
    verbs={
        "import": "imports:import_",
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
manifest = Group(
    "manifest",
    help="Manage lists of images for several platforms.",
    verbs={verb: f"manifests:{verb}" for verb in ("create", "annotate", "inspect", "push")} | {"rm": "manifests:remove"},
)
builder = Group("builder", help="Manage what builds have kept.", verbs={"prune": "prune:builder", "build": "build:build"})
buildx = Group(
    "buildx",
    help="build and prune, as docker's plugin calls them.",
    verbs={"build": "build:build", "prune": "prune:builder"},
    absent=ABSENT_BUILDX,
)
volume = Group(
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
    absent={"update": "there are no volumes of Swarm"},
)
network = Group(
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
context = Group(
    "context",
    help="Manage contexts: there is one, this machine.",
    verbs={
        "ls": "context:list_",
        "list": "context:list_",
        "show": "context:show",
        "inspect": "context:inspect",
        "use": "context:use",
    },
    hidden=("list",),
    absent=ABSENT_CONTEXT,
)
generate = Group("generate", help="Make files for other programs of a container.", verbs={"systemd": "generate:systemd"})
system = Group(
    "system",
    help="Manage mydocker itself.",
    verbs={
        "info": "system:info",
        "events": "events:events",
        "df": "df:df",
        "prune": "prune:system",
        "check": "check:check",
        "boot": "boot:boot",
        "init": "init:init",
        "service": "service:service",
    },
)
