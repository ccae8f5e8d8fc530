"""A registry with one image, which sends half of its topmost layer and then waits until it is told to go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import makers


class Stalling:
    """The registry. Its image is REGISTRY/slow:1."""

    def __init__(self) -> None:
        self.has_stalled = threading.Event()
        self.may_go_on = threading.Event()
        self.blobs: dict[str, bytes] = {}
        layers = [makers.base(), makers.layer({"content": b"".join(number.to_bytes(4, "big") for number in range(1 << 18))})]
        self.slow = makers.digest(layers[-1])
        rootfs = {"type": "layers", "diff_ids": [makers.digest(each) for each in layers]}
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]}, "rootfs": rootfs, "history": []}
        described = self._put(makers.CONFIG, json.dumps(config).encode())
        manifest = {
            "schemaVersion": 2,
            "mediaType": makers.MANIFEST,
            "config": described,
            "layers": [self._put(makers.LAYER, each) for each in layers],
        }
        self.manifest = json.dumps(manifest).encode()

    def _put(self, kind: str, data: bytes) -> dict[str, str | int]:
        self.blobs[makers.digest(data)] = data
        return {"mediaType": kind, "digest": makers.digest(data), "size": len(data)}


class _Handler(BaseHTTPRequestHandler):
    """One request. registry: set by a class for each registry"""

    registry: Stalling

    def do_GET(self) -> None:
        """Answer what a pull asks for."""
        wanted = self.path.rpartition("/")[2]
        is_manifest = "/manifests/" in self.path
        data = self.registry.manifest if is_manifest else self.registry.blobs.get(wanted, b"")
        self.send_response(200)
        self.send_header("Content-Type", makers.MANIFEST if is_manifest else "application/octet-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        half = len(data) // 2 if wanted == self.registry.slow else 0
        try:
            self.wfile.write(data[:half])
            if half:
                self.registry.has_stalled.set()
                self.registry.may_go_on.wait(60)
            self.wfile.write(data[half:])
        except ConnectionError:
            return  # whoever asked was killed

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def stalling() -> Iterator[tuple[Stalling, str]]:
    """A registry that serves, and its image's name."""
    registry = Stalling()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": registry})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield registry, f"127.0.0.1:{server.server_port}/slow:1"
        finally:
            registry.may_go_on.set()
            server.shutdown()
            thread.join()
