"""A container's /etc/hosts and /etc/resolv.conf: files of ROOT/containers/ID that are mounted over those of the image.

They are written in place, because a mount of a file always shows that same file, even if another file gets its name. The names of the
containers of a network stand between two marks in the hosts file of each of them. Only that part is ever changed.
"""

from __future__ import annotations

import os

from mydocker import store
from mydocker.errors import BadInput
from mydocker.network import attachments, records
from mydocker.network.addresses import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.network.attachments import Attachment, Endpoint
    from mydocker.paths import Paths

_BEGIN, _END = "# mydocker: containers on the same networks\n", "# mydocker: end\n"
_LOCAL = (
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
)
# The name servers that docker takes if the host itself is its only name server.
_PUBLIC = ("8.8.8.8", "8.8.4.4")
# Where a container on a network of a user's asks for names, see engine/connection/listen.py.
RESOLVER = "127.0.0.11"
# systemd-resolved listens on 127.0.0.53. This file says which name servers it asks.
_RESOLVED = "/run/systemd/resolve/resolv.conf"
_MOST = 1 << 20  # we read no more than this of a file: the container may have made it as large as it likes


def own_hosts(hostname: str, domainname: str, endpoints: list[Endpoint], extra: list[list[str]]) -> str:
    """Return /etc/hosts of a container, still without the names of others.

    hostname, domainname: the container's.
    endpoints: the container's, whose addresses get its name.
    extra: [name, address] for each --add-host. The address may be the word host-gateway.
    """
    addresses = [each for endpoint in endpoints for each in endpoint["addresses"]]
    short = hostname.partition(".")[0]
    names = f"{hostname}.{domainname} {hostname}" if domainname else f"{hostname} {short}" if short != hostname else hostname
    gateway = next((each["gateway"] for each in addresses if each["gateway"]), "127.0.0.1")
    lines = [f"{each['address']}\t{names}" for each in addresses] or [f"127.0.1.1\t{names}"]
    return "".join(f"{line}\n" for line in _LOCAL) + host_lines(extra, gateway) + "".join(f"{line}\n" for line in lines)


def host_lines(extra: list[list[str]], gateway: str) -> str:
    """Return the lines of --add-host. extra: see own_hosts(); gateway: what host-gateway means"""
    return "".join(f"{gateway if ip == 'host-gateway' else ip}\t{name}\n" for name, ip in extra)


def with_others(text: str, lines: str) -> str:
    """Return the text of /etc/hosts with these lines between the marks. Without lines there are no marks either."""
    head, begin, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2] if begin else ""
    block = _BEGIN + lines + _END if lines else ""
    return head + block + tail


def lines_of(container_id: str, attachment: Attachment, network: str) -> str:
    """Return the lines that tell the others on a network a container's names."""
    found = []
    for endpoint in attachment["endpoints"]:
        if endpoint["network"] == network:
            names = " ".join(attachments.names(container_id, attachment, endpoint))
            found += [f"{each['address']}\t{names}\n" for each in endpoint["addresses"]]
    return "".join(found)


def refresh(paths: Paths, networks: list[str]) -> None:
    """Rewrite the names in /etc/hosts of all containers on these networks.

    The default network has no names, as with docker, but those of links. As long as there are none, nobody is looked at for it.
    """
    wanted = [name for name in networks if name != records.DEFAULT or os.path.exists(linked_mark(paths))]
    if not wanted:
        return
    with store.Lock(f"{paths.addresses}/.names"):
        everybody = attachments.every(paths)
        lines: dict[str, str] = {records.DEFAULT: ""}
        for container_id, attachment in everybody.items():
            for name in {endpoint["network"] for endpoint in attachment["endpoints"]} - {records.DEFAULT}:
                lines[name] = lines.get(name, "") + lines_of(container_id, attachment, name)
        for container_id, attachment in everybody.items():
            on = {endpoint["network"] for endpoint in attachment["endpoints"]}
            if on & set(wanted):
                told = "".join(lines[name] + _linked(attachment, name, everybody) for name in sorted(on))
                _rewrite(f"{paths.container(container_id)}/hosts", told)


def linked_mark(paths: Paths) -> str:
    """Return the path of a file that is there if a container on the default network has had links since the boot."""
    return f"{paths.addresses}/.linked"


def default_address(attachment: Attachment) -> str:
    """Return a container's IPv4 address on the default network, '' if it has none."""
    endpoints = [endpoint for endpoint in attachment["endpoints"] if endpoint["network"] == records.DEFAULT]
    return next((each["address"] for endpoint in endpoints for each in endpoint["addresses"] if "." in each["address"]), "")


