"""The driver cni: a chain of CNI plugins makes a container's network (Container Network Interface specification 1.0).

A chain is a file of the host, usually in /etc/cni/net.d: a *.conflist, or a *.conf with one plugin. Each plugin is a program. Its
environment tells it what to do. From its standard input it reads its configuration and the result of the plugin before it.
"""

from __future__ import annotations

import os

from mydocker import leanjson
from mydocker.errors import BadInput, NotFound, StepFailed
from mydocker.kernel import programs
from mydocker.network.base import NetworkDriver
from mydocker.shape import fit
from mydocker.steps.base import Step, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from mydocker.network.attachments import Address, Endpoint, Published
    from mydocker.network.records import Network
    from mydocker.shape import Shape

    class CniPlugin(TypedDict):
        """A plugin's part of a configuration."""

        type: str
        capabilities: NotRequired[dict[str, bool]]

    class CniConfiguration(TypedDict):
        """A network configuration list: the content of a *.conflist."""

        cniVersion: str
        name: str
        plugins: list[CniPlugin]

    class CniInterface(TypedDict):
        """An interface that a chain made."""

        mac: NotRequired[str]
        sandbox: NotRequired[str]

    class CniAddress(TypedDict):
        """An address that a chain gave."""

        address: str
        gateway: NotRequired[str]

    class CniResult(TypedDict):
        """What a plugin prints after ADD."""

        interfaces: NotRequired[list[CniInterface]]
        ips: NotRequired[list[CniAddress]]

    class PortMapping(TypedDict):
        """A published port, as the plugin with the capability portMappings is told of it."""

        hostPort: int
        containerPort: int
        protocol: str
        hostIP: NotRequired[str]


# These documents have many more fields, which the plugins read. A plugin gets its fields as they are, so they have no defaults here.
CNI_PLUGIN: Shape = {
    "type!": "text",  # the name of its program
    "capabilities": {"*": "truth"},
}
CNI_CONFIGURATION: Shape = {
    "cniVersion": ("text", "0.3.1"),
    "name!": "text",
    "plugins!": [CNI_PLUGIN],
}
CNI_INTERFACE: Shape = {
    "mac": "text",
    "sandbox": "text",  # the network namespace that the interface is in; '' or missing for that of the host
}
CNI_ADDRESS: Shape = {
    "address!": "text",  # ADDRESS/PREFIX
    "gateway": "text",
}
CNI_RESULT: Shape = {
    "interfaces": [CNI_INTERFACE],
    "ips": [CNI_ADDRESS],
}

CONFIGURATIONS = "/etc/cni/net.d"
PLUGINS = "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
_ENDINGS = ("", ".conflist", ".conf", ".json")


class CniDriver(NetworkDriver):
    """The driver of networks that CNI plugins make.

    The options are:
        conf: the name or the path of a configuration.
        path: directories of plugins, separated by colons.
    """

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
        if not any(_maps_ports(plugin) for plugin in chain(network)["plugins"]):
            raise BadInput(f"ports cannot be published on network {network['name']}: no plugin of it has the capability portMappings")


def chain(network: Network) -> CniConfiguration:
    """Return a network's CNI configuration, always with a list of plugins.

    Raises NotFound if there is no such file, BadInput if the file is not a CNI configuration.
    """
    name = network["options"].get("conf", network["name"])
    candidates = [name] if "/" in name else [f"{CONFIGURATIONS}/{name}{ending}" for ending in _ENDINGS]
    path = next((path for path in candidates if os.path.isfile(path)), "")
    if not path:
        raise NotFound(f"no such CNI configuration: {name}", f"--opt conf=NAME of a file in {CONFIGURATIONS}, or its path")
    try:
        with open(path) as file:
            found = leanjson.loads(file.read())
        if isinstance(found, dict) and "plugins" not in found:
            found = {**found, "plugins": [found]}
        fit(found, CNI_CONFIGURATION)
    except ValueError as error:
        raise BadInput(f"{path}: not a CNI configuration: {error}") from error
    configuration: CniConfiguration = found
    return configuration


def _maps_ports(plugin: CniPlugin) -> bool:
    return plugin.get("capabilities", {}).get("portMappings", False)


