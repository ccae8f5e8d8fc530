"""The groups that docker has too: container, image, volume, system."""

from __future__ import annotations

from mydocker.cli.base import LazyGroup

container = LazyGroup(
    "container",
    help="Manage containers.",
    verbs={
        "run": "run:run",
        "create": "run:create",
        "start": "run:start",
        "exec": "execute:execute",
        **{verb: f"life:{verb}" for verb in ("stop", "restart", "kill", "pause", "unpause", "wait", "rename", "attach")},
        "logs": "logs:logs",
        "inspect": "inspect:container",
        "ls": "ps:ps",
        "list": "ps:ps",
        "ps": "ps:ps",
        "update": "update:update",
        "stats": "stats:stats",
        "cp": "cp:cp",
        "top": "look:top",
        "diff": "look:diff",
        "rm": "rm:rm",
        "prune": "rm:prune",
        "commit": "commit:commit",
        "export": "commit:export",
    },
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
        "inspect": "inspect:image",
    },
    hidden=("list",),
)
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
        "prune": "volumes:prune",
    },
    hidden=("list", "remove"),
)
system = LazyGroup("system", help="Manage mydocker itself.", verbs={"info": "system:info", "check": "check:check"})
