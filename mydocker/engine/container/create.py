"""Create a container: turn options into a record and an OCI bundle on disk.

    prepare()   finds and decides everything, and changes nothing
    create()    makes the directory and its lock, the name's claim, the record (`creating`), the layers, the writable layer, the bundle
    finish()    writes the record again (`created`)

The container's lock is held until the end. Whoever finds a record with the status `creating` and a free lock may remove the container.
"""

from __future__ import annotations

import os
from fcntl import LOCK_EX, flock

from mydocker import leanjson, store
from mydocker.engine.catalog import images
from mydocker.engine.connection import checks, links, networks
from mydocker.engine.container import mounted, spec
from mydocker.engine.container.claim import ClaimName
from mydocker.engine.container.new_record import record_of
from mydocker.engine.monitor import staged
from mydocker.engine.record import containers, events, names, removal
from mydocker.engine.record.bundle import settle
from mydocker.engine.record.moments import timestamp
from mydocker.engine.record.state import CGROUP_PARENT
from mydocker.engine.record.undo import AllOrNothing
from mydocker.engine.request import capabilities, propagation
from mydocker.engine.request.fromhost import host_devices, init_program, runtime_program, thermal_directories
from mydocker.engine.request.options import Options
from mydocker.engine.volume import mounting
from mydocker.errors import BadInput, Conflict
from mydocker.kernel import capabilities as kernel_capabilities
from mydocker.kernel.mounts import mountinfo
from mydocker.network.hosts import host_lines, own_hosts, resolv_conf
from mydocker.paths import Paths
from mydocker.runtime.users import mappings
from mydocker.steps.base import Run, Step, command, quote
from mydocker.steps.files import ChangeOwner, CreateFile, MakeDir
from mydocker.storage import drivers
from mydocker.storage.base import StorageDriver
from mydocker.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from mydocker.engine.record.containers import Record
    from mydocker.runtime.spec import Seccomp, Spec

_MAPPING_BASE = 1 << 29


