"""Fetching what ADD takes from an address: a file by HTTP, or the files of a git repository.

git is the host's. It is started without anybody's configuration, hooks and submodules, and may use only the protocols of addresses.py:
others, such as ext:: and file://, execute commands or read files of the host.
"""

from __future__ import annotations

import os
import re
import subprocess
from hashlib import sha256
from posixpath import basename

from mydocker.engine.build.addresses import PROTOCOLS
from mydocker.errors import BadInput, Damaged, StepFailed, Unsupported
from mydocker.kernel import inroot
from mydocker.store import remove_tree

_CHUNK = 1 << 18
_LIKE_SCP = re.compile(r"git@[A-Za-z0-9][A-Za-z0-9.-]*:[^/:][^:]*")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def download(address: str, directory: str, checksum: str) -> str:
    """Download an address to a file with the mode 600, as docker's ADD does. Return the file's name.

    checksum: 'sha256:HEX', '' for no check
    """
    from urllib3.exceptions import HTTPError  # imported here, because git needs none of it

    from mydocker.images.transport import Transport

    name = basename(address.partition("?")[0])
    if not name:
        raise BadInput(f"cannot determine a file name from {address!r}")
    response = Transport([], True).request("GET", address, {}, stream=True)
    if response.status != 200:
        raise StepFailed(f"{address}: the server answers {response.status}")
    content = sha256()
    with open(f"{directory}/{name}", "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        try:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                content.update(chunk)
        except HTTPError as error:
            raise StepFailed(f"{address}: the connection ended after {file.tell()} bytes: {error}") from error
    response.close()
    if checksum and checksum != f"sha256:{content.hexdigest()}":
        raise Damaged(f"{address}: expected {checksum}, and its content has sha256:{content.hexdigest()}")
    return name


class Repository:
    """A git repository at an address: ADDRESS[#[REF][:DIRECTORY]]. Raises BadInput for one that git must not be given.

    directory: an empty directory, into which it is fetched
    keeps_git: whether .git stays there
    """

    def __init__(self, address: str, directory: str, keeps_git: bool) -> None:
        self.address, _, fragment = address.partition("#")
        self.ref, _, self.inside = fragment.partition(":")
        self.directory = f"{directory}/tree"
        self.home = directory
        self.keeps_git = keeps_git
        if self.address.startswith("git@") and not _LIKE_SCP.fullmatch(self.address):
            raise BadInput(f"invalid address {address!r}: expected git@HOST:PATH")
        host = self.address.partition("://")[2]
        if "://" in self.address and (not host or host.startswith(("-", "/")) or "::" in self.address):
            raise BadInput(f"invalid address {address!r}: expected PROTOCOL://HOST/PATH")
        if self.ref.startswith("-") or not self.address.isprintable() or " " in self.address:
            raise BadInput(f"invalid address {address!r}")

    def fetch(self) -> str:
        """Fetch the commit, and return the path of the directory that is meant. Raises StepFailed, Unsupported, BadInput."""
        os.mkdir(self.directory)
        self._git("init", "-q", "--template=")
        self._git("remote", "add", "origin", self.address)
        wanted = self.ref or "HEAD"
        try:
            self._git("fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules", "origin", wanted)
        except StepFailed:
            if not _COMMIT.fullmatch(wanted):
                raise
            # Not every server gives a commit by its name alone.
            self._git("fetch", "-q", "--no-recurse-submodules", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            self._git("update-ref", "FETCH_HEAD", wanted)
        self._git("checkout", "-q", "--detach", "FETCH_HEAD")
        if not self.keeps_git:
            remove_tree(f"{self.directory}/.git")
        return self._within() if self.inside.strip("/") else self.directory

    def _within(self) -> str:
        """Return the path of the directory in the repository that the address names. No symlink leads out of the repository."""
        try:
            descriptor = inroot.open_in(self.directory, self.inside, os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise BadInput(f"{self.address}: no directory {self.inside!r} in it") from error
        try:
            return os.readlink(inroot.by_descriptor(descriptor))
        finally:
            os.close(descriptor)

    def _git(self, *words: str) -> None:
        allowed = [word for name in PROTOCOLS for word in ("-c", f"protocol.{name}.allow=always")]
        safe = ["-c", "protocol.allow=never", *allowed, "-c", "core.hooksPath=/dev/null", "-c", "submodule.recurse=false"]
        kept = {key: os.environ[key] for key in os.environ if not key.startswith("GIT_")}
        own = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "HOME": self.home, "LC_ALL": "C"}
        try:
            command = ["git", *safe, *words]
            done = subprocess.run(command, cwd=self.directory, env={**kept, **own}, stdin=subprocess.DEVNULL, capture_output=True)
        except FileNotFoundError as error:
            raise Unsupported(f"ADD {self.address}: git is not here", "install git") from error
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip().splitlines() or [f"git {words[0]} ends with {done.returncode}"]
            raise StepFailed(f"{self.address}: {told[-1].removeprefix('fatal: ')}")
