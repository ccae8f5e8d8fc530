"""commit: an image of what a container has changed."""

from __future__ import annotations

import json

from mydocker.api.call import Answer, Call, field, mapping, texts
from mydocker.engine.container import snapshots
from mydocker.engine.record import containers
from mydocker.errors import BadInput
from mydocker.images.reference import parse_name
from mydocker.storage.drivers import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Fields of the body that are one word in a Dockerfile.
_WORDS = {"User": "USER", "WorkingDir": "WORKDIR", "StopSignal": "STOPSIGNAL"}


def commit(call: Call) -> Answer:
    """POST /commit"""
    name, tag = call.text("repo"), call.text("tag")
    reference = parse_name(f"{name}:{tag}" if tag else name) if name else None
    changes = [*_of_config(call.document()), *(line for text in call.texts("changes") for line in text.splitlines() if line.strip())]
    wanted = call.text("container")
    if not wanted:
        raise BadInput("invalid container '': expected the name of a container")
    record = containers.load(call.paths, containers.resolve(call.paths, wanted))
    options = snapshots.CommitOptions(
        changes=changes, author=call.text("author"), message=call.text("comment"), pause=call.flag("pause", default=True)
    )
    storage = driver(record["storageDriver"], call.paths)
    image_id = snapshots.commit(call.paths, storage, record, reference, options, call.run())
    return Answer({"Id": f"sha256:{image_id}"}, 201)


def _of_config(config: dict[str, Any]) -> list[str]:
    """Return the instructions that a body asks for, in place of what the container has."""
    found = [f"{word} {value}" for name, word in _WORDS.items() if (value := field(config, name, str, ""))]
    for name, word in (("Cmd", "CMD"), ("Entrypoint", "ENTRYPOINT")):
        if config.get(name):
            found.append(f"{word} {json.dumps(texts(config, name))}")
    pairs = [("ENV", *text.partition("=")[::2]) for text in texts(config, "Env")]
    pairs += [("LABEL", key, value) for key, value in mapping(config, "Labels").items()]
    found += [f"{word} {_quoted(key)}={_quoted(value)}" for word, key, value in pairs]
    found += [f"EXPOSE {port}" for port in field(config, "ExposedPorts", dict, {})]
    return found + [f"VOLUME {json.dumps([path])}" for path in field(config, "Volumes", dict, {})]


def _quoted(text: str) -> str:
    """Return a text as a word of a Dockerfile in which nothing is replaced."""
    if "\n" in text:
        raise BadInput(f"invalid value {text!r}: expected one line")
    return '"' + "".join(f"\\{letter}" if letter in '"\\$' else letter for letter in text) + '"'
