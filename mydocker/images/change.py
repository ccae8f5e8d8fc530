"""The instructions of a Dockerfile that change an image's config object, in a build and as --change of import and commit.

No function here changes its argument, the config object: each returns a new one. Source: the Dockerfile reference.
"""

from __future__ import annotations

from posixpath import join, normpath

from mydocker import leanjson
from mydocker.errors import BadInput
from mydocker.images.words import expand, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mydocker.images.config import Healthcheck, ImageConfig

    # (the instruction's name, its text, what it sees) → the fields of the config object that it sets
    Instruction = Callable[[str, str, "_Scope"], ImageConfig]

DEFAULT_SHELL = ["/bin/sh", "-c"]
_SECOND = 10**9
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND}
_DURATION_PART = r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)"


def apply(settings: ImageConfig, changes: Iterable[str]) -> ImageConfig:
    """Return the config object after these instructions, in order. Raises BadInput if one is not valid."""
    parsed = [_parse(change) for change in changes]
    result = settings.copy()
    for name, text in parsed:
        result = instruction(name, text, result, {})
    # As in docker's builder, an entrypoint without a command of its own removes the command that was there before.
    names = [name for name, _ in parsed]
    if "ENTRYPOINT" in names and "CMD" not in names:
        result.pop("Cmd", None)
    return result


def instruction(name: str, text: str, settings: ImageConfig, arguments: Mapping[str, str]) -> ImageConfig:
    """Return the config object after one instruction of a Dockerfile. Raises BadInput if the instruction is not valid.

    name: the instruction's name in upper case.
    settings: the config object before it.
    arguments: the variables that ARG has set.
    """
    return {**settings, **_INSTRUCTIONS[name](name, text, _Scope(settings, arguments))}


class _Scope:
    """What an instruction sees: the config object so far, and the variables."""

    __slots__ = ("settings", "variables")

    def __init__(self, settings: ImageConfig, arguments: Mapping[str, str]) -> None:
        self.settings = settings
        self.variables = variables_of(settings, arguments)


def _parse(change: str) -> tuple[str, str]:
    word, _, text = change.strip().replace("\t", " ").partition(" ")
    name = word.upper()
    if name not in _INSTRUCTIONS:
        raise BadInput(f"{word.lower()} is not a valid change command", "one of " + " ".join(sorted(_INSTRUCTIONS)))
    if not text.strip():
        raise BadInput(f"{name} requires at least one argument")
    return name, text.strip()


def json_list(text: str) -> list[str] | None:
    """Return the list that the exec form is, or None if the text is the shell form."""
    try:
        value = leanjson.loads(text) if text.startswith("[") else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else None


def argv(text: str, settings: ImageConfig) -> list[str]:
    """Return the command line of CMD, ENTRYPOINT or RUN: the list of the exec form, or the shell with the text."""
    exec_form = json_list(text)
    return [*(settings.get("Shell") or DEFAULT_SHELL), text] if exec_form is None else exec_form


def environment(settings: ImageConfig) -> dict[str, str]:
    """Return the variables of a config object's Env, by name. A bare name is one that a container of it was to have not."""
    return {key: value for key, _, value in (entry.partition("=") for entry in settings.get("Env", []) if "=" in entry)}


