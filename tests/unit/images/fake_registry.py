"""A registry on loopback that misbehaves as it is told, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class FakeRegistry:
    """blobs, manifests: by digest or tag. asked: (method, path, Authorization). Hooks answer instead, see Handler."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.hooks: list[Callable[[Any], bool]] = []
        registry = self

        class Handler(_Handler):
            owner = registry

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add_image(self, tag: str, config: dict[str, Any], layers: list[bytes]) -> str:
        """Store an image; return its manifest's digest."""
        data = json.dumps(config).encode()
        for blob in (data, *layers):
            self.blobs[digest_of(blob)] = blob
        parts = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest_of(b), "size": len(b)} for b in layers]
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(data), "size": len(data)}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": parts}).encode()
        self.manifests[tag] = self.manifests[digest_of(manifest)] = manifest
        return digest_of(manifest)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that first tries TLS, or has seen enough
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    owner: FakeRegistry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            with suppress(BrokenPipeError, ConnectionResetError):  # a client that has seen enough
                self.wfile.write(body)

    def do_GET(self) -> None:
        owner = self.owner
        owner.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        if any(hook(self) for hook in owner.hooks):
            return
        kind, _, name = urlsplit(self.path).path.rpartition("/")
        found = (owner.blobs if kind.endswith("/blobs") else owner.manifests if kind.endswith("/manifests") else {}).get(name)
        if self.path == "/v2/":
            self.answer(200)
        elif self.path.endswith("/tags/list"):
            tags = [tag for tag in owner.manifests if ":" not in tag]
            self.answer(200, json.dumps({"tags": tags}).encode())
        elif found is None:
            self.answer(404, b'{"errors": [{"code": "UNKNOWN", "message": "unknown"}]}')
        else:
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.answer(206 if start else 200, found[start:])

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self.owner.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not any(hook(self) for hook in self.owner.hooks):
            self.owner.uploads["1"] = body
            self.answer(202, Location="/v2/up/load?state=x")

    def do_PUT(self) -> None:
        self.owner.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if any(hook(self) for hook in self.owner.hooks):
            return
        if "/manifests/" in self.path:
            self.owner.manifests[self.path.rpartition("/")[2]] = body
        else:
            self.owner.blobs[parse_qs(urlsplit(self.path).query)["digest"][0]] = body
        self.answer(201)
