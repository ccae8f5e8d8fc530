"""The driver cni: a container's network made by a chain of CNI plugins (the Container Network Interface specification 1.0).

A chain is a *.conflist (or one plugin's *.conf) of the host's, usually in /etc/cni/net.d. Each plugin is a program that is told what
to do by its environment and reads its configuration, with the result of the one before it, from its standard input.
"""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.errors import BadInput, NotFound, StepFailed
from mydocker.kernel import programs
from mydocker.network.base import NetworkDriver
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mydocker.network.base import Endpoint, Network
    from mydocker.network.nft import Published

CONFIGURATIONS = "/etc/cni/net.d"
PLUGINS = "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
_ENDINGS = ("", ".conflist", ".conf", ".json")


class CniDriver(NetworkDriver):
    """Options: conf, the name or the path of a configuration; path, directories of plugins, separated by colons."""

    options = ("conf", "path")
    has_addresses = False
    publishes = True

    def check(self, network: Network) -> None:
        super().check(network)
        for plugin in chain(network)["plugins"]:
            find_plugin(network, plugin["type"])

    def connect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        return [RunChain("ADD", network, endpoint, namespace)]

    def disconnect(self, network: Network, endpoint: Endpoint, namespace: str) -> list[Step]:
        return [RunChain("DEL", network, endpoint, namespace)]

    def check_publishing(self, network: Network) -> None:
        if not any(plugin.get("capabilities", {}).get("portMappings") for plugin in chain(network)["plugins"]):
            raise BadInput(f"ports cannot be published on network {network['name']}: no plugin of it has the capability portMappings")


def chain(network: Network) -> dict[str, Any]:
    """Return a network's CNI configuration as a list of plugins. Raises BadInput, NotFound."""
    name = network["options"].get("conf", network["name"])
    candidates = [name] if "/" in name else [f"{CONFIGURATIONS}/{name}{ending}" for ending in _ENDINGS]
    path = next((path for path in candidates if os.path.isfile(path)), "")
    if not path:
        raise NotFound(f"no such CNI configuration: {name}", f"--opt conf=NAME of a file in {CONFIGURATIONS}, or its path")
    try:
        with open(path) as file:
            found = leanjson.loads(file.read())
        if "plugins" not in found:
            found = {"cniVersion": found.get("cniVersion", "0.3.1"), "name": found["name"], "plugins": [found]}
        if not all(isinstance(plugin["type"], str) for plugin in found["plugins"]) or not isinstance(found["name"], str):
            raise ValueError("type and name are texts")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: not a CNI configuration: {error}") from error
    whole: dict[str, Any] = found
    return whole


def find_plugin(network: Network, name: str) -> str:
    """Return the path of a plugin. Raises NotFound."""
    directories = network["options"].get("path", PLUGINS).split(":")
    paths = [f"{directory}/{name}" for directory in directories]
    found = next((path for path in paths if "/" not in name and os.access(path, os.X_OK)), "")
    if not found:
        raise NotFound(f"no such CNI plugin: {name} in {':'.join(directories)}", "install containernetworking-plugins")
    return found


class RunChain(Step):
    """Call every plugin of a chain: ADD in order, DEL from the last to the first. ADD fills in the endpoint's addresses and result."""

    __slots__ = ("action", "network", "endpoint", "namespace")

    def __init__(self, action: str, network: Network, endpoint: Endpoint, namespace: str) -> None:
        self.action = action
        self.network = network
        self.endpoint = endpoint
        self.namespace = namespace

    def apply(self) -> None:
        configuration = chain(self.network)
        if self.action == "DEL":
            self._delete(configuration)
            return
        result: dict[str, Any] | None = None
        try:
            for plugin in configuration["plugins"]:
                result = self._call(configuration, plugin, result) or result
        except StepFailed:
            self._delete(configuration)  # the specification: after a failed ADD, a DEL of everything
            raise
        self.endpoint["result"] = result
        self.endpoint["addresses"] = addresses(result or {})
        self.endpoint["mac"] = next((each["mac"] for each in (result or {}).get("interfaces", []) if each.get("sandbox")), "")

    def undo(self) -> None:
        RunChain("DEL", self.network, self.endpoint, self.namespace).apply()

    def _delete(self, configuration: dict[str, Any]) -> None:
        problems = []
        for plugin in reversed(configuration["plugins"]):
            try:
                self._call(configuration, plugin, self.endpoint.get("result"), "DEL")
            except StepFailed as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _call(self, configuration: dict[str, Any], plugin: dict[str, Any], before: Any, action: str = "") -> Any:
        """Call one plugin; return its result. Raises StepFailed with what the plugin says."""
        stdin = {**plugin, "cniVersion": configuration.get("cniVersion", "0.3.1"), "name": configuration["name"]}
        if before is not None:
            stdin["prevResult"] = before
        if plugin.get("capabilities", {}).get("portMappings"):
            stdin["runtimeConfig"] = {"portMappings": [_mapping(each) for each in self.endpoint["published"]]}
        environment = {
            "CNI_COMMAND": action or self.action,
            "CNI_CONTAINERID": self.endpoint["owner"],
            "CNI_NETNS": self.namespace,
            "CNI_IFNAME": self.endpoint["interface"],
            "CNI_PATH": self.network["options"].get("path", PLUGINS),
        }
        path = find_plugin(self.network, plugin["type"])
        status, out, err = programs.call([path], leanjson.dumps(stdin), environment)
        if status:
            raise StepFailed(f"CNI plugin {plugin['type']} {environment['CNI_COMMAND']}: {_reason(out) or err.strip() or status}")
        return leanjson.loads(out) if out.strip() else None

    def describe(self) -> str:
        names = " ".join(plugin["type"] for plugin in chain(self.network)["plugins"])
        return f"CNI {self.action} by {names}: {self.endpoint['interface']} in {quote(self.namespace)}"


def _mapping(published: Published) -> dict[str, Any]:
    mapping = {"hostPort": published["port"], "containerPort": published["container"], "protocol": published["protocol"]}
    return {**mapping, **({"hostIP": published["ip"]} if published["ip"] else {})}


def _reason(out: str) -> str:
    try:
        found = leanjson.loads(out)
        return " ".join(str(found[key]) for key in ("msg", "details") if found.get(key))
    except (ValueError, TypeError, AttributeError):
        return ""


def addresses(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the addresses of a CNI result as an endpoint has them."""
    found = []
    for each in result.get("ips", []):
        address, _, prefix = each["address"].partition("/")
        found.append({"address": address, "prefix": int(prefix), "gateway": each.get("gateway", "")})
    return found
