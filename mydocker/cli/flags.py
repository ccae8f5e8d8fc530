"""The flags of run, create and update, under docker's names."""

from __future__ import annotations

from typing import Any

import click

_Row = tuple[tuple[str, ...], Any, str]

_FLAG = {"is_flag": True}

# Each row is (names, metavar or settings, help). The settings are click's: they make a switch, or let an option be given many times.
_RUN_ONLY = [
    (("-d", "--detach"), _FLAG, "Run in the background and print the container's id."),
    (("-a", "--attach"), {"multiple": True, "metavar": "STREAM"}, "Attach stdin, stdout or stderr."),
    (("--rm", "remove"), _FLAG, "Remove the container when it ends."),
    (("--detach-keys",), {"default": "ctrl-p,ctrl-q", "metavar": "KEYS"}, "Keys that detach from a terminal [ctrl-p,ctrl-q]."),
    (("--sig-proxy/--no-sig-proxy",), {"default": True}, "Pass signals on to the container, without a terminal [yes]."),
]
_LIFE: list[_Row] = [
    (("-i", "--interactive"), _FLAG, "Keep standard input open."),
    (("-t", "--tty"), _FLAG, "Give it a terminal."),
    (("--name",), "NAME", "Its name."),
    (("--cidfile",), "FILE", "Write its id to a new file."),
    (("--restart",), {"default": "no", "metavar": "POLICY"}, "no, on-failure[:N], always or unless-stopped [no]."),
    (("--log-driver",), {"type": click.Choice(["json-file", "none"]), "default": "json-file"}, "Where its output is kept [json-file]."),
    (("--log-opt",), {"multiple": True, "metavar": "NAME=VALUE"}, "max-size=SIZE, max-file=N."),
    (("--init",), _FLAG, "Run a small init as pid 1 that forwards signals and reaps processes."),
    (("--stop-signal",), "SIGNAL", "The signal that stops it."),
    (("--stop-timeout",), "SECONDS", "How long a stop waits before SIGKILL."),
    (
        ("--pull",),
        {"type": click.Choice(["missing", "never", "always"]), "default": "missing"},
        "When to pull the image [missing].",
    ),
    (("-q", "--quiet"), _FLAG, "Pull without a word."),
    (("--platform",), "OS/ARCH", "The image's platform; only this host's own can run."),
    (("--runtime",), "NAME|PATH", "The OCI runtime: mydocker, crun, runc or a path [mydocker]."),
    (("--storage-driver",), "NAME", "overlay, aufs or vfs [MYDOCKER_STORAGE_DRIVER, or the best that works]."),
]
_HEALTH = [
    (("--health-cmd",), "COMMAND", "A shell command that says by its exit status whether it is healthy."),
    (("--health-interval",), "DURATION", "Time between checks [30s]."),
    (("--health-timeout",), "DURATION", "How long a check may take [30s]."),
    (("--health-retries",), "N", "Failures in a row that make it unhealthy [3]."),
    (("--health-start-period",), "DURATION", "Time to start up in, when failures do not count [0s]."),
    (("--health-start-interval",), "DURATION", "Time between checks in the start period [5s]."),
    (("--no-healthcheck",), _FLAG, "Do not run the image's checks."),
]
_COMMAND = [
    (("-e", "--env"), {"multiple": True, "metavar": "NAME[=VALUE]"}, "Set a variable, or take it from here."),
    (("--env-file",), {"multiple": True, "metavar": "FILE"}, "Read variables from a file."),
    (("-w", "--workdir"), "DIR", "Working directory."),
    (("-u", "--user"), "USER[:GROUP]", "User and group, names or numbers."),
    (("--group-add",), {"multiple": True, "metavar": "GROUP"}, "Another group."),
    (("-h", "--hostname"), "NAME", "Host name [the first 12 digits of its id]."),
    (("--domainname",), "NAME", "NIS domain name."),
    (("--entrypoint",), "PROGRAM", "Replace the image's entrypoint."),
    (("-l", "--label"), {"multiple": True, "metavar": "KEY[=VALUE]"}, "Set a label."),
    (("--label-file",), {"multiple": True, "metavar": "FILE"}, "Read labels from a file."),
    (("--annotation",), {"multiple": True, "metavar": "KEY=VALUE"}, "Add an OCI annotation."),
]
_LIMITS: list[_Row] = [
    (("-m", "--memory"), "SIZE", "Memory limit."),
    (("--memory-swap",), "SIZE", "Memory and swap together; -1 for no limit."),
    (("--memory-reservation",), "SIZE", "What it gets back to when memory is short."),
    (("--memory-swappiness",), "0-100", "How readily its pages are swapped (cgroup v1)."),
    (("--oom-kill-disable",), _FLAG, "Let it wait instead of being killed for want of memory (cgroup v1)."),
    (("--oom-score-adj",), "-1000-1000", "How soon the host's OOM killer takes it."),
    (("--cpus",), "NUMBER", "How many CPUs' time it may use."),
    (("-c", "--cpu-shares"), "WEIGHT", "Its share where CPUs are short [1024]."),
    (("--cpu-quota",), "MICROSECONDS", "CPU time in each period."),
    (("--cpu-period",), "MICROSECONDS", "Length of a period [100000]."),
    (("--cpuset-cpus",), "LIST", "CPUs that it may use, such as 0-2,7."),
    (("--cpuset-mems",), "LIST", "Memory nodes that it may use."),
    (("--pids-limit",), "NUMBER", "How many processes and threads; -1 for no limit."),
    (("--blkio-weight",), "10-1000", "Its share of block i/o."),
    (("--blkio-weight-device",), {"multiple": True, "metavar": "PATH:WEIGHT"}, "Its share of one device."),
    (("--device-read-bps",), {"multiple": True, "metavar": "PATH:SIZE"}, "Bytes per second that it may read."),
    (("--device-write-bps",), {"multiple": True, "metavar": "PATH:SIZE"}, "Bytes per second that it may write."),
    (("--device-read-iops",), {"multiple": True, "metavar": "PATH:N"}, "Reads per second."),
    (("--device-write-iops",), {"multiple": True, "metavar": "PATH:N"}, "Writes per second."),
    (("--ulimit",), {"multiple": True, "metavar": "NAME=SOFT[:HARD]"}, "A resource limit of each process."),
    (("--shm-size",), "SIZE", "Size of /dev/shm [64m]."),
    (("--cgroup-parent",), "PATH", "Where its cgroup is made [/mydocker]."),
    (("--cgroupns",), {"type": click.Choice(["private", "host"]), "default": "private"}, "Its cgroup namespace [private]."),
]
_FILES = [
    (("-v", "--volume"), {"multiple": True, "metavar": "[SOURCE:]DIR[:OPTIONS]"}, "Mount a host directory or a volume."),
    (("--mount",), {"multiple": True, "metavar": "type=TYPE,…"}, "Mount a bind, volume or tmpfs."),
    (("--tmpfs",), {"multiple": True, "metavar": "DIR[:OPTIONS]"}, "Mount a tmpfs."),
    (("--volumes-from",), {"multiple": True, "metavar": "CONTAINER[:ro]"}, "Mount what another container mounts."),
    (("--read-only",), _FLAG, "Make its root file system read-only."),
    (("--device",), {"multiple": True, "metavar": "HOST[:DIR[:rwm]]"}, "Give it a device of the host."),
    (("--device-cgroup-rule",), {"multiple": True, "metavar": "RULE"}, "Allow devices, such as 'c 1:3 rwm'."),
]
_NETWORK = [
    (
        ("--network", "--net"),
        {"multiple": True, "metavar": "NETWORK"},
        "bridge, none, host, container:NAME or a network of yours [bridge].",
    ),
    (("--ip",), "ADDRESS", "Its IPv4 address in a network of yours."),
    (("--ip6",), "ADDRESS", "Its IPv6 address there."),
    (("--mac-address",), "ADDRESS", "Its MAC address."),
    (("--network-alias", "--net-alias"), {"multiple": True, "metavar": "NAME"}, "One more name of it in a network of yours."),
    (("-p", "--publish"), {"multiple": True, "metavar": "[[IP:]PORT:]PORT[/PROTOCOL]"}, "Publish a port, or a range, on the host."),
    (("-P", "--publish-all"), _FLAG, "Publish every exposed port on some free port."),
    (("--expose",), {"multiple": True, "metavar": "PORT[/PROTOCOL]"}, "Say that it serves a port."),
    (("--dns",), {"multiple": True, "metavar": "ADDRESS"}, "Name server [the host's]."),
    (("--dns-search",), {"multiple": True, "metavar": "DOMAIN"}, "Domain that names are looked up in; . for none."),
    (("--dns-option", "--dns-opt"), {"multiple": True, "metavar": "OPTION"}, "Option of resolv.conf."),
    (("--add-host",), {"multiple": True, "metavar": "NAME:ADDRESS"}, "One more line in /etc/hosts; host-gateway is the host's address."),
]
_CONFINEMENT = [
    (("--cap-add",), {"multiple": True, "metavar": "NAME"}, "Add a capability, or ALL."),
    (("--cap-drop",), {"multiple": True, "metavar": "NAME"}, "Drop a capability, or ALL."),
    (
        ("--security-opt",),
        {"multiple": True, "metavar": "OPTION"},
        "seccomp=FILE|unconfined, no-new-privileges, apparmor=PROFILE, systempaths=unconfined.",
    ),
    (("--privileged",), _FLAG, "Give it all capabilities and devices, and confine nothing."),
    (("--userns",), "MODE", "host, auto or CONTAINER-ID:HOST-ID:SIZE [host]."),
    (("--pid",), "MODE", "host or container:NAME."),
    (("--ipc",), "MODE", "private, shareable, none, host or container:NAME."),
    (("--uts",), "MODE", "host or container:NAME."),
    (("--sysctl",), {"multiple": True, "metavar": "KEY=VALUE"}, "Set a namespaced kernel parameter."),
]


