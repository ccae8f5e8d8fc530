"""The addresses of a registry, and how far they are trusted: docker's defaults, and a configuration file with docker's keys.

/etc/mydocker/config.json (MYDOCKER_CONFIG)
    {"registry-mirrors": ["https://mirror.example"], "insecure-registries": ["registry.lan:5000", "10.0.0.0/8"]}
/etc/docker/certs.d/HOST[:PORT]/*.crt
    certificates of authorities to trust for that registry, as docker and podman do
"""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from mydocker import store
from mydocker.errors import BadInput
from mydocker.images.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    from mydocker.shape import Shape

    RegistrySettings = TypedDict("RegistrySettings", {"registry-mirrors": list[str], "insecure-registries": list[str]})

REGISTRY_SETTINGS: Shape = {
    "registry-mirrors": (["text"], []),  # the URLs of mirrors of Docker Hub
    "insecure-registries": (["text"], []),  # HOST[:PORT], or ADDRESS/PREFIX
}

HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
_CERTIFICATES = "/etc/docker/certs.d"
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class Endpoint:
    """One address of a registry.

    url: such as 'https://registry-1.docker.io'.
    host: the name under which its credentials are kept.
    """

    __slots__ = ("host", "is_mirror", "transport", "url")

    def __init__(self, url: str, transport: Transport, is_mirror: bool = False) -> None:
        self.url = url.rstrip("/")
        self.transport = transport
        self.is_mirror = is_mirror
        netloc = urlsplit(url).netloc
        self.host = HUB if netloc == _HUB_HOST else netloc


class Registries:
    """What the configuration file says. The file need not exist. Raises Damaged or BadInput if it is not as expected."""

    def __init__(self, path: str) -> None:
        self._mirrors: list[str] = []
        self._insecure: list[str] = []
        if os.path.exists(path):
            self._mirrors, self._insecure = _read(path)

    def document(self) -> dict[str, Any]:
        """Return docker's RegistryConfig."""
        mirrors = [f"{url.rstrip('/')}/" for url in self._mirrors]
        networks = [each for each in self._insecure if "/" in each]
        indexes = {name: _index(name, [], is_secure=False) for name in self._insecure if "/" not in name}
        return {
            "InsecureRegistryCIDRs": [*_LOOPBACK, *networks],
            "IndexConfigs": {HUB: _index(HUB, mirrors, is_secure=True), **indexes},
            "Mirrors": mirrors,
        }

    def endpoints(self, domain: str, mirrors: bool = True) -> list[Endpoint]:
        """Return the addresses to try for a registry, in their order: its mirrors, https, and http where that is allowed."""
        if domain == HUB:
            found = [Endpoint(url, self._transport(urlsplit(url).netloc), is_mirror=True) for url in self._mirrors if mirrors]
            return [*found, Endpoint(f"https://{_HUB_HOST}", self._transport(_HUB_HOST))]
        transport = self._transport(domain)
        plain = [Endpoint(f"http://{domain}", transport)] if self._is_insecure(domain) else []
        return [Endpoint(f"https://{domain}", transport), *plain]

    def _transport(self, domain: str) -> Transport:
        directory = f"{_CERTIFICATES}/{domain}"
        names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
        return Transport([f"{directory}/{name}" for name in names if name.endswith(".crt")], verify=not self._is_insecure(domain))

    def _is_insecure(self, domain: str) -> bool:
        """Say whether a registry may do without TLS, or have any certificate.

        These are the registries on loopback, as with docker, and those in the configuration file.
        """
        host = urlsplit(f"//{domain}").hostname or ""
        named = host == "localhost" or domain in self._insecure
        return named or any(_contains(network, host) for network in (*_LOOPBACK, *self._insecure))


def _index(name: str, mirrors: list[str], is_secure: bool) -> dict[str, Any]:
    """Return docker's IndexInfo of a registry."""
    return {"Name": name, "Mirrors": mirrors, "Secure": is_secure, "Official": name == HUB}


def _contains(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network)
    except ValueError:
        return False  # one of the two is a name


def _read(path: str) -> tuple[list[str], list[str]]:
    settings: RegistrySettings = store.read_document(path, REGISTRY_SETTINGS)
    unknown = sorted(set(settings) - set(REGISTRY_SETTINGS))
    if unknown:
        raise BadInput(f"{path}: unknown key {unknown[0]!r}: expected {' or '.join(map(repr, REGISTRY_SETTINGS))}")
    for url in settings["registry-mirrors"]:
        if not _is_address(url):
            raise BadInput(f"{path}: invalid mirror {url!r}: expected https://HOST[:PORT]")
    return settings["registry-mirrors"], settings["insecure-registries"]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a bracket without its other one, a port that is no number
        return False
