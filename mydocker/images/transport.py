"""HTTP for registries: TLS with the authorities that the host trusts, proxies, redirects, and repeated requests. urllib3 does the protocol.

Authorization goes to the registry that asked for it and to nobody else. A redirect to another host (registries send blobs from object
stores) is followed without it. A redirect from https to http is never followed.
"""

from __future__ import annotations

import os
import ssl
import time
from io import BytesIO
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from mydocker.errors import StepFailed, Unreachable
from mydocker.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from urllib3.response import BaseHTTPResponse as Response

_TIMEOUT = urllib3.Timeout(connect=15, read=60)  # seconds
_TRIES = 5
_LONGEST_WAIT = 30.0  # seconds
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
LONGEST_ANSWER = 4 << 20  # bytes; registries list names and explain errors in far less
_TRUST = "where its authority is to be trusted, put that one's certificate into /etc/docker/certs.d/{}/ca.crt"
_LEAST_ERROR = 400
# The statuses with which a server says that the same request may succeed in a moment.
_PASSING = (429, 500, 502, 503, 504)


class Transport:
    """Connections to the hosts of one registry.

    ca_files: the paths of more certificates of authorities to trust.
    verify: whether certificates are checked at all.
    """

    def __init__(self, ca_files: list[str], verify: bool) -> None:
        self._ca_files = ca_files
        self._verify = verify
        self._owner = 0
        self._managers: dict[str, urllib3.PoolManager] = {}

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO | None = None, stream: bool = False
    ) -> Response:
        """Return an answer, whatever its status is. Redirects are followed.

        stream: whether the caller reads the body, unless it tells of an error. Otherwise it is read here.

        Raises Unreachable if nobody answers or what is read here is longer than LONGEST_ANSWER, StepFailed if a redirect leads nowhere.
        """
        given = dict(headers)
        asked = _origin(url)
        for _ in range(_MOST_REDIRECTS):
            response = self._patiently(method, url, given, body, stream)
            place = response.headers.get("Location")
            if response.status not in _REDIRECTS or not place:
                if _origin(url) != asked:
                    # A challenge is the business of whoever was asked: met for somebody else, it would show them the credentials.
                    response.headers.discard("WWW-Authenticate")
                return response
            response.close()
            target = urljoin(url, place)
            if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
                raise StepFailed(f"{_shown(url)} redirects to {_shown(target)}, which is not https")
            if _origin(url) != _origin(target):
                given = {key: value for key, value in given.items() if key != "Authorization"}
            url = target
        raise StepFailed(f"{_shown(url)}: more than {_MOST_REDIRECTS} redirects")

    def _patiently(self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO | None, stream: bool) -> Response:
        """Return an answer. Ask again, after a pause, if that may help."""
        wait = 0.5
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            try:
                response = self._once(method, url, headers, body, stream)
            except (HTTPError, OSError) as error:
                if last or _is_final(error):
                    raise _unreachable(urlsplit(url).netloc, _reason(error)) from error
            else:
                if last or response.status not in _PASSING:
                    return response
                after = response.headers.get("Retry-After", "")
                wait = max(wait, float(after)) if after.isdigit() else wait
                response.close()
            time.sleep(min(wait, _LONGEST_WAIT))
            wait *= 2
        raise AssertionError("not reached")

    def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO | None, stream: bool) -> Response:
        if body is not None and not isinstance(body, bytes):
            body.seek(0)  # it may have been sent before, to an address that redirects, wants authorization, or was busy
        response = self._manager(url).request(
            method,
            url,
            headers={"User-Agent": f"mydocker/{VERSION}", "Accept-Encoding": "identity", **headers},
            body=body,
            timeout=_TIMEOUT,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        return response if stream and response.status < _LEAST_ERROR else _whole(response, url)

    def _manager(self, url: str) -> urllib3.PoolManager:
        if self._owner != os.getpid():
            # A connection belongs to one process.
            self._owner, self._managers = os.getpid(), {}
        parts = urlsplit(url)
        proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
        if proxy not in self._managers:
            context = self._context()
            manager = urllib3.ProxyManager(proxy, ssl_context=context) if proxy else urllib3.PoolManager(ssl_context=context)
            self._managers[proxy] = manager
        return self._managers[proxy]

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self._verify:
            # The configuration says so. There is no need for a warning each time.
            urllib3.disable_warnings(InsecureRequestWarning)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        for path in self._ca_files:
            context.load_verify_locations(path)
        return context


def _whole(response: Response, url: str) -> Response:
    """Return an answer that holds its body."""
    data = response.read(LONGEST_ANSWER + 1)
    if len(data) > LONGEST_ANSWER:
        response.close()
        raise Unreachable(f"{_shown(url)}: an answer of more than {LONGEST_ANSWER} bytes")
    return urllib3.HTTPResponse(body=BytesIO(data), headers=response.headers, status=response.status)


def _unreachable(host: str, reason: str) -> Unreachable:
    return Unreachable(f"{host}: {reason}", _TRUST.format(host) if "certificate verify failed" in reason else None)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _shown(url: str) -> str:
    """Return a URL without its query, which may hold a signature."""
    return url.partition("?")[0]


def _is_final(error: Exception) -> bool:
    """Say whether it is of no use to ask again: there is no such host, nobody listens, or the protocol or the certificate is wrong."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    refused = isinstance(reason, NewConnectionError)
    # The server answers TLS with plain HTTP, or plain HTTP with TLS.
    garbled = isinstance(reason, (SSLError, ssl.SSLError)) or (isinstance(reason, ProtocolError) and "BadStatusLine" in repr(reason))
    return refused or garbled or isinstance(reason, NameResolutionError)


def _reason(error: BaseException) -> str:
    """Return the words of the innermost cause."""
    while cause := getattr(error, "reason", None) or error.__cause__ or error.__context__:
        if not isinstance(cause, BaseException):
            break
        error = cause
    return (getattr(error, "strerror", None) or str(error)).lower()