def _option(names: tuple[str, ...], setting: Any, text: str) -> Any:
    extra = {"metavar": setting} if isinstance(setting, str) else dict(setting)
    return click.option(*names, help=text, **extra)


def create_flags(command: Any) -> Any:
    """Add the flags that both create and run have, and the image and command as arguments."""
    command = click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="IMAGE [COMMAND] [ARGUMENT...]")(command)
    for names, setting, text in reversed([*_LIFE, *_HEALTH, *_COMMAND, *_LIMITS, *_FILES, *_NETWORK, *_CONFINEMENT]):
        command = _option(names, setting, text)(command)
    return command


def run_flags(command: Any) -> Any:
    """Add the flags of run: those that only run has, and those of create."""
    for names, setting, text in reversed(_RUN_ONLY):
        command = _option(names, setting, text)(command)
    return create_flags(command)


_UPDATABLE = {"--restart", "--memory", "--memory-swap", "--memory-reservation", "--cpus", "--cpu-shares", "--cpu-quota", "--cpu-period"}
_UPDATABLE |= {"--cpuset-cpus", "--cpuset-mems", "--pids-limit", "--blkio-weight"}


def update_flags(command: Any) -> Any:
    """Add the flags for what can change while a container runs. None of them has a default."""
    for names, setting, text in reversed([*_LIFE, *_LIMITS]):
        if _UPDATABLE & set(names):
            metavar = setting if isinstance(setting, str) else setting["metavar"]
            command = _option(names, metavar, text)(command)
    return command
