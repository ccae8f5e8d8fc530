"""The registry protocol (distribution-spec 1.1): manifests, blobs, tags, uploads, and the tokens that registries want for them.

A registry that wants to know who asks answers 401 with a challenge: basic authentication, or the address of a token server (distribution,
"Token Authentication Specification"). The authorization goes only to the registry itself, not to another host to which it redirects.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode, urljoin

from mydocker.errors import Damaged, Denied, NotFound, StepFailed, Unreachable
from mydocker.images.documents import DOCUMENT_MAX, checked, sha256
from mydocker.images.manifests import ACCEPTED
from mydocker.shape import fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, TypedDict

    from urllib3.response import BaseHTTPResponse as Response

    from mydocker.images.credentials import Credentials
    from mydocker.images.documents import Descriptor
    from mydocker.images.registries import Endpoint
    from mydocker.shape import Shape

    class TokenAnswer(TypedDict):
        """What a token server answers. Older servers have only `token`."""

        token: str
        access_token: str

    class ListAnswer(TypedDict):
        """A page of a repository's tags, or of a registry's repositories."""

        tags: list[str]
        repositories: list[str]

    class Reason(TypedDict):
        """Why a registry refuses something."""

        code: str
        message: str

    class ErrorAnswer(TypedDict):
        """What a registry answers with the status of an error. The first reason is the one that counts."""

        errors: list[Reason]


TOKEN_ANSWER: Shape = {"token": ("text", ""), "access_token": ("text", "")}
LIST_ANSWER: Shape = {"tags": (["text"], []), "repositories": (["text"], [])}
REASON: Shape = {"code": ("text", ""), "message": ("text", "")}
ERROR_ANSWER: Shape = {"errors": ([REASON], [])}

_PARAMETER = re.compile(r'(\w+)="?([^",]*)"?')
_PAGES = 1000  # we read no more pages of a list than this
_CHUNK = 1 << 20  # bytes


class Repository:
    """One repository at one address of its registry.

    path: the repository's name in the registry, '' for the registry as a whole.
    actions: what tokens are to allow: 'pull' or 'pull,push'.
    credentials: those of the user, or None for nobody.
    """

    def __init__(self, endpoint: Endpoint, path: str, actions: str, credentials: Credentials | None) -> None:
        self.endpoint = endpoint
        self.path = path
        self._scopes = [f"repository:{path}:{actions}"] if path else []
        self._credentials = credentials
        self._authorization = ""

    @property
    def url(self) -> str:
        return f"{self.endpoint.url}/v2/{self.path}"

    def ping(self) -> None:
        """Ask whether this is a registry that lets us in. Raises Unreachable if nobody answers, Denied if it does not."""
        _expect(self._ask("GET", f"{self.endpoint.url}/v2/"), "the registry", 200)

    def manifest(self, tag_or_digest: str) -> tuple[bytes, str]:
        """Return a manifest or an index byte by byte, and its digest.

        Raises NotFound, Denied, Unreachable, and Damaged if it is too long or does not match its digest.
        """
        url = f"{self.url}/manifests/{tag_or_digest}"
        response = self._ask("GET", url, {"Accept": ", ".join(ACCEPTED)}, stream=True)
        try:
            _expect(response, f"manifest {tag_or_digest} of {self.path}", 200)
            data = response.read(DOCUMENT_MAX + 1)
        finally:
            response.release_conn()
        if len(data) > DOCUMENT_MAX:
            raise Damaged(f"{url}: a manifest of more than {DOCUMENT_MAX} bytes")
        digest = sha256(data)
        wanted = tag_or_digest if ":" in tag_or_digest else response.headers.get("Docker-Content-Digest", digest)
        if wanted.startswith("sha256:") and wanted != digest:
            raise Damaged(f"{url}: expected {wanted}, and its content has {digest}")
        return data, digest

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Response:
        """Return an answer whose body is a blob from an offset on. Raises NotFound, Denied, Unreachable.

        A registry that cannot begin at an offset sends the whole blob, and we skip its beginning.
        """
        url = f"{self.url}/blobs/{descriptor['digest']}"
        response = self._ask("GET", url, {"Range": f"bytes={offset}-"} if offset else {}, stream=True)
        _expect(response, f"blob {descriptor['digest']} of {self.path}", 200, 206)
        left = offset if response.status == 200 else 0
        while left and (data := response.read(min(left, _CHUNK))):
            left -= len(data)
        return response

    def document(self, descriptor: Descriptor) -> bytes:
        """Return the content of a small blob after checking its digest. Raises as manifest() does."""
        response = self.open_blob(descriptor)
        try:
            data = response.read(descriptor["size"] + 1)
        finally:
            response.release_conn()
        if sha256(data) != descriptor["digest"]:
            raise Damaged(f"{self.url}: blob {descriptor['digest']} does not match its digest")
        return data

    def tags(self) -> list[str]:
        """Return all tags of the repository."""
        return [tag for page in self._pages(f"{self.url}/tags/list", f"tags of {self.path}") for tag in page["tags"]]

    def catalog(self) -> list[str]:
        """Return the names of all repositories of the registry. Raises NotFound or Denied if the registry does not tell."""
        self._scopes = ["registry:catalog:*"]
        pages = self._pages(f"{self.endpoint.url}/v2/_catalog", f"repositories of {self.endpoint.host}")
        return [name for page in pages for name in page["repositories"]]

    def _pages(self, url: str, what: str) -> Iterator[ListAnswer]:
        for _ in range(_PAGES):
            response = _expect(self._ask("GET", url), what, 200)
            page: ListAnswer = _document(response, LIST_ANSWER, what)
            yield page
            following = re.match(r'<([^>]+)>;\s*rel="?next"?', response.headers.get("Link", ""))
            if not following:
                break
            url = urljoin(url, following[1])

    def has_blob(self, digest: str) -> bool:
        response = self._ask("HEAD", f"{self.url}/blobs/{digest}")
        return _expect(response, f"blob {digest} of {self.path}", 200, 404).status == 200

    def mount(self, digest: str, source: str) -> bool:
        """Ask for a blob of another repository of the same registry, and say whether this repository has it now.

        source: the path of the other repository.
        """
        self._scopes = [*self._scopes[:1], f"repository:{source}:pull"]
        self._authorization = ""
        query = urlencode({"mount": digest, "from": source})
        return self._ask("POST", f"{self.url}/blobs/uploads/?{query}", body=b"").status == 201

    def upload(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Store a blob in the repository."""
        digest = descriptor["digest"]
        begun = _expect(self._ask("POST", f"{self.url}/blobs/uploads/", body=b""), f"an upload to {self.path}", 202)
        place = urljoin(f"{self.url}/blobs/uploads/", begun.headers.get("Location", ""))
        url = place + ("&" if "?" in place else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(descriptor["size"])}
        _expect(self._ask("PUT", url, headers, content), f"the upload of blob {digest} to {self.path}", 201)

    def put_manifest(self, tag_or_digest: str, data: bytes, kind: str) -> None:
        """Store a manifest under a tag or its digest. kind: its media type."""
        url = f"{self.url}/manifests/{quote(tag_or_digest, safe=':')}"
        _expect(self._ask("PUT", url, {"Content-Type": kind}, data), f"manifest {tag_or_digest} of {self.path}", 201)

    def _ask(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: bytes | BinaryIO | None = None, stream: bool = False
    ) -> Response:
        """Return an answer. If the registry answers with a challenge, meet it and ask once more."""
        wanted = headers or {}
        response = self._request(method, url, wanted, body, stream)
        if response.status == 401 and self._is_own(url) and self._meet(response.headers.get("WWW-Authenticate", "")):
            response.close()
            response = self._request(method, url, wanted, body, stream)
        return response

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO | None, stream: bool) -> Response:
        # The registry may name another address for an upload, and that URL has a signature of its own.
        trusted = self._is_own(url) and self._authorization
        return self.endpoint.transport.request(
            method, url, {**headers, **({"Authorization": self._authorization} if trusted else {})}, body, stream
        )

    def _is_own(self, url: str) -> bool:
        return url.startswith(self.endpoint.url + "/")

    def _meet(self, challenge: str) -> bool:
        """Get the authorization that a challenge asks for, and say whether it is a new one."""
        before = self._authorization
        kind, _, rest = challenge.partition(" ")
        if kind.lower() == "basic" and self._credentials:
            self._authorization = self._credentials.basic()
        elif kind.lower() == "bearer":
            self._authorization = "Bearer " + self._token(dict(_PARAMETER.findall(rest)))
        return self._authorization != before

    def _token(self, challenge: dict[str, str]) -> str:
        """Return a token from the server that a challenge names. Raises Denied if the server refuses or cannot be trusted."""
        realm, service = challenge.get("realm", ""), challenge.get("service", "")
        scopes = self._scopes or ([challenge["scope"]] if challenge.get("scope") else [])
        is_plain = self.endpoint.url.startswith("http://")
        if not realm.startswith(("https://", "http://") if is_plain else "https://"):
            raise Denied(f"{self.endpoint.host}: wants a token of {realm!r}, which is not https")
        known = self._credentials
        if known and known.token:
            form = urlencode(
                {
                    "grant_type": "refresh_token",
                    "refresh_token": known.token,
                    "service": service,
                    "scope": " ".join(scopes),
                    "client_id": "mydocker",
                }
            )
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            response = self.endpoint.transport.request("POST", realm, headers, form.encode())
        else:
            query = urlencode(
                [("service", service), *(("scope", scope) for scope in scopes), *([("account", known.user)] if known else [])]
            )
            url = realm + ("&" if "?" in realm else "?") + query
            response = self.endpoint.transport.request("GET", url, {"Authorization": known.basic()} if known else {})
        what = f"a token for {self.path or self.endpoint.host}"
        answer: TokenAnswer = _document(_expect(response, what, 200), TOKEN_ANSWER, what)
        return answer["token"] or answer["access_token"]


