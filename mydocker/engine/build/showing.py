"""What the mounts of one RUN show: made before its container is, and taken down after it."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack

from mydocker.engine.build import copying
from mydocker.engine.build.agent import Agent
from mydocker.engine.build.copying import Owner
from mydocker.engine.build.mounts import AGENTS
from mydocker.engine.build.places import followed, is_directory, resolved, status_of
from mydocker.engine.build.progress import from_nothing
from mydocker.engine.build.sources import Context
from mydocker.engine.build.wanted import Wanted
from mydocker.engine.catalog import caches
from mydocker.engine.request.mounts import mount_point
from mydocker.errors import BadInput, NotFound, StepFailed
from mydocker.kernel import inroot
from mydocker.storage.pack import pack_tree
from mydocker.storage.unpack import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mydocker.engine.build.mounts import RunMount
    from mydocker.engine.build.orders import Building
    from mydocker.engine.build.private import PrivateMounts
    from mydocker.engine.build.progress import Progress
    from mydocker.engine.build.sources import Source
    from mydocker.engine.record.containers import MountPoint


class Showing:
    """What the mounts of one RUN show. `with` takes it down.

    find: returns what the `from` of a mount names, the build's context for ''
    anew: whether caches are emptied before this build uses them for the first time, as BuildKit does with --no-cache
    points: the mount points for the container
    variables: what the container gets to know of them
    secrets: NAME=VALUE of the secrets that are variables. They must be in no record
    stubs: the paths, without symlinks, of files that are made only as mount points. look() finds them
    """

    def __init__(self, how: Building, private: PrivateMounts, find: Callable[[str], Source | Context], anew: bool) -> None:
        self.how = how
        self.private = private
        self.find = find
        self.anew = anew
        self.variables: dict[str, str] = {}
        self.secrets: list[str] = []
        self.stubs: set[str] = set()
        self._points: dict[str, MountPoint] = {}
        self._agents = 0
        self._stack = ExitStack()

    def __enter__(self) -> Showing:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def points(self) -> list[MountPoint]:
        return list(self._points.values())

    def add(self, mounts: list[RunMount]) -> None:
        """Make what all the mounts of a RUN show. As in BuildKit, the last one of a target wins."""
        if mounts:
            self.private.enter()
        # Everybody takes the locks of caches in the same order.
        held = {id(mount): self._cache(mount, key) for key, mount in sorted(self._keys(mounts), key=lambda pair: pair[0])}
        for mount in mounts:
            if mount.kind == "cache":
                self._bind(mount, self._inside(held[id(mount)], mount))
            else:
                {"bind": self._files, "tmpfs": self._tmpfs, "secret": self._secret, "ssh": self._agent}[mount.kind](mount)

    def script(self, content: str, target: str) -> None:
        """Show a here-document that is a program of its own. It is no secret, so it may be on the disk."""
        path = self.how.context.script(content)
        self._show(target, path, False)

    def _bind(self, mount: RunMount, path: str) -> None:
        self._show(mount.target, path, not mount.read_only)

    def _show(self, target: str, path: str, writable: bool) -> None:
        point = mount_point("bind", target)
        point |= {"source": path, "rw": writable, "recursive": False}
        self._points[target] = point

    def _keys(self, mounts: list[RunMount]) -> list[tuple[str, RunMount]]:
        found = []
        for mount in mounts:
            if mount.kind == "cache":
                origin = self.find(mount.origin) if mount.origin else None
                if isinstance(origin, Context):
                    raise BadInput("a cache begins with files of a stage or an image, not of a context")
                began = (origin.key, mount.source) if origin else ()
                found.append((caches.key(mount.id, mount.mode, mount.uid, mount.gid, *began), mount))
        return found

    def _cache(self, mount: RunMount, key: str) -> str:
        """Return the path of a cache's data, which stays locked until the end."""

        def fill(directory: str) -> None:
            status = self._copy(mount, directory) if mount.origin else os.stat(directory)
            os.chown(directory, status.st_uid if mount.uid is None else mount.uid, status.st_gid if mount.gid is None else mount.gid)
            os.chmod(directory, stat.S_IMODE(status.st_mode) if mount.mode is None else mount.mode)

        if self.anew and key not in self.how.begun_anew:
            self.private.run.execute(caches.removal(self.how.paths, key))
            self.how.begun_anew.add(key)
        return self._stack.enter_context(caches.Cache(self.how.paths, key, mount.sharing, fill))

    def _copy(self, mount: RunMount, directory: str) -> os.stat_result:
        """Copy what a cache begins with into its directory. Return what its own mode and owner shall be."""
        source = self.find(mount.origin)
        assert not isinstance(source, Context)
        with source.open() as place, ExitStack() as stack:
            path = self.private.shown(self.private.root_of(place, stack), mount.source, stack)
            if not os.path.isdir(path):
                raise BadInput(f"a cache begins with a directory, and {mount.source!r} is none")
            with open(self.how.context.new(), "w+b") as tar:
                pack_tree(path, tar)
                tar.seek(0)
                unpack(tar, directory, None)
            return os.stat(path)

    def _inside(self, data: str, mount: RunMount) -> str:
        """Return where a cache's data, or what `source` names in it, is bound."""
        root = inroot.open_root(data)
        self._stack.callback(os.close, root)
        return self.private.shown(root, "" if mount.origin else mount.source, self._stack)

    def _files(self, mount: RunMount) -> None:
        source = self.find(mount.origin)
        path = mount.source or "/"
        if isinstance(source, Context):
            place = self._stack.enter_context(self.how.opened(from_nothing(self.how.paths)))
            path = _resolved(source, path)
            # What a build sees of its context belongs to root, and its writes do not reach it.
            copying.copy(source, Wanted(patterns=[path], parents=True), place.container(), "/", Owner(chown="0:0", chmod=None))
        else:
            place = self._stack.enter_context(source.open())
        self._bind(mount, self.private.shown(self.private.root_of(place, self._stack), path, self._stack))

    def _tmpfs(self, mount: RunMount) -> None:
        options = ["exec", *([f"size={mount.size}"] if mount.size is not None else []), *(["ro"] if mount.read_only else [])]
        point = mount_point("tmpfs", mount.target)
        point |= {"options": options, "rw": not mount.read_only}
        self._points[mount.target] = point

    def _secret(self, mount: RunMount) -> None:
        secret = self.how.secrets.get(mount.id)
        if not secret:
            if mount.required:
                raise NotFound(f"secret {mount.id!r} was not given", f"--secret id={mount.id},src=FILE")
            return
        content = secret.read()
        if mount.target:
            path = self.private.file(content, 0o400 if mount.mode is None else mount.mode, mount.uid or 0, mount.gid or 0)
            self._stack.callback(os.unlink, path)
            self._bind(mount, path)
        if mount.env:
            if b"\0" in content:
                raise StepFailed(f"secret {mount.id!r} has a byte 0 in it: no variable can hold that")
            self.secrets.append(f"{mount.env}={os.fsdecode(content)}")

    def _agent(self, mount: RunMount) -> None:
        target = mount.target or f"{AGENTS}.{self._agents}"
        self._agents += 1
        self.variables.setdefault("SSH_AUTH_SOCK", target)
        paths = self.how.agents.get(mount.id)
        if not paths:
            if mount.required:
                raise NotFound(f"no ssh agent {mount.id!r} was given", f"--ssh {mount.id}")
            return
        directory = self.private.new()
        os.mkdir(directory, 0o700)
        agent = self._stack.enter_context(Agent(paths, directory))
        os.chown(agent.path, mount.uid or 0, mount.gid or 0)
        os.chmod(agent.path, 0o600 if mount.mode is None else mount.mode)
        self._show(target, agent.path, True)

    def look(self, progress: Progress) -> None:
        """See what lies at the targets in the image so far.

        A tmpfs gets the mode of the directory that it covers. A file that has to be made as a mount point belongs in no layer; directories
        that have to be made stay in it, as BuildKit leaves them.
        """
        binds = [point for point in self.points if point["type"] == "bind" and not point["destination"].startswith("/dev/")]
        files = [point["destination"] for point in binds if not os.path.isdir(point["source"])]
        covers = [point for point in self.points if point["type"] == "tmpfs"]
        if not files and not covers:
            return
        self.private.enter()
        with self.how.opened(progress) as place, ExitStack() as stack:
            root = self.private.root_of(place, stack)
            self.stubs = {followed(root, path) for path in files}
            for point in covers:
                if is_directory(root, point["destination"]):
                    point["options"].append(f"mode={stat.S_IMODE(status_of(root, point['destination']).st_mode):o}")


def _resolved(context: Context, path: str) -> str:
    root = context.enter()
    try:
        return resolved(root, path)
    finally:
        os.close(root)