def find_plugin(network: Network, name: str) -> str:
    """Return the path of a plugin's program. Raises NotFound if no directory has it."""
    directories = network["options"].get("path", PLUGINS).split(":")
    paths = [f"{directory}/{name}" for directory in directories]
    found = next((path for path in paths if "/" not in name and os.access(path, os.X_OK)), "")
    if not found:
        raise NotFound(f"no such CNI plugin: {name} in {':'.join(directories)}", "install containernetworking-plugins")
    return found


class RunChain(Step):
    """Call every plugin of a chain: for ADD in order, for DEL from the last to the first.

    ADD fills in the endpoint's addresses, MAC address and result.
    """

    action: str  # 'ADD' or 'DEL'
    network: Network
    endpoint: Endpoint
    namespace: str  # the path of the container's network namespace

    def apply(self) -> None:
        configuration = chain(self.network)
        if self.action == "DEL":
            self._delete(configuration)
            return
        result: CniResult | None = None
        try:
            for plugin in configuration["plugins"]:
                said = self._call("ADD", configuration, plugin, result)
                result = _result(plugin["type"], said) or result
        except StepFailed:
            self._delete(configuration)  # the specification asks for a DEL of everything after a failed ADD
            raise
        self.endpoint["result"] = result
        self.endpoint["addresses"] = addresses(result or {})
        self.endpoint["mac"] = _mac(result or {})

    def undo(self) -> None:
        RunChain("DEL", self.network, self.endpoint, self.namespace).apply()

    def _delete(self, configuration: CniConfiguration) -> None:
        problems = []
        for plugin in reversed(configuration["plugins"]):
            try:
                self._call("DEL", configuration, plugin, self.endpoint.get("result"))
            except StepFailed as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _call(self, action: str, configuration: CniConfiguration, plugin: CniPlugin, before: object) -> str:
        """Call one plugin and return what it prints.

        before: the result of the plugin before it, or None.

        Raises StepFailed with the plugin's own message if it fails.
        """
        stdin = {**plugin, "cniVersion": configuration["cniVersion"], "name": configuration["name"]}
        if before is not None:
            stdin["prevResult"] = before
        if _maps_ports(plugin):
            stdin["runtimeConfig"] = {"portMappings": [_mapping(each) for each in self.endpoint["published"]]}
        environment = {
            "CNI_COMMAND": action,
            "CNI_CONTAINERID": self.endpoint["owner"],
            "CNI_NETNS": self.namespace,
            "CNI_IFNAME": self.endpoint["interface"],
            "CNI_PATH": self.network["options"].get("path", PLUGINS),
        }
        path = find_plugin(self.network, plugin["type"])
        status, out, err = programs.call([path], leanjson.dumps(stdin), environment)
        if status:
            raise StepFailed(f"CNI plugin {plugin['type']} {action}: {_reason(out) or err.strip() or status}")
        return out

    def describe(self) -> str:
        names = " ".join(plugin["type"] for plugin in chain(self.network)["plugins"])
        return f"CNI {self.action} by {names}: {self.endpoint['interface']} in {quote(self.namespace)}"


def _mapping(published: Published) -> PortMapping:
    mapping: PortMapping = {"hostPort": published["port"], "containerPort": published["container"], "protocol": published["protocol"]}
    if published["ip"]:
        mapping["hostIP"] = published["ip"]
    return mapping


def _result(name: str, said: str) -> CniResult | None:
    """Return the result that a plugin printed, or None if it printed nothing. Raises StepFailed if it printed something else."""
    if not said.strip():
        return None
    try:
        found: CniResult = leanjson.loads(said)
        fit(found, CNI_RESULT)
    except ValueError as error:
        raise StepFailed(f"CNI plugin {name}: not a CNI result: {error}") from error
    return found


def _reason(out: str) -> str:
    try:
        found = leanjson.loads(out)
        return " ".join(str(found[key]) for key in ("msg", "details") if found.get(key))
    except (ValueError, TypeError, AttributeError):
        return ""


def _mac(result: CniResult) -> str:
    return next((each.get("mac", "") for each in result.get("interfaces", []) if each.get("sandbox")), "")


def addresses(result: CniResult) -> list[Address]:
    """Return the addresses of a CNI result in the form that an endpoint has."""
    found: list[Address] = []
    for each in result.get("ips", []):
        address, _, prefix = each["address"].partition("/")
        found.append({"address": address, "prefix": int(prefix), "gateway": each.get("gateway", "")})
    return found