class MakeContainerDirectory(Step):
    """Make a container's directory with its lock held, so nobody finds one without the other. `lock` is the open descriptor, -1 before."""

    __slots__ = ("path", "lock")

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = -1

    def apply(self) -> None:
        made = store.temporary(self.path)
        try:
            os.mkdir(made, 0o700)
            self.lock = os.open(f"{made}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            flock(self.lock, LOCK_EX)
            os.rename(made, self.path)
        except OSError:
            store.remove_tree(made)
            raise

    def undo(self) -> None:
        removal.remove_directory(self.path)
        os.close(self.lock)

    def describe(self) -> str:
        return f"mkdir {quote(self.path)} and flock its lock"

    def shell(self) -> str:
        return command("mkdir", "-m", "700", self.path)


class SaveRecord(Step):
    """Write a container's record."""

    paths: Paths
    record: Record
    is_whole: bool  # whether the container is whole, and on the disk when this is done

    def apply(self) -> None:
        if self.is_whole:
            settle(self.paths, self.record)
        containers.save(self.paths, self.record, sync=self.is_whole)

    def describe(self) -> str:
        return f"write the record of container {self.record['id'][:12]}, status {self.record['status']}"


class Prepared(Value):
    """All that was decided about a container that is to be created."""

    paths: Paths
    options: Options
    image: images.Image
    driver: StorageDriver
    record: Record  # as it will be written first
    spec: Spec  # the bundle's config.json

    @property
    def directory(self) -> str:
        return self.paths.container(self.record["id"])

    def claim_steps(self) -> list[Step]:
        """Return the steps up to the record. Once the record is written, the layers that it names count as used."""
        paths = self.paths
        roots = [
            MakeDir(path, 0o700, True)
            for path in (
                paths.root,
                paths.containers,
                paths.names,
                paths.volumes,
                paths.networks,
                paths.cache,
                paths.state,
                paths.addresses,
            )
        ]
        return [
            *roots,
            MakeContainerDirectory(self.directory),
            ClaimName(paths, self.record["name"], self.record["id"]),
            # A power cut may lose this record. Then it loses the whole container, and nobody was told of it.
            SaveRecord(paths, self.record, is_whole=False),
        ]

    def bundle_steps(self) -> list[Step]:
        """Return the steps that make the writable layer, the bundle, the files of /etc that are mounted, and the volumes."""
        bundle = self.directory + "/bundle"
        name = self.spec["hostname"]
        return [
            *self.driver.writable_steps(self.directory),
            # The root of a user namespace is nobody on the host, and must find the root file system from this directory.
            MakeDir(bundle, 0o711),
            MakeDir(bundle + "/rootfs"),
            CreateFile(bundle + "/config.json", leanjson.dumps(self.spec), 0o600),
            *self._network_files(name),
            *mounting.mount_steps(self.paths, self.record["mounts"]),
            *staged.making(self.record["mounts"], self.driver),
        ]

    def _network_files(self, name: str) -> list[Step]:
        domain = self.spec["domainname"]
        extra = [[*text.partition(":")[::2]] for text in self.options.add_host]
        files = {"hostname": name + "\n", "hosts": own_hosts(name, domain, [], extra), "resolv.conf": ""}
        if self.options.network == "host":
            files |= _texts("/etc", ["hosts", "resolv.conf"])
            files["hosts"] = files["hosts"].removesuffix("\n") + "\n" + host_lines(extra, "127.0.0.1")
            flags = (list(self.options.dns), list(self.options.dns_search), list(self.options.dns_option))
            files["resolv.conf"] = resolv_conf(files["resolv.conf"], *flags)
        elif self.options.network.startswith("container:"):
            files |= _texts(self.paths.container(_donor(self.paths, self.options.network)["id"]), files)
        steps: list[Step] = [CreateFile(f"{self.directory}/{file}", content) for file, content in files.items()]
        for _, outside, _ in mappings(self.spec["linux"])[0][:1]:
            steps += [ChangeOwner(f"{self.directory}/{file}", outside, outside) for file in files]
        return steps


def prepare(paths: Paths, options: Options, image: images.Image | None = None, late: bool = False) -> Prepared:
    """Decide everything about a new container, and change nothing. Raises the error that is in the options.

    image: the container's image, None to find the one that the options name
    late: whether its networks may be missing until it starts
    """
    image = image or images.find(paths, options.image)
    if options.network.startswith("container:"):
        options.hostname = _donor(paths, options.network)["config"]["Hostname"] or None
    # The user may have given a network's id. From here on each network has its name.
    options.endpoints = {networks.name_of(paths, name, late): wanted for name, wanted in options.endpoints.items()}
    links.by_id(paths, options.endpoints)
    driver = drivers.choose(paths, options.storage_driver)
    container_id = containers.new_id()
    name = options.name or names.generate()
    mounts = mounted.with_layers(paths, mounting.plan_mounts(paths, options, image.config.get("Volumes") or {}))
    staged.place(paths.container(container_id), mounts)
    mounted.check(options, mounts)
    if any(point["propagation"] for point in mounts):
        propagation.check(mounts, mountinfo(paths.proc))
    facts = spec.Facts(
        id=container_id,
        directory=paths.container(container_id),
        capabilities=_capabilities(paths, options),
        seccomp=None,
        host_devices=host_devices() if options.privileged else [],
        mounts=mounts,
        subuid=_MAPPING_BASE + int(container_id[:3], 16) * 65536,
        init=init_program() if options.init else "",
        has_swap=_has_swap_limit(paths) if options.memory else False,
        runtime=runtime_program(options.runtime),
        thermal=thermal_directories(paths.sys),
    )
    facts.seccomp = _seccomp(options, facts.capabilities)
    bundle = spec.make_spec(options, image.config, facts)
    record = record_of(options, image, bundle, facts, name, driver.name, timestamp())
    _check_shared(paths, options)
    checks.check(paths, record, late)
    return Prepared(paths=paths, options=options, image=image, driver=driver, record=record, spec=bundle)


def _has_swap_limit(paths: Paths) -> bool:
    from mydocker.cgroups.layout import Layout
    from mydocker.cgroups.manager import manager

    return manager(Layout.detect(paths), CGROUP_PARENT).has_swap_limit()


def _capabilities(paths: Paths, options: Options) -> list[str]:
    available = kernel_capabilities.available(paths.proc)
    return capabilities.select(list(options.cap_add), list(options.cap_drop), options.privileged, available)


def _seccomp(options: Options, names: list[str]) -> Seccomp | None:
    from mydocker.engine.request import seccomp

    if options.seccomp == "unconfined" or (options.privileged and not options.seccomp):
        return None
    machine = os.uname().machine
    major, minor = os.uname().release.split(".")[:2]
    kernel = (int(major), int("".join(c for c in minor if c.isdigit()) or 0))
    if options.seccomp and options.seccomp != "builtin":
        return seccomp.load_profile(options.seccomp, names, machine, kernel)
    return seccomp.profile(names, machine, kernel)


def _check_shared(paths: Paths, options: Options) -> None:
    """Check the containers whose namespaces are to be shared. Raises NotFound if one does not exist, Conflict if its ipc is private."""
    for mode in (options.pid, options.uts, options.network):
        if mode.startswith("container:"):
            _donor(paths, mode)
    if options.ipc.startswith("container:") and _donor(paths, options.ipc)["hostConfig"]["IpcMode"] in ("private", "none"):
        name = options.ipc.removeprefix("container:")
        raise Conflict(f"cannot join the ipc namespace of container {name}: it is private", "create that one with --ipc shareable")


def _donor(paths: Paths, mode: str) -> Record:
    """Return the record of the container that 'container:NAME' names."""
    return containers.load(paths, containers.resolve(paths, mode.removeprefix("container:")))


def _texts(directory: str, names: Iterable[str]) -> dict[str, str]:
    """Return the texts of the files that exist, by name."""
    texts = {}
    for name in names:
        if os.path.isfile(f"{directory}/{name}"):
            with open(f"{directory}/{name}", errors="surrogateescape") as file:
                texts[name] = file.read()
    return texts


def create(prepared: Prepared, run: Run) -> int:
    """Create the container. Return the descriptor that holds its lock, -1 in a dry run. A failure undoes everything."""
    with AllOrNothing(run):
        _claim(prepared, run)
        for image in (prepared.image, *mounted.images_of(prepared.paths, prepared.record)):
            images.ensure_layers(prepared.paths, prepared.driver, image, run)
        run.execute(prepared.bundle_steps())
        events.of_container(prepared.paths, prepared.record, "create")
    return next((step.lock for step in run.done if isinstance(step, MakeContainerDirectory)), -1)


def _claim(prepared: Prepared, run: Run) -> None:
    """Execute the claim's steps. A generated name that is in use is replaced by another, and a given one raises Conflict."""
    while True:
        try:
            run.execute(prepared.claim_steps())
            return
        except Conflict:
            run.undo_all()
            if prepared.options.name:
                raise
            prepared.record["name"] = names.generate()


def finish(prepared: Prepared, run: Run) -> None:
    """Give the new container the status `created`, and wait until it is on the disk."""
    prepared.record["status"] = "created"
    run.apply(SaveRecord(prepared.paths, prepared.record, is_whole=True))


def write_cidfile(options: Options, container_id: str) -> None:
    """Write the container's id to the file of --cidfile, if that was given. Raises BadInput if the file exists already."""
    if options.cidfile is None:
        return
    try:
        with open(options.cidfile, "x") as file:
            file.write(container_id)
    except OSError as error:
        raise BadInput(f"cidfile {options.cidfile!r}: {error.strerror}") from error
