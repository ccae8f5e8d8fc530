"""Where everything is. Every root directory is a value, so that a test's fake tree is just another root.

/var/lib/mydocker/              ROOT: it survives a reboot
  containers/ID/                config.json (record), bundle/config.json (OCI), bundle/rootfs (mount point),
                                upper, work (writable layer), log.json, lock
  names/NAME                    claim: it holds the id of the container that has the name
  images/                       an OCI image layout: oci-layout, index.json, blobs/sha256/
  layers/DRIVER/CHAINID/        layers, unpacked in the form that this storage driver needs
  volumes/NAME/_data            named and anonymous volumes
  networks/NAME/network.json    networks: driver, subnets, options
  cache/                        compiled seccomp filters; may be deleted at any time
  caches/KEY/NUMBER/data        the caches of RUN --mount=type=cache
  events.json                   what happened, the latest megabyte or two
  damaged/WHAT-NAME-TIME/       what `system check --repair` found damaged and put away: the user may look at it, and remove it
/run/mydocker/                  STATE: it is gone after a reboot
  ID/state.json                 pid, start time, monitor; a container without it does not run
  ID/network.json               the container's interfaces, addresses and published ports
  networks/NAME/ADDRESS         claim: it holds the id of the container that has the address
  errors/                       the latest tracebacks of exceptions that nobody foresaw
"""

from __future__ import annotations

from os import environ


class Paths:
    """The roots under which all files are found.

    root, state: mydocker's own, ROOT and STATE.
    proc, sys, cgroup: the kernel's.
    config: the configuration file.
    run: the host's /run.
    """

    __slots__ = ("root", "state", "proc", "sys", "cgroup", "config", "run")

    def __init__(
        self,
        root: str = "/var/lib/mydocker",
        state: str = "/run/mydocker",
        proc: str = "/proc",
        sys: str = "/sys",
        cgroup: str = "/sys/fs/cgroup",
        config: str = "/etc/mydocker/config.json",
        run: str = "/run",
    ) -> None:
        self.root = root
        self.state = state
        self.proc = proc
        self.sys = sys
        self.cgroup = cgroup
        self.config = config
        self.run = run

    @classmethod
    def from_environment(cls, root: str | None = None, state: str | None = None) -> Paths:
        """Return the paths that the user has chosen.

        An argument counts more than the environment (MYDOCKER_ROOT, MYDOCKER_STATE, MYDOCKER_CONFIG), and that more than the default.
        """
        return cls(
            root or environ.get("MYDOCKER_ROOT") or "/var/lib/mydocker",
            state or environ.get("MYDOCKER_STATE") or "/run/mydocker",
            config=environ.get("MYDOCKER_CONFIG") or "/etc/mydocker/config.json",
        )

    @property
    def containers(self) -> str:
        return self.root + "/containers"

    @property
    def names(self) -> str:
        return self.root + "/names"

    @property
    def images(self) -> str:
        return self.root + "/images"

    @property
    def layers(self) -> str:
        return self.root + "/layers"

    @property
    def volumes(self) -> str:
        return self.root + "/volumes"

    @property
    def networks(self) -> str:
        return self.root + "/networks"

    @property
    def addresses(self) -> str:
        """The directory of the claims on addresses. Each network has a directory of its own in it."""
        return self.state + "/networks"

    @property
    def errors(self) -> str:
        return self.state + "/errors"

    @property
    def cache(self) -> str:
        return self.root + "/cache"

    @property
    def caches(self) -> str:
        return self.root + "/caches"

    @property
    def damaged(self) -> str:
        return self.root + "/damaged"

    @property
    def events(self) -> str:
        return self.root + "/events.json"

    def container(self, container_id: str) -> str:
        """Return the directory of a container's record, bundle, writable layer and log."""
        return f"{self.root}/containers/{container_id}"

    def running(self, container_id: str) -> str:
        """Return the directory of what a reboot ends: a container's pid and sockets."""
        return f"{self.state}/{container_id}"

    def attach_socket(self, container_id: str) -> str:
        """Return the socket to which clients of a running container's monitor connect."""
        return f"{self.state}/{container_id}/attach"
