"""Endpoints that ask registries: pull (as a part of images/create), push, search, distribution, auth."""

from __future__ import annotations

import base64
import json

from mydocker.api.call import Answer, Call, field
from mydocker.api.protocol import Refused
from mydocker.api.telling import Telling
from mydocker.engine.record import filters
from mydocker.engine.transfer import accounts
from mydocker.engine.transfer import pull as pulling
from mydocker.engine.transfer import push as pushing
from mydocker.engine.transfer.repository import first_answer
from mydocker.errors import BadInput, Denied
from mydocker.images import manifests
from mydocker.images.credentials import Credentials
from mydocker.images.manifests import Manifest
from mydocker.images.reference import Reference, parse
from mydocker.storage.drivers import choose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mydocker.engine.catalog.images import Image
    from mydocker.images.registry import Repository


class Given:
    """The credentials that a client sends with a request: those of its own user, and never those that are known here."""

    def __init__(self, credentials: dict[str, Credentials]) -> None:
        self.credentials = credentials  # by the registry's host, '' for any

    def find(self, host: str) -> Credentials | None:
        """Return the credentials for a registry, None for none."""
        return self.credentials.get(host) or self.credentials.get("")


def given(call: Call) -> Given:
    """Return the credentials in the header X-Registry-Auth. Raises BadInput."""
    document = _decoded(call.headers.get("x-registry-auth", ""), "X-Registry-Auth")
    found = _credentials(document)
    server = field(document, "serveraddress", str, "")
    return Given({accounts.domain_of(server) if server else "": found} if found else {})


def given_for_all(call: Call) -> Given:
    """Return the credentials in the header X-Registry-Config, which has them for many registries. Raises BadInput."""
    document = _decoded(call.headers.get("x-registry-config", ""), "X-Registry-Config")
    pairs = {accounts.domain_of(server): _credentials(each) for server, each in document.items() if isinstance(each, dict)}
    return Given({server: found for server, found in pairs.items() if found})


def _decoded(text: str, name: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        document = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if set(text) & set("-_") else None))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"invalid {name} header: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"invalid {name} header: expected an object")
    return document


def _credentials(document: dict[str, Any]) -> Credentials | None:
    user, password, token = (field(document, name, str, "") for name in ("username", "password", "identitytoken"))
    return Credentials(user=user, password=password, token=token) if (user and password) or token else None


def pull(call: Call) -> None:
    """POST /images/create with fromImage"""
    name, tag = call.text("fromImage"), call.text("tag")
    reference = parse(f"{name}{'@' if ':' in tag else ':'}{tag}" if tag else name)
    keyring, telling = given(call), Telling(call.connection)
    try:
        wanted = [reference] if reference.tag or reference.digest else _every_tag(call, reference, keyring)
        for each in wanted:
            _pull(call, each, keyring, telling)
    except Denied as error:
        raise Refused(404, denied(reference, error)) from error
    telling.end()


def denied(reference: Reference, error: Denied) -> str:
    """Return docker's words for a pull that a registry refuses."""
    words = "repository does not exist or may require 'docker login'"
    return f"pull access denied for {reference.familiar.partition(':')[0]}, {words}: {error.message}"


def _every_tag(call: Call, reference: Reference, keyring: Given) -> list[Reference]:
    tags = pulling.tags(call.paths, reference, keyring)
    return [Reference(domain=reference.domain, path=reference.path, tag=tag) for tag in tags]


def _pull(call: Call, reference: Reference, keyring: Given, telling: Telling) -> None:
    def observer(layers: list[Any]) -> Callable[[int, str, int], None]:
        # Only now it is known that there is such an image: until the first line, an error has a status of its own.
        telling.status(f"Pulling from {reference.path}", reference.tag or reference.digest)
        return telling.layers(layers)

    options = pulling.Pulling(platform=call.text("platform"), max_size=None, observer=observer, keyring=keyring)
    pulled = pulling.pull(call.paths, choose(call.paths), reference, options, call.run())
    telling.status(f"Digest: {pulled.digest}")
    telling.status(f"Status: {'Downloaded newer image' if pulled.is_new else 'Image is up to date'} for {reference}")


def push(call: Call) -> None:
    """POST /images/NAME/push"""
    reference = parse(f"{call.name}:{call.text('tag')}" if call.text("tag") else call.name)
    if reference.digest:
        raise BadInput("cannot push a digest reference")
    keyring, telling = given(call), Telling(call.connection)
    wanted = [reference] if reference.tag else pushing.own_tags(call.paths, reference)
    telling.status(f"The push refers to repository [{reference.repository}]")
    for each in wanted:
        pushed = pushing.push(call.paths, each, lambda image: _teller(telling, image), call.run(), keyring)
        telling.status(f"{each.tag}: digest: {pushed.digest} size: {pushed.size}")
        telling.line({"progressDetail": {}, "aux": {"Tag": each.tag, "Digest": pushed.digest, "Size": pushed.size}})
    telling.end()


def _teller(telling: Telling, image: Image) -> Callable[[int, str], None]:
    names = [diff_id.removeprefix("sha256:")[:12] for diff_id in image.diff_ids]
    return lambda position, event: telling.status(event, names[position]) if position < len(names) else None


def search(call: Call) -> Answer:
    """GET /images/search"""
    term, limit = call.text("term"), call.number("limit")
    if not term or (limit is not None and not 1 <= limit <= 100):
        raise BadInput(f"invalid search for {term!r} with limit {limit}: expected a term, and a limit from 1 to 100")
    from mydocker.engine.view import choosing  # imported here, because pull and push need none of its lists

    tests = {**choosing.SEARCHED, "is-automated": lambda found, text: text == "false"}
    fits = filters.parse(call.filters(), tests, choosing.SEARCH_CHECKS)
    found = accounts.search(call.paths, *accounts.searched(term), limit or 25)
    return Answer([{**each, "is_automated": False} for each in found if fits(each)])


def distribution(call: Call) -> Answer:
    """GET /distribution/NAME/json"""
    reference = parse(call.name).with_default_tag()

    def ask(repository: Repository) -> dict[str, Any]:
        data, digest = repository.manifest(reference.digest or reference.tag)
        several = manifests.read_index(data, str(reference))
        kind = json.loads(data).get("mediaType", "application/vnd.oci.image.index.v1+json" if several else "")
        platforms: list[Any]
        if several:
            platforms = [each["platform"] for each in several["manifests"] if each.get("platform")]
        else:
            manifest = Manifest(data, str(reference))
            kind = manifest.descriptor["mediaType"]
            config = json.loads(repository.document(manifest.config))
            platforms = [{key: config[key] for key in ("architecture", "os", "variant") if key in config}]
        return {"Descriptor": {"mediaType": kind, "digest": digest, "size": len(data)}, "Platforms": platforms}

    try:
        return Answer(first_answer(call.paths, reference.domain, reference.path, "pull", ask, keyring=given(call))[1])
    except Denied as error:
        raise Refused(401, error.message) from error


def auth(call: Call) -> Answer:
    """POST /auth"""
    document = call.document(is_needed=True)
    try:
        # Without credentials, too: a registry may let in everybody, and clients ask for those of a configuration that has none.
        accounts.check(call.paths, accounts.domain_of(field(document, "serveraddress", str, "")), _credentials(document))
    except Denied as error:
        raise Refused(401, error.message) from error
    return Answer({"IdentityToken": "", "Status": "Login Succeeded"})
