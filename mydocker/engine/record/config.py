"""The `config` of a container record: what runs in the container, under the names of docker's inspect and API (ContainerConfig).

`commit` makes an image's config from it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.shape import Shape

    class Healthcheck(TypedDict, total=False):
        """How the container's health is checked."""

        Test: list[str]
        Interval: int
        Timeout: int
        StartPeriod: int
        StartInterval: int
        Retries: int

    class Empty(TypedDict):
        """An empty object. Go writes a set as an object whose fields are the members, each with the value {}."""

    class Attached(TypedDict):
        """The streams that whoever made the container was connected to."""

        AttachStdin: bool
        AttachStdout: bool
        AttachStderr: bool

    class Config(Attached):
        """What runs in the container."""

        Hostname: str
        Domainname: str
        User: str
        Tty: bool
        OpenStdin: bool
        StdinOnce: bool
        Env: list[str]
        Cmd: list[str] | None
        Entrypoint: list[str] | None
        Image: str
        WorkingDir: str
        Labels: dict[str, str]
        Volumes: dict[str, Empty] | None
        ExposedPorts: dict[str, Empty] | None
        StopSignal: str | None
        StopTimeout: int | None
        Healthcheck: Healthcheck | None
        MacAddress: str


EMPTY: Shape = {}

# Durations are in ns. A field that is missing or 0 has docker's default, see monitor/health.py.
HEALTHCHECK: Shape = {
    "Test": ["text"],  # ['NONE'], ['CMD', word, …] or ['CMD-SHELL', line]
    "Interval": "number",
    "Timeout": "number",
    "StartPeriod": "number",
    "StartInterval": "number",
    "Retries": "number",
}

CONFIG: Shape = {
    "Hostname": ("text", ""),
    "Domainname": ("text", ""),
    "User": ("text", ""),
    "Tty": ("truth", False),
    "OpenStdin": ("truth", False),
    "StdinOnce": ("truth", False),
    "AttachStdin": ("truth", False),
    "AttachStdout": ("truth", False),
    "AttachStderr": ("truth", False),
    "Env": (["text"], []),  # NAME=VALUE, or the bare NAME of a variable that the user takes away
    "Cmd": (["text"], None),
    "Entrypoint": (["text"], None),
    "Image": ("text", ""),  # the reference as the user gave it
    "WorkingDir": ("text", ""),
    "Labels": ({"*": "text"}, {}),
    "Volumes": ({"*": EMPTY}, None),  # by destination
    "ExposedPorts": ({"*": EMPTY}, None),  # by 'PORT/PROTOCOL'
    "StopSignal": ("text", None),  # a name or a number
    "StopTimeout": ("number", None),  # seconds, -1 to wait without end
    "Healthcheck": (HEALTHCHECK, None),
    "MacAddress": ("text", ""),  # on the network of the mode, whenever the container is connected to it without another
}
