"""The credentials for registries: the fields auths, credsStore and credHelpers of docker's config.json.

    ~/.docker/config.json, or $DOCKER_CONFIG/config.json
        {"auths": {"registry.example": {"auth": base64("user:password")}},
         "credHelpers": {"registry.example": "NAME"}, "credsStore": "NAME"}

A helper is the program docker-credential-NAME. Its argument is `get`, `store` or `erase`. On its standard input it reads JSON for `store`
and the server's name for the others.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess

from mydocker import store
from mydocker.errors import BadInput, Damaged, StepFailed
from mydocker.images.registries import HUB
from mydocker.shape import fit
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from mydocker.shape import Shape

    class Auth(TypedDict, total=False):
        """The credentials for one registry."""

        auth: str
        username: str
        password: str
        identitytoken: str

    class DockerConfig(TypedDict, total=False):
        """Docker's config.json. It has many more fields."""

        auths: dict[str, Auth]
        credHelpers: dict[str, str]
        credsStore: str

    class HelperAnswer(TypedDict):
        """What a helper prints for `get`."""

        Username: str
        Secret: str


# These shapes have no defaults, because we write the file again and must not add anything to it.
# `auth` is base64 of USER:PASSWORD, `identitytoken` is an OAuth2 refresh token.
AUTH: Shape = {"auth": "text", "username": "text", "password": "text", "identitytoken": "text"}
# `auths` and `credHelpers` have an entry for each registry. `credsStore` is the helper of all other registries.
DOCKER_CONFIG: Shape = {"auths": {"*": AUTH}, "credHelpers": {"*": "text"}, "credsStore": "text"}
HELPER_ANSWER: Shape = {"Username!": "text", "Secret!": "text"}

# The name of docker's own registry in this file. It comes from the time of its first protocol.
_HUB_KEY = "https://index.docker.io/v1/"
# A helper answers with this user if its secret is an identity token and not a password.
_TOKEN_USER = "<token>"


class Credentials(Value):
    """A user with a password, or an identity token."""

    user: str
    password: str
    token: str = ""  # an identity token (an OAuth2 refresh token), '' if there is none

    def basic(self) -> str:
        """Return the value of the header Authorization for basic authentication."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Keyring:
    """One config.json. The file need not exist."""

    def __init__(self, directory: str = "") -> None:
        self.directory = directory or os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")

    @property
    def path(self) -> str:
        return self.directory + "/config.json"

    def find(self, host: str) -> Credentials | None:
        """Return the credentials for a registry, or None. Raises Damaged for the file, StepFailed for a helper."""
        document, key = self._document(), _key(host)
        helper = _helper(document, key)
        if helper:
            return _ask(helper, key)
        auths = document.get("auths", {})
        known = next((auths[k] for k in (key, host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/") if k in auths), None)
        return self._decoded(known, key) if known else None

    def _decoded(self, known: Auth, key: str) -> Credentials:
        try:
            user, _, password = base64.b64decode(known.get("auth", ""), validate=True).decode().partition(":")
        except ValueError as error:
            raise Damaged(f"{self.path}: the auth of {key} is not base64") from error
        user, password = user or known.get("username", ""), password.rstrip("\0") or known.get("password", "")
        return Credentials(user=user, password=password, token=known.get("identitytoken", ""))

    def helper(self, host: str) -> str:
        """Return the name of the helper that keeps the credentials for a registry, or '' if the file does, without encryption."""
        return _helper(self._document(), _key(host))

    def keep(self, host: str, credentials: Credentials) -> None:
        """Store the credentials for a registry, in the file or with its helper."""
        document, key = self._document(), _key(host)
        helper = _helper(document, key)
        if helper:
            user, secret = (_TOKEN_USER, credentials.token) if credentials.token else (credentials.user, credentials.password)
            _run(helper, "store", json.dumps({"ServerURL": key, "Username": user, "Secret": secret}))
            entry: Auth = {}
        else:
            entry = {"auth": base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()}
            if credentials.token:
                entry["identitytoken"] = credentials.token
        document["auths"] = {**document.get("auths", {}), key: entry}
        self._save(document)

    def may_know(self, host: str) -> bool:
        """Say whether there is something to forget: an entry in the file, or a helper, which is not asked."""
        return bool(self.helper(host)) or _key(host) in self._document().get("auths", {})

    def forget(self, host: str) -> None:
        """Remove the credentials for a registry, if there are any."""
        document, key = self._document(), _key(host)
        helper = _helper(document, key)
        if helper:
            _run(helper, "erase", key)
        if document.get("auths", {}).pop(key, None) is not None:
            self._save(document)

    def _document(self) -> DockerConfig:
        try:
            document: DockerConfig = store.read_document(self.path, DOCKER_CONFIG)
        except FileNotFoundError:
            return {}
        return document

    def _save(self, document: DockerConfig) -> None:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        store.write_atomic(os.path.realpath(self.path), json.dumps(document, indent="\t").encode(), mode=0o600)


def _key(host: str) -> str:
    return _HUB_KEY if host == HUB else host


def _helper(document: DockerConfig, key: str) -> str:
    name = document.get("credHelpers", {}).get(key) or document.get("credsStore", "")
    if "/" in name:
        raise BadInput(f"invalid credential helper {name!r}: expected the NAME of a program docker-credential-NAME")
    return name


def _ask(helper: str, key: str) -> Credentials | None:
    answer = _run(helper, "get", key)
    if not answer:
        return None
    try:
        found: HelperAnswer = json.loads(answer)
        fit(found, HELPER_ANSWER)
    except (ValueError, RecursionError) as error:
        raise StepFailed(f"docker-credential-{helper} get: an answer that is no credentials") from error
    user, secret = found["Username"], found["Secret"]
    return Credentials(user="", password="", token=secret) if user == _TOKEN_USER else Credentials(user=user, password=secret)


def _run(helper: str, verb: str, text: str) -> str:
    """Return what a helper prints, or '' if it knows no credentials. Raises StepFailed if it fails."""
    program = f"docker-credential-{helper}"
    try:
        result = subprocess.run([program, verb], input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise StepFailed(f"{program}: {error.strerror}", error.errno or 0) from error
    if result.returncode and "credentials not found" not in result.stdout:
        raise StepFailed(f"{program} {verb}: {(result.stdout or result.stderr).strip()}")
    return "" if result.returncode else result.stdout
