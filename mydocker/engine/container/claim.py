"""Claims on container names: names/NAME holds the id of its owner."""

from __future__ import annotations

import os

from mydocker import store
from mydocker.engine.connection import plug
from mydocker.engine.record import containers, events, locks, state
from mydocker.errors import Conflict, Damaged, NotFound
from mydocker.images.reference import is_id
from mydocker.paths import Paths
from mydocker.steps.base import Step, quote


class ClaimName(Step):
    """Claim a name for a container; a claim whose owner is gone or never was finished is free."""

    paths: Paths
    name: str
    container_id: str

    @property
    def path(self) -> str:
        return f"{self.paths.names}/{self.name}"

    def apply(self) -> None:
        owner = store.claim(self.path, self.container_id)
        while owner is not None:
            self._free(owner)
            owner = store.claim(self.path, self.container_id)

    def _free(self, owner: str) -> None:
        """Free the claim of a container that does not exist any more; Conflict if it does."""
        from mydocker.engine.container.orphans import discard, half_made

        if not is_id(owner):
            raise Conflict(f"the name {self.name!r} may be in use: its claim {self.path} is damaged", "mydocker system check --repair")
        if not os.path.isdir(self.paths.container(owner)) or was_renamed(self.paths, owner, self.name):
            store.release(self.path, owner)
        elif half_made(self.paths, owner):
            discard(self.paths, owner)
            store.release(self.path, owner)
        else:
            raise Conflict(f"the name {self.name!r} is in use by container {owner[:12]}", "remove or rename that one, or use another name")

    def undo(self) -> None:
        store.release(self.path, self.container_id)

    def describe(self) -> str:
        return f"claim the name {quote(self.name)}"

    def shell(self) -> str:
        return f"(set -C; printf %s {quote(self.container_id)} > {quote(self.path)})"


class Rename(Step):
    """Give a container another name: the new claim, the record, then the old claim goes. The caller holds its lock."""

    paths: Paths
    container_id: str
    name: str

    def apply(self) -> None:
        record = locks.load_whole(self.paths, self.container_id)
        old = record["name"]
        if old == self.name:
            raise Conflict(f"container {old} has that name already")
        claim = ClaimName(self.paths, self.name, self.container_id)
        claim.apply()
        try:
            store.to_disk(claim.path)
            containers.save(self.paths, {**record, "name": self.name})
        except OSError:
            claim.undo()
            raise
        store.release(f"{self.paths.names}/{old}", self.container_id)
        store.to_disk(self.paths.names)
        plug.rename(self.paths, self.container_id, self.name)
        events.of_container(self.paths, {**record, "name": self.name}, "rename", oldName=f"/{old}")

    def describe(self) -> str:
        return f"rename container {self.container_id[:12]} to {quote(self.name)}"


def was_renamed(paths: Paths, owner: str, name: str) -> bool:
    """Say whether a claim is what a rename left that died half way: its owner has another name, and nobody works on it."""
    try:
        return not state.is_busy(paths, owner) and containers.load(paths, owner)["name"] != name
    except (NotFound, Damaged):
        return False
