"""Make a new container's record. What its fields mean is said in record/containers.py."""

from __future__ import annotations

from mydocker.engine.catalog.images import Image
from mydocker.engine.container.spec import Facts
from mydocker.engine.request import ports
from mydocker.engine.request.hostconfig import host_config
from mydocker.engine.request.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.record.config import Attached, Config, Empty
    from mydocker.engine.record.containers import Binding, Record
    from mydocker.images.config import ImageConfig
    from mydocker.runtime.spec import Spec


def record_of(options: Options, image: Image, spec: Spec, facts: Facts, name: str, driver: str, now: str) -> Record:
    """Return a container's first record, with the status `creating`.

    facts: what make_spec was told
    driver: the storage driver's name
    now: the time of the creation, RFC 3339 in UTC
    """
    return {
        "id": facts.id,
        "name": name,
        "status": "creating",
        "pid": 0,
        "createTime": now,
        "startedAt": "",
        "finishedAt": "",
        "exitCode": 0,
        "oomKilled": False,
        "error": "",
        "stopped": False,
        "kept": False,
        "restartCount": 0,
        "restartDelay": 0.0,
        "command": spec["process"]["args"],
        "image": options.image,
        "imageId": image.id,
        "storageDriver": driver,
        "layers": image.chain_ids,
        "mounts": facts.mounts,
        "endpoints": options.endpoints,
        "ports": _ports(options, image.config),
        "published": [],
        "autoRemove": options.remove,
        "config": _config(options, image.config, spec),
        "hostConfig": host_config(options, spec, facts.runtime),
    }


def _exposed(options: Options, image: ImageConfig) -> list[str]:
    """Return the ports that the container serves, as docker names them, in the order of their numbers."""
    names = {*(image.get("ExposedPorts") or {}), *options.expose, *map(ports.key, options.publish)}
    return sorted(names, key=lambda name: (int(name.partition("/")[0]), name))


def _ports(options: Options, image: ImageConfig) -> list[Binding]:
    """Return the ports that are to be published: those of -p, and with -P every other exposed port."""
    published = set(map(ports.key, options.publish))
    others = [name for name in _exposed(options, image) if name not in published] if options.publish_all else []
    return [*options.publish, *ports.all_exposed(others)]


def _volumes(options: Options, image: ImageConfig) -> dict[str, Empty]:
    anonymous = [mount["destination"] for mount in options.mounts if mount["type"] == "volume" and mount["anonymous"]]
    return {destination: {} for destination in [*(image.get("Volumes") or {}), *anonymous]}


def _attached(options: Options) -> Attached:
    usual = (*(["stdin"] if options.interactive else []), "stdout", "stderr")
    streams = () if options.detach else options.attach or usual
    return {"AttachStdin": "stdin" in streams, "AttachStdout": "stdout" in streams, "AttachStderr": "stderr" in streams}


def _environment(options: Options, image: ImageConfig) -> list[str]:
    """Return what the image and the user say of each variable: NAME=VALUE, or as with docker the bare NAME of one that is taken away."""
    return list({text.partition("=")[0]: text for text in [*(image.get("Env") or []), *options.env]}.values())


def _config(options: Options, image: ImageConfig, spec: Spec) -> Config:
    return {
        "Hostname": spec["hostname"],
        "Domainname": options.domainname or "",
        "User": options.user if options.user is not None else image.get("User", ""),
        "Tty": options.tty,
        "OpenStdin": options.interactive,
        "StdinOnce": options.interactive and not options.detach,
        **_attached(options),
        # What the image and the user say. The defaults belong to the process only, and not to an image that is made of the container.
        "Env": _environment(options, image),
        "Cmd": options.command or (image.get("Cmd") if options.entrypoint is None else None),
        "Entrypoint": image.get("Entrypoint") if options.entrypoint is None else options.entrypoint or None,
        "Image": options.image,
        "WorkingDir": options.workdir or image.get("WorkingDir") or "",
        "Labels": {**(image.get("Labels") or {}), **options.labels},
        "Volumes": _volumes(options, image) or None,
        "ExposedPorts": {name: {} for name in _exposed(options, image)} or None,
        "StopSignal": str(options.stop_signal) if options.stop_signal else image.get("StopSignal"),
        "StopTimeout": options.stop_timeout,
        "Healthcheck": {**(image.get("Healthcheck") or {}), **options.healthcheck} or None,
        "MacAddress": options.endpoints[options.network]["mac"] if options.network in options.endpoints else "",
    }