def variables_of(settings: ImageConfig, arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an instruction sees: those of Env, and those of ARG, of which those that ENV has set since are gone."""
    return {**environment(settings), **arguments}


def _words(text: str, scope: _Scope) -> list[str]:
    return [expand(word, scope.variables) for word in split(text)]


def _single(name: str, text: str, scope: _Scope) -> str:
    words = _words(text, scope)
    if len(words) != 1:
        raise BadInput(f"{name} requires exactly one argument: {text!r}")
    return words[0]


def _pairs(name: str, text: str, scope: _Scope) -> dict[str, str]:
    """Return the pairs that 'K=V K2=V2', or the old form 'K the rest', sets."""
    words = split(text)
    if "=" not in words[0]:
        key, _, rest = text.partition(" ")
        if not rest.strip():
            raise BadInput(f"{name} must have two arguments: {text!r}")
        return {expand(key, scope.variables): expand(rest.strip(), scope.variables)}
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise BadInput(f"can't find = in {word!r}: must be of the form NAME=VALUE")
        pairs[expand(key, scope.variables)] = expand(value, scope.variables)
    return pairs


def _cmd(name: str, text: str, scope: _Scope) -> ImageConfig:
    return {"Cmd": argv(text, scope.settings)}


def _entrypoint(name: str, text: str, scope: _Scope) -> ImageConfig:
    return {"Entrypoint": argv(text, scope.settings)}


def _env(name: str, text: str, scope: _Scope) -> ImageConfig:
    merged = {**environment(scope.settings), **_pairs(name, text, scope)}
    return {"Env": [f"{key}={value}" for key, value in merged.items()]}


def _label(name: str, text: str, scope: _Scope) -> ImageConfig:
    return {"Labels": {**scope.settings.get("Labels", {}), **_pairs(name, text, scope)}}


def _expose(name: str, text: str, scope: _Scope) -> ImageConfig:
    # A variable may hold several ports.
    ports = [port for words in _words(text, scope) for word in words.split() for port in _ports(word)]
    return {"ExposedPorts": {**scope.settings.get("ExposedPorts", {}), **{port: {} for port in ports}}}


def _ports(word: str) -> list[str]:
    """Return the ports that PORT[-PORT][/PROTOCOL] means, such as ['80/tcp']."""
    range_, _, protocol = word.partition("/")
    first, dash, last = range_.partition("-")
    numbers = [int(n) for n in ([first, last] if dash else [first, first]) if n.isascii() and n.isdigit()]
    known = (protocol or "tcp").lower() in ("tcp", "udp", "sctp")
    if not known or len(numbers) != 2 or not 0 < numbers[0] <= numbers[1] < 65536:
        raise BadInput(f"invalid port {word!r}: expected PORT[-PORT][/tcp|udp|sctp]")
    return [f"{port}/{(protocol or 'tcp').lower()}" for port in range(numbers[0], numbers[1] + 1)]


def _user(name: str, text: str, scope: _Scope) -> ImageConfig:
    return {"User": _single(name, text, scope)}


def _workdir(name: str, text: str, scope: _Scope) -> ImageConfig:
    directory = expand(text, scope.variables)
    # As in docker, an absolute path keeps its slash at the end.
    slash = "/" if directory.startswith("/") and directory.endswith("/") and directory.strip("/") else ""
    return {"WorkingDir": "/" + normpath(join(scope.settings.get("WorkingDir") or "/", directory)).lstrip("/") + slash}


def _volume(name: str, text: str, scope: _Scope) -> ImageConfig:
    listed = json_list(text)
    places = _words(text, scope) if listed is None else [expand(place, scope.variables) for place in listed]
    if not all(place.strip() for place in places):
        raise BadInput("VOLUME specified can not be an empty string")
    return {"Volumes": {**scope.settings.get("Volumes", {}), **{place: {} for place in places}}}


def _stopsignal(name: str, text: str, scope: _Scope) -> ImageConfig:
    signal = _single(name, text, scope)
    if not _is_signal(signal):
        raise BadInput(f"invalid signal {signal!r}: expected a name such as SIGTERM or a number from 1 to 64")
    return {"StopSignal": signal}


def _is_signal(text: str) -> bool:
    from signal import Signals

    if text.isascii() and text.isdigit():
        return 1 <= int(text) <= 64
    base, _, offset = text.upper().removeprefix("SIG").partition("+")
    return "SIG" + base in Signals.__members__ and (not offset or (base == "RTMIN" and offset.isdigit() and int(offset) <= 30))


def _shell(name: str, text: str, scope: _Scope) -> ImageConfig:
    words = json_list(text)
    if not words:
        raise BadInput(f"SHELL requires the arguments to be in JSON form: {text!r}")
    return {"Shell": words}


def _onbuild(name: str, text: str, scope: _Scope) -> ImageConfig:
    trigger = text.split()[0].upper()
    if trigger == "ONBUILD":
        raise BadInput("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise BadInput(f"{trigger} isn't allowed as an ONBUILD trigger")
    return {"OnBuild": [*scope.settings.get("OnBuild", []), text]}


def _healthcheck(name: str, text: str, scope: _Scope) -> ImageConfig:
    options: Healthcheck = {}
    word, _, rest = text.partition(" ")
    while word.startswith("--"):
        _set_health_option(options, word)
        word, _, rest = rest.strip().partition(" ")
    return {"Healthcheck": {**_health_test(word.upper(), rest.strip(), bool(options)), **options}}


def _health_test(kind: str, text: str, has_options: bool) -> Healthcheck:
    if kind == "NONE" and not text and not has_options:
        return {"Test": ["NONE"]}
    if kind != "CMD" or not text:
        raise BadInput(f"invalid HEALTHCHECK {(kind + ' ' + text).strip()!r}: expected NONE or [OPTIONS] CMD COMMAND")
    exec_form = json_list(text)
    return {"Test": ["CMD-SHELL", text] if exec_form is None else ["CMD", *exec_form]}


def _set_health_option(options: Healthcheck, word: str) -> None:
    name, _, value = word[2:].partition("=")
    if name == "interval":
        options["Interval"] = nanoseconds(value)
    elif name == "timeout":
        options["Timeout"] = nanoseconds(value)
    elif name == "start-period":
        options["StartPeriod"] = nanoseconds(value)
    elif name == "start-interval":
        options["StartInterval"] = nanoseconds(value)
    elif name == "retries" and value.isascii() and value.isdigit() and int(value) > 0:
        options["Retries"] = int(value)
    else:
        raise BadInput(f"invalid HEALTHCHECK option {word!r}")


def nanoseconds(text: str) -> int:
    """Return a duration such as 1m30s or 500ms in nanoseconds. Raises BadInput if it is not one, or shorter than a millisecond."""
    import re  # imported here, because it takes a fifth of a build that is all cached

    parts = re.findall(_DURATION_PART, text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or total < 10**6:
        raise BadInput(f"invalid duration {text!r}: expected something like 30s or 1m30s, at least 1ms")
    return round(total)


_INSTRUCTIONS: dict[str, Instruction] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
NAMES = frozenset(_INSTRUCTIONS)
