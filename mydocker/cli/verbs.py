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
    "manifest": "groups:manifest",
    "builder": "groups:builder",
    "buildx": "groups:buildx",
    "volume": "groups:volume",
    "network": "groups:network",
    "context": "groups:context",
    "system": "groups:system",
    "generate": "groups:generate",
    "learn": "learn:learn",
    "completion": "completion:completion",
    "info": "system:info",
    "version": "system:version",
}

# docker's verbs that mydocker does not have, with the reasons.
_NO_SWARM = "there is no Swarm, a machine is by itself"
ABSENT = {
    **dict.fromkeys(("config", "node", "secret", "service", "stack", "swarm"), _NO_SWARM),
    "checkpoint": "there are no checkpoints",
    "compose": "it is a plugin of docker's client, which can use the socket of `mydocker system service`, as docker-compose can",
    "plugin": "all drivers are built in",
    "trust": "the signatures of Docker Content Trust are neither made nor checked",
}
ABSENT_CONTEXT = dict.fromkeys(("create", "export", "import", "rm", "update"), "there is one context, this machine")
ABSENT_BUILDX = {
    **dict.fromkeys(("create", "inspect", "ls", "rm", "stop", "use"), "there is one builder, and it needs no daemon"),
    "bake": "only Dockerfiles are read",
    "du": "`mydocker system df` has it",
    "imagetools": "`mydocker manifest` does it",
}