def _linked(own: Attachment, network: str, everybody: dict[str, Attachment]) -> str:
    """Return the lines of the names that one container alone has for others on a network (docker's links)."""
    links = next((each.get("links", []) for each in own["endpoints"] if each["network"] == network), [])
    found = []
    for container_id, other in everybody.items() if links else ():
        more = (other["hostname"], other["name"]) if network == records.DEFAULT else ()
        names = [" ".join(dict.fromkeys([alias, *more])) for alias in attachments.linked_as(links, container_id, other)]
        endpoints = [each for each in other["endpoints"] if each["network"] == network]
        found += [f"{each['address']}\t{name}\n" for name in names for endpoint in endpoints for each in endpoint["addresses"]]
    return "".join(found)


def _rewrite(path: str, lines: str) -> None:
    try:
        with open(path, errors="surrogateescape") as file:
            text = file.read(_MOST)
    except OSError:
        return  # the container is being removed, or this is no file that could be written
    # The container may have filled the file: one that is too long to be ours is left alone.
    wanted = with_others(text, lines)
    if wanted != text and len(text) < _MOST:
        write_in_place(path, wanted)


def write_in_place(path: str, text: str) -> None:
    """Replace the content of a file with one write(2). It stays the same file."""
    data = text.encode(errors="surrogateescape")
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def resolv_conf(host: str, servers: list[str], search: list[str], options: list[str], resolver: bool = False) -> str:
    """Return /etc/resolv.conf of a container.

    host: the text that a container gets without any flag, see of_host().
    servers, search, options: the values of --dns, --dns-search and --dns-option. Each replaces its part of the text, as docker's flags do.
    resolver: whether the container has a resolver. It asks the servers then, and a name without a dot is asked as it is.
    """
    if resolver:
        told = options or [word for line in host.splitlines() if line.startswith("options") for word in line.split()[1:]]
        has_ndots = any(word.startswith("ndots:") for word in told)
        servers, options = [RESOLVER], told if has_ndots else [*told, "ndots:0"]
    if not servers and not search and not options:
        return host
    lines = [line.strip() for line in host.splitlines()]
    found = {word: [line for line in lines if line.startswith(word)] for word in ("search", "domain", "nameserver", "options")}
    searched = [f"search {' '.join(search)}"] if search and search != ["."] else []
    asked = [f"nameserver {each}" for each in servers] or found["nameserver"]
    set_ = [f"options {' '.join(options)}"] if options else found["options"]
    return "".join(f"{line}\n" for line in [*(searched if search else found["search"] or found["domain"]), *asked, *set_])


def of_host(etc: str = "/etc/resolv.conf", resolved: str = _RESOLVED) -> str:
    """Return the host's resolv.conf without the name servers that only the host itself reaches, so that a container can use it.

    etc: the path of the host's file.
    resolved: the path of systemd-resolved's file, which counts if `etc` names local servers only.
    """
    text = _text(etc)
    if all(map(_is_local, _servers(text))) and os.path.isfile(resolved):
        text = _text(resolved)
    lines = [line for line in text.splitlines() if not _servers(line) or not all(map(_is_local, _servers(line)))]
    if not _servers("\n".join(lines)):
        lines += [f"nameserver {each}" for each in _PUBLIC]
    return "".join(f"{line}\n" for line in lines)


def upstreams(servers: list[str], etc: str = "/etc/resolv.conf") -> list[tuple[str, bool]]:
    """Return the name servers that a container's resolver asks: (address, whether it is asked from the host's network namespace).

    servers: the values of --dns. Without any, the host's count, also those that only the host reaches.
    etc: the path of the host's file.
    """
    if servers:
        return [(server, False) for server in servers]
    return [(server, _is_local(server)) for server in _servers(_text(etc)) or _PUBLIC]


def _servers(text: str) -> list[str]:
    return [line.split()[1] for line in text.splitlines() if line.split()[:1] == ["nameserver"] and len(line.split()) > 1]


def _is_local(server: str) -> bool:
    try:
        number, bits = parse(server.partition("%")[0])
    except BadInput:
        return False
    return number >> 24 == 127 if bits == 32 else number == 1


def _text(path: str) -> str:
    try:
        with open(path, errors="surrogateescape") as file:
            return file.read(_MOST)
    except FileNotFoundError:
        return ""
