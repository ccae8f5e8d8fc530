"""The container in which one instruction changes files. What it changed becomes a layer, which is kept in the cache."""

from __future__ import annotations

import os
import signal
from copy import deepcopy

from mydocker.engine.catalog import images
from mydocker.engine.container import life
from mydocker.engine.container.create import Prepared, create, prepare
from mydocker.engine.container.sides import Container
from mydocker.engine.container.snapshots import OF_NO_IMAGE
from mydocker.engine.monitor import end
from mydocker.engine.record import containers, locks
from mydocker.images import config, index
from mydocker.images.draft import Draft, StoreLayer
from mydocker.images.layout import ImageLayout
from mydocker.images.times import now
from mydocker.kernel.tasks import start_time
from mydocker.steps.base import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mydocker.engine.build.progress import Progress
    from mydocker.engine.request.options import Options
    from mydocker.errors import Error
    from mydocker.images.archive import LayerWriter
    from mydocker.paths import Paths


class Workplace:
    """A container made from the image so far, in which an instruction changes files. `with` removes it.

    `system check` finds it if the build was killed: its record has the status `creating` until it is started, and names the build's
    process as its builder.
    """

    def __init__(self, paths: Paths, progress: Progress, options: Options, run: Run) -> None:
        self.paths = paths
        image = images.find(paths, f"sha256:{progress.image}")
        # Only the image's files are used. Its commands, volumes and health checks are for the containers that are made of it later.
        image.document = {**image.document, "config": {}}
        self.prepared: Prepared = prepare(paths, options, image)
        self.prepared.record["builder"] = {"pid": os.getpid(), "start": start_time(os.getpid(), paths.proc)}
        self.prepared.record["image"] = f"sha256:{progress.image}"
        self.run = run
        self.lock = -1

    def __enter__(self) -> Workplace:
        self.lock = create(self.prepared, Run("build", self.run.observer))
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the container. An interrupt meanwhile waits: it may come from the build, to which another stage has failed, too."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            problems = self._remove()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if problems and exception[0] is None:
            raise problems[0]

    def _remove(self) -> list[Error]:
        if self.lock >= 0:
            problems = end.container(self.paths, self.prepared.record)
            os.close(self.lock)
            return problems
        life.end(self.paths, self.id)
        with locks.ContainerLock(self.paths, self.id):
            record = containers.load(self.paths, self.id)
            return [*end.runtime_state(self.paths, self.id), *end.container(self.paths, record)]

    @property
    def id(self) -> str:
        return self.prepared.record["id"]

    def container(self) -> Container:
        """Return the container as a side of a copy."""
        return Container(paths=self.paths, driver=self.prepared.driver, record=self.prepared.record)

    def start(self, begin: Callable[[containers.Record, int, list[str]], int], secrets: list[str]) -> int:
        """Run the container's command, and return its exit status.

        begin: starts a container whose lock is given, and serves it until its end
        secrets: NAME=VALUE, more variables for the command, which are in no record
        """
        lock, self.lock = self.lock, -1
        return begin(self.prepared.record, lock, secrets)

    def commit(self, progress: Progress, created_by: str, stubs: Iterable[str] = ()) -> None:
        """Make the topmost layer of what has changed in the container, and keep it in the cache under the instruction's key.

        stubs: the files that are there only as mount points
        """
        record, storage = self.prepared.record, self.prepared.driver
        directory, covered = self.paths.container(self.id), {*OF_NO_IMAGE, *stubs}
        storage.check_depth(len(progress.layers) + 1)
        document = deepcopy(progress.document)

        def fill(layer: LayerWriter) -> None:
            storage.diff(directory, record["layers"], layer.as_binary(), covered)

        with Draft(ImageLayout(self.paths.images), document, progress.layers, progress.sizes) as draft:
            entry = config.history_entry(now(), created_by)
            run = Run("build", self.run.observer)
            run.apply(StoreLayer(draft, "of what the instruction changed", fill, entry, True))
            progress.document["rootfs"]["diff_ids"] = list(document["rootfs"]["diff_ids"])
            progress.document["history"] = list(document["history"])
            if progress.layers:
                # The key is in the configuration too, so that no other image has the same id.
                run.execute(draft.store_steps(None, progress.annotations(index.BUILD), {index.BUILD: progress.key}))
                progress.image = draft.image_id
