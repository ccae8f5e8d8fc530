"""The table of verbs: {verb: 'MODULE:FUNCTION' of mydocker.cli}."""

from __future__ import annotations

# The verbs that can be given in two ways: `mydocker run` and `mydocker container run`.
CONTAINER = {
    "run": "run:run",
    "create": "run:create",
    "start": "run:start",
    "exec": "execute:execute",
    **{verb: f"life:{verb}" for verb in ("stop", "restart", "kill", "pause", "unpause", "wait", "rename", "attach")},
    "logs": "logs:logs",
    "ps": "ps:ps",
    "update": "update:update",
    "stats": "stats:stats",
    "cp": "cp:cp",
    "top": "look:top",
    "diff": "look:diff",
    "port": "port:port",
    "rm": "rm:rm",
    "commit": "commit:commit",
    "export": "commit:export",
}
ALL = {
    **CONTAINER,
    "events": "events:events",
    "inspect": "inspect:inspect",
    "container": "groups:container",
    "images": "images:images",
    "import": "imports:import_",
    "tag": "images:tag",
    "rmi": "images:rmi",
    "save": "archives:save",
    "load": "archives:load",
    "history": "history:history",
    "build": "build:build",
    **{verb: f"registry:{verb}" for verb in ("pull", "push", "login", "logout", "search")},
    "image": "groups:image",
    "builder": "groups:builder",
    "buildx": "groups:buildx",
    "volume": "groups:volume",
    "network": "groups:network",
    "system": "groups:system",
    "learn": "learn:learn",
    "completion": "completion:completion",
    "info": "system:info",
    "version": "system:version",
}
