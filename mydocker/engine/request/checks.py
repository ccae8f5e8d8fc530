"""docker's rules on flags and their combinations, as far as they do not depend on the image. No check changes anything."""

from __future__ import annotations

import os

from mydocker.engine.record.names import check_name
from mydocker.engine.request import values
from mydocker.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.engine.request.options import Options

_SMALLEST_MEMORY = 6 << 20

# The sysctls of the IPC namespace, besides fs.mqueue.*.
_SYSCTLS = (
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
)


def check(options: Options) -> None:
    """Raise BadInput for the first rule that the options break."""
    for rule in (_life, _names, _memory, _cpu, _namespaces, _users, _sysctls):
        rule(options)


def check_limits(options: Options) -> None:
    """Raise BadInput for the first rule on limits that the options break."""
    for rule in (_memory, _cpu):
        rule(options)


def warnings(options: Options) -> list[str]:
    """Return a line for each thing that is allowed and is probably a mistake."""
    found = []
    if options.oom_kill_disable and not options.memory:
        found.append("--oom-kill-disable without a memory limit (-m) lets the container bring the host down")
    if (options.publish or options.publish_all) and not options.endpoints:
        found.append(f"published ports are discarded with --network {options.network}")
    return found


def _life(options: Options) -> None:
    if options.name is not None:
        check_name(options.name)
    for stream in options.attach:
        if stream not in ("stdin", "stdout", "stderr"):
            raise BadInput(f"invalid stream {stream!r}: expected stdin, stdout or stderr")
    if options.remove and options.restart[0] != "no":
        raise BadInput("--rm and --restart exclude each other")
    if options.detach and options.attach:
        raise BadInput("-d and -a exclude each other")
    if options.cidfile is not None and os.path.exists(options.cidfile):
        raise BadInput(f"cidfile {options.cidfile!r} exists already", "remove it, or name another")
    if options.workdir is not None and not options.workdir.startswith("/"):
        raise BadInput(f"invalid working directory {options.workdir!r}: expected an absolute path")
    if options.platform is not None and options.platform not in _platforms():
        raise BadInput(f"platform {options.platform!r} cannot run here: expected {_platforms()[0]}")


def _names(options: Options) -> None:
    for what, name in (("hostname", options.hostname), ("domainname", options.domainname)):
        # 64 bytes are the kernel's limit. /etc/hosts would read a name with spaces as several names.
        if name and (len(os.fsencode(name)) > 64 or any(c.isspace() or not c.isprintable() for c in name)):
            raise BadInput(f"invalid {what} {name!r}: expected up to 64 characters without spaces")


def _platforms() -> list[str]:
    machine = os.uname().machine
    names = {"x86_64": ["amd64", "x86_64"], "aarch64": ["arm64/v8", "arm64", "aarch64"]}.get(machine, [machine])
    return ["linux/" + name for name in names]


def _memory(options: Options) -> None:
    memory, swap, reservation = options.memory or 0, options.memory_swap, options.memory_reservation
    if memory and memory < _SMALLEST_MEMORY:
        raise BadInput(f"memory limit of {memory} bytes is too small: expected 6m or more")
    if 0 < (reservation or 0) < _SMALLEST_MEMORY:
        raise BadInput(f"memory reservation of {reservation} bytes is too small: expected 6m or more")
    if swap and swap > 0 and not memory:
        raise BadInput("--memory-swap needs a memory limit too (-m)")
    if swap is not None and 0 < swap < memory:
        hint = "--memory-swap limits both together"
        raise BadInput(f"memory and swap together ({swap} bytes) are less than the memory limit ({memory} bytes)", hint)
    if reservation and memory and reservation > memory:
        raise BadInput(f"memory reservation ({reservation} bytes) is above the memory limit ({memory} bytes)")


def _cpu(options: Options) -> None:
    if options.cpus and (options.cpu_quota or options.cpu_period):
        raise BadInput("--cpus excludes --cpu-quota and --cpu-period")
    if options.cpu_quota is not None and 0 < options.cpu_quota < 1000:
        raise BadInput(f"invalid cpu quota '{options.cpu_quota}': expected 1000 microseconds or more, or -1")
    if options.cpuset_cpus is not None:
        _check_online("CPUs", options.cpuset_cpus, "/sys/devices/system/cpu/online")
    if options.cpuset_mems is not None:
        _check_online("memory nodes", options.cpuset_mems, "/sys/devices/system/node/online")


def _check_online(what: str, asked: str, path: str) -> None:
    try:
        with open(path) as file:
            online = file.read().strip()
    except FileNotFoundError:
        return
    if not values.within(asked, online):
        raise BadInput(f"requested {what} are not available: expected some of {online}, not {asked!r}")


def _namespaces(options: Options) -> None:
    for flag, value, words in (
        ("pid", options.pid, ("", "host")),
        ("ipc", options.ipc, ("", "private", "shareable", "none", "host")),
        ("uts", options.uts, ("", "host")),
        ("network", options.network, ("none", "host", *options.endpoints)),
    ):
        if value not in words and not (value.startswith("container:") and len(value) > 10):
            expected = ", ".join(word for word in words if word)
            raise BadInput(f"invalid --{flag} {value!r}: expected {expected} or container:NAME")
    if options.uts and (options.hostname or options.domainname):
        raise BadInput(f"--uts {options.uts} excludes --hostname and --domainname: they are not its own")
    if options.network.startswith("container:"):
        _check_shared_network(options)


def _check_shared_network(options: Options) -> None:
    asked = {
        "--hostname": options.hostname,
        "-p": options.publish or options.publish_all,
        "--expose": options.expose,
        "--dns": options.dns or options.dns_search or options.dns_option,
        "--add-host": options.add_host,
    }
    for flag, value in asked.items():
        if value:
            raise BadInput(f"--network {options.network} excludes {flag}: it is that container's")


def _users(options: Options) -> None:
    # A user namespace has no power over namespaces that are the host's.
    if options.userns in ("", "host"):
        return
    if options.userns != "auto":
        values.id_mapping(options.userns)
    if options.privileged:
        raise BadInput("--privileged and --userns exclude each other")
    for flag, value in (("pid", options.pid), ("network", options.network)):
        if value == "host":
            raise BadInput(f"--{flag} host and --userns {options.userns} exclude each other")


def _sysctls(options: Options) -> None:
    for key, _ in options.sysctl:
        if key.startswith("net.") and _stays_inside(key):
            own = options.network != "host"
        elif key in _SYSCTLS or (key.startswith("fs.mqueue.") and _stays_inside(key)):
            own = options.ipc != "host"
        else:
            raise BadInput(f"sysctl {key!r} belongs to no namespace: expected net.*, fs.mqueue.* or one of {', '.join(_SYSCTLS)}")
        if not own:
            raise BadInput(f"sysctl {key!r} would change the host's: its namespace is shared")


def _stays_inside(key: str) -> bool:
    # sysctl(8) writes a dot inside a name as a slash. So '//' between two dots would mean '..', the directory above.
    path = key.translate({ord("."): "/", ord("/"): "."})
    return not {"", ".", ".."} & set(path.split("/"))
