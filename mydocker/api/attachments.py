"""What a container is attached to, from the body of `create`: networks with their endpoints, ports, and mounts in docker's long form."""

from __future__ import annotations

from mydocker.api.call import field, mapping, texts
from mydocker.engine.record.names import check_name
from mydocker.engine.request import endpoints, mounts, ports
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.engine.record.containers import Binding, MountPoint, WantedEndpoint
    from mydocker.engine.request.options import Flags


def attached(config: dict[str, Any], host: dict[str, Any]) -> Flags:
    """Return the options network, endpoints, publish, publish_all and expose. Raises BadInput."""
    mode = _mode(field(host, "NetworkMode", str, ""))
    if field(config, "NetworkDisabled", bool, False):
        mode = "none"
    wanted = _endpoints(config, host, mode)
    for name, endpoint in wanted.items():
        endpoints.check_endpoint(name, endpoint)
    return {
        "network": mode,
        "endpoints": {} if endpoints.is_mode(mode) else wanted,
        "publish": _bindings(field(host, "PortBindings", dict, {})),
        "publish_all": field(host, "PublishAllPorts", bool, False),
        "expose": [port for text in field(config, "ExposedPorts", dict, {}) for port in ports.exposed(text)],
    }


def _mode(name: str) -> str:
    return endpoints.DEFAULT if name in ("", "default") else name


def _endpoints(config: dict[str, Any], host: dict[str, Any], mode: str) -> dict[str, WantedEndpoint]:
    """Return what is asked for by network, the network of the mode first."""
    given = field(field(config, "NetworkingConfig", dict, {}), "EndpointsConfig", dict, {})
    found = {_mode(name): endpoint(each or {}) for name, each in given.items()}
    mine = found.pop(mode, None) or endpoint({})
    mine["mac"] = mine["mac"] or field(config, "MacAddress", str, "")
    mine["links"] = list(dict.fromkeys([*mine.get("links", []), *endpoints.links(texts(host, "Links"))]))
    if found and endpoints.is_mode(mode):
        raise BadInput(f"conflicting options: network mode {mode} and the endpoints {', '.join(found)}")
    return {mode: mine, **found}


def endpoint(given: dict[str, Any]) -> WantedEndpoint:
    """Return an endpoint as it was asked for, from docker's EndpointSettings. Raises BadInput."""
    if not isinstance(given, dict):
        raise BadInput("invalid EndpointsConfig: expected an object of objects")
    ipam = field(given, "IPAMConfig", dict, {})
    local = list(texts(ipam, "LinkLocalIPs"))
    return {
        "aliases": list(dict.fromkeys(texts(given, "Aliases"))),
        "ip": field(ipam, "IPv4Address", str, ""),
        "ip6": field(ipam, "IPv6Address", str, ""),
        "mac": field(given, "MacAddress", str, ""),
        "links": endpoints.links(texts(given, "Links")),
        **({"linkLocal": local} if local else {}),  # type: ignore[typeddict-item]  # a field of it
        **endpoints.driver_options(f"{key}={value}" for key, value in mapping(given, "DriverOpts").items()),
        "gwPriority": field(given, "GwPriority", int, 0),
    }


def _bindings(given: dict[str, Any]) -> list[Binding]:
    found: list[Binding] = []
    for name, each in given.items():
        if not isinstance(each, list | None) or not all(isinstance(binding, dict) for binding in each or []):
            raise BadInput(f"invalid PortBindings of {name!r}: expected a list of objects")
        for binding in each or [{}]:
            found += ports.parse(_published(name, field(binding, "HostIp", str, ""), field(binding, "HostPort", str, "")))
    return found


def _published(name: str, ip: str, port: str) -> str:
    """Return what -p would be given."""
    address = f"[{ip}]" if ":" in ip else ip
    return f"{address}:{port}:{name}" if ip else f"{port}:{name}" if port else name


def mount_point(given: dict[str, Any]) -> MountPoint:
    """Return the mount point that one of docker's Mounts means. Raises BadInput."""
    kind, target = field(given, "Type", str, ""), field(given, "Target", str, "")
    build = _BUILDERS.get(kind)
    if build is None:
        raise BadInput(f"invalid mount config for type {kind!r}: mount type unknown, expected {', '.join(_BUILDERS)}")
    if not target:
        raise BadInput(f'invalid mount config for type "{kind}": field Target must not be empty')
    point = build(given, field(given, "Source", str, ""), target)
    point["rw"] = point["rw"] and not field(given, "ReadOnly", bool, False)
    return point


def _bind(given: dict[str, Any], source: str, target: str) -> MountPoint:
    extra = field(given, "BindOptions", dict, {})
    propagation = field(extra, "Propagation", str, "")
    if not source:
        raise BadInput('invalid mount config for type "bind": field Source must not be empty')
    if not source.startswith("/"):
        raise BadInput(f"invalid mount config for type \"bind\": invalid mount path: '{source}' mount path must be absolute")
    if propagation and propagation not in mounts.PROPAGATIONS:
        raise BadInput(f"invalid mount propagation {propagation!r}: expected one of {', '.join(mounts.PROPAGATIONS)}")
    point = mounts.mount_point("bind", target)
    recursive, create = not field(extra, "NonRecursive", bool, False), field(extra, "CreateMountpoint", bool, False)
    point |= {"source": mounts.absolute(source), "propagation": propagation, "recursive": recursive, "create": create}
    point["options"] = ["rro"] if field(extra, "ReadOnlyForceRecursive", bool, False) else []
    return point


def _volume(given: dict[str, Any], source: str, target: str) -> MountPoint:
    extra = field(given, "VolumeOptions", dict, {})
    driver = field(extra, "DriverConfig", dict, {})
    if field(driver, "Name", str, "") not in ("", "local"):
        raise BadInput(f"volume driver {driver} is not supported: expected local")
    if source:
        check_name(source)
    point, part = mounts.volume_point(target, source), mounts.subpath(field(extra, "Subpath", str, ""))
    point |= {"mode": mounts.SHARED_LABEL, "copy": not field(extra, "NoCopy", bool, False) and not part, "labels": mapping(extra, "Labels")}
    return _with(point, subpath=part, driverOptions=mapping(driver, "Options"))


def _with(point: MountPoint, **more: Any) -> MountPoint:
    """Return a mount point with those of these fields that say something."""
    return {**point, **{name: value for name, value in more.items() if value}}  # type: ignore[typeddict-item]  # fields of it


def _image(given: dict[str, Any], source: str, target: str) -> MountPoint:
    if not source:
        raise BadInput('invalid mount config for type "image": field Source must not be empty')
    point = mounts.mount_point("image", target)
    point |= {"name": source, "rw": False}
    return _with(point, subpath=mounts.subpath(field(field(given, "ImageOptions", dict, {}), "Subpath", str, "")))


def _tmpfs(given: dict[str, Any], source: str, target: str) -> MountPoint:
    if source:
        raise BadInput('invalid mount config for type "tmpfs": field Source must not be specified')
    extra = field(given, "TmpfsOptions", dict, {})
    size, mode = field(extra, "SizeBytes", int, 0), field(extra, "Mode", int, 0)
    words = [*([f"size={size}"] if size else []), *([f"mode={mode:o}"] if mode else [])]
    return mounts.from_tmpfs(f"{target}:{','.join(words)}" if words else target)


_BUILDERS = {"bind": _bind, "volume": _volume, "tmpfs": _tmpfs, "image": _image}