def _document(response: Response, shape: Shape, what: str) -> Any:
    """Return the document in an answer. Raises Unreachable if it is not JSON, Damaged if it has another shape."""
    try:
        document = json.loads(response.data)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"an answer that is not JSON: {response.data[:60]!r}") from error
    return checked(document, shape, what)


def _expect(response: Response, what: str, *statuses: int) -> Response:
    """Return the answer if it has one of these statuses. Otherwise raise the error that its status means.

    what: what error messages call the thing that was asked for.
    """
    if response.status in statuses:
        return response
    reason = _told(response)
    if response.status == 404:
        raise NotFound(f"{what} does not exist" + (f": {reason}" if reason else ""))
    if response.status in (401, 403):
        raise Denied(f"access to {what} is denied" + (f": {reason}" if reason else ""), "it may not exist, or want: mydocker login")
    raise StepFailed(f"{what}: the registry answers {response.status}" + (f": {reason}" if reason else ""))


def _told(response: Response) -> str:
    """Return the reason that a registry gives, on one line, or ''."""
    try:
        answer: ErrorAnswer = json.loads(response.data)
        fit(answer, ERROR_ANSWER)
    except (ValueError, RecursionError):
        return ""
    reasons = [reason["message"] or reason["code"] for reason in answer["errors"]]
    return " ".join(reasons[0].split()) if reasons else ""
