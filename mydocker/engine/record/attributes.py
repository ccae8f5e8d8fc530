"""The attributes of a log (--log-opt labels, env, tag and their like): what of a container stands in each entry, as with docker.

`logs --details` shows them. Few logs have any, so this is imported where there are some.
"""

from __future__ import annotations

import re
from urllib.parse import quote_plus

from mydocker.engine.record.forward import is_tag, tag_of, tag_words
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.engine.record.containers import Record


def check(options: dict[str, str]) -> None:
    """Raise BadInput for an option of a log without its meaning here."""
    for name in ("labels-regex", "env-regex"):
        try:
            re.compile(options.get(name, ""))
        except re.error as error:
            raise BadInput(f"invalid log option {name}={options[name]}: {error}") from error
    if not is_tag(options.get("tag", "")):
        raise BadInput(f"invalid log option tag={options['tag']}: expected {tag_words()}")


def of(record: Record) -> dict[str, str]:
    """Return the attributes of a container's log."""
    options, config = record["hostConfig"]["LogConfig"]["Config"], record["config"]
    variables = dict(pair.split("=", 1) for pair in config["Env"] if "=" in pair)
    found = _chosen(config["Labels"].items(), options.get("labels", ""), options.get("labels-regex", ""))
    found |= _chosen(variables.items(), options.get("env", ""), options.get("env-regex", ""))
    return found | ({"tag": tag_of(record, options["tag"])} if options.get("tag") else {})


def _chosen(pairs: Iterable[tuple[str, str]], names: str, pattern: str) -> dict[str, str]:
    """Return those of some pairs whose name is one of NAME,NAME… or fits a regular expression. '' is for none."""
    return {name: value for name, value in pairs if name in names.split(",") or (pattern and re.search(pattern, name))}


def shown(attributes: dict[str, str]) -> bytes:
    """Return what `logs --details` puts before an entry: NAME=VALUE,NAME=VALUE in their order, each as in a URL's query, and a blank."""
    return ",".join(sorted(f"{quote_plus(name)}={quote_plus(value)}" for name, value in attributes.items())).encode() + b" "
