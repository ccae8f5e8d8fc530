"""The flags of run, create and update, under docker's names."""

from __future__ import annotations

from mydocker.cli.verb import ANY, argument, meaningless, option, refused, switch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mydocker.cli.verb import Argument, Flag

# What docker's verbs about images take, too.
NO_TRUST = meaningless("--disable-content-trust", why="no signature of an image is checked here")
OF_PLATFORM = option("--platform", metavar="OS/ARCH[/VARIANT]", default="", help="Only if the image is for that one: it has one here.")
_LEVELS = "debug: as --debug; error and fatal: no warnings [info]."
_TLS = ("--tls", "--tlsverify", "--tlscacert", "--tlscert", "--tlskey")
ISOLATION = meaningless("--isolation", why="Linux has only this one", values=("default", ""))

_NO_DAEMON = "there is no daemon: mydocker works on this machine's files"

# The options before the verb.
GLOBAL = (
    option("--root", metavar="DIR", help="What survives a reboot [/var/lib/mydocker, or MYDOCKER_ROOT]."),
    option("--state", metavar="DIR", help="What a reboot ends [/run/mydocker, or MYDOCKER_STATE]."),
    option("--config", metavar="DIR", help="Where docker's config.json with the credentials is [~/.docker, or DOCKER_CONFIG]."),
    switch("-D", "--debug", help="Print the traceback of an error that nobody foresaw."),
    option("-l", "--log-level", choices=("debug", "info", "warn", "error", "fatal"), default="info", help=_LEVELS),
    meaningless("-c", "--context", why="there is one, this machine", values=("default", "")),
    refused("-H", "--host", why=_NO_DAEMON),
    *(refused(name, why=_NO_DAEMON, takes_value=name.startswith("--tlsc") or name == "--tlskey") for name in _TLS),
)

KERNEL_MEMORY = meaningless("--kernel-memory", why="the kernel has no such limit any more", metavar="SIZE")
_WINDOWS = ("--cpu-count", "--cpu-percent", "--io-maxbandwidth", "--io-maxiops")
_REAL_TIME = tuple(
    refused(name, why="every cgroup above would have to give up real time for it first") for name in ("--cpu-rt-period", "--cpu-rt-runtime")
)
# What docker's run and create take, too.
_REFUSED = (
    *_REAL_TIME,
    *(refused(name, why="it is for Windows") for name in _WINDOWS),
    refused("--storage-opt", why="no storage driver here has a quota"),
    refused("--use-api-socket", why="-v mounts the socket, for whoever may have the whole machine", takes_value=False),
)
_IGNORED = (
    KERNEL_MEMORY,
    meaningless("--volume-driver", why="there is no other driver", values=("local", "")),
)

_RUN_ONLY = (
    switch("-d", "--detach", help="Run in the background and print the container's id."),
    option("--detach-keys", default="ctrl-p,ctrl-q", metavar="KEYS", help="Keys that detach from a terminal [ctrl-p,ctrl-q]."),
    switch("--sig-proxy/--no-sig-proxy", default=True, help="Pass signals on to the container, without a terminal [yes]."),
)
_LOG_DRIVERS = ("json-file", "local", "journald", "syslog", "none")
_LIFE = (
    option("-a", "--attach", many=True, metavar="STREAM", help="Attach stdin, stdout or stderr."),
    switch("--rm", "remove", help="Remove the container when it ends."),
    switch("-i", "--interactive", help="Keep standard input open."),
    switch("-t", "--tty", help="Give it a terminal."),
    option("--name", metavar="NAME", help="Its name."),
    option("--cidfile", metavar="FILE", help="Write its id to a new file."),
    option("--restart", default="no", metavar="POLICY", help="no, on-failure[:N], always or unless-stopped [no]."),
    option("--log-driver", choices=_LOG_DRIVERS, default="json-file", help="Where its output is kept, or goes to, too [json-file]."),
    option(
        "--log-opt",
        many=True,
        metavar="NAME=VALUE",
        help="max-size=SIZE, max-file=N, labels=NAME,…, env=NAME,…; syslog-address=URL, tag=TEXT.",
    ),
    switch("--init", help="Run a small init as pid 1 that forwards signals and reaps processes."),
    option("--stop-signal", metavar="SIGNAL", help="The signal that stops it."),
    option("--stop-timeout", metavar="SECONDS", help="How long a stop waits before SIGKILL."),
    option("--pull", choices=("missing", "never", "always"), default="missing", help="When to pull the image [missing]."),
    switch("-q", "--quiet", help="Pull without a word."),
    option("--platform", metavar="OS/ARCH", help="The image's platform; only this host's own can run."),
    option("--runtime", metavar="NAME|PATH", help="The OCI runtime: mydocker, crun, runc or a path [mydocker]."),
    option("--storage-driver", metavar="NAME", help="overlay, aufs or vfs [MYDOCKER_STORAGE_DRIVER, or the best that works]."),
)
_HEALTH = (
    option("--health-cmd", metavar="COMMAND", help="A shell command that says by its exit status whether it is healthy."),
    option("--health-interval", metavar="DURATION", help="Time between checks [30s]."),
    option("--health-timeout", metavar="DURATION", help="How long a check may take [30s]."),
    option("--health-retries", metavar="N", help="Failures in a row that make it unhealthy [3]."),
    option("--health-start-period", metavar="DURATION", help="Time to start up in, when failures do not count [0s]."),
    option("--health-start-interval", metavar="DURATION", help="Time between checks in the start period [5s]."),
    switch("--no-healthcheck", help="Do not run the image's checks."),
)
_COMMAND = (
    option("-e", "--env", many=True, metavar="NAME[=VALUE]", help="Set a variable, or take it from here."),
    option("--env-file", many=True, metavar="FILE", help="Read variables from a file."),
    option("-w", "--workdir", metavar="DIR", help="Working directory."),
    option("-u", "--user", metavar="USER[:GROUP]", help="User and group, names or numbers."),
    option("--group-add", many=True, metavar="GROUP", help="Another group."),
    option("-h", "--hostname", metavar="NAME", help="Host name [the first 12 digits of its id]."),
    option("--domainname", metavar="NAME", help="NIS domain name."),
    option("--entrypoint", metavar="PROGRAM", help="Replace the image's entrypoint."),
    option("-l", "--label", many=True, metavar="KEY[=VALUE]", help="Set a label."),
    option("--label-file", many=True, metavar="FILE", help="Read labels from a file."),
    option("--annotation", many=True, metavar="KEY=VALUE", help="Add an OCI annotation."),
)
_LIMITS = (
    option("-m", "--memory", metavar="SIZE", help="Memory limit."),
    option("--memory-swap", metavar="SIZE", help="Memory and swap together; -1 for no limit."),
    option("--memory-reservation", metavar="SIZE", help="What it gets back to when memory is short."),
    option("--memory-swappiness", metavar="0-100", help="How readily its pages are swapped (cgroup v1)."),
    switch("--oom-kill-disable", help="Let it wait instead of being killed for want of memory (cgroup v1)."),
    option("--oom-score-adj", metavar="-1000-1000", help="How soon the host's OOM killer takes it."),
    option("--cpus", metavar="NUMBER", help="How many CPUs' time it may use."),
    option("-c", "--cpu-shares", metavar="WEIGHT", help="Its share where CPUs are short [1024]."),
    option("--cpu-quota", metavar="MICROSECONDS", help="CPU time in each period."),
    option("--cpu-period", metavar="MICROSECONDS", help="Length of a period [100000]."),
    option("--cpuset-cpus", metavar="LIST", help="CPUs that it may use, such as 0-2,7."),
    option("--cpuset-mems", metavar="LIST", help="Memory nodes that it may use."),
    option("--pids-limit", metavar="NUMBER", help="How many processes and threads; -1 for no limit."),
    option("--blkio-weight", metavar="10-1000", help="Its share of block i/o."),
    option("--blkio-weight-device", many=True, metavar="PATH:WEIGHT", help="Its share of one device."),
    option("--device-read-bps", many=True, metavar="PATH:SIZE", help="Bytes per second that it may read."),
    option("--device-write-bps", many=True, metavar="PATH:SIZE", help="Bytes per second that it may write."),
    option("--device-read-iops", many=True, metavar="PATH:N", help="Reads per second."),
    option("--device-write-iops", many=True, metavar="PATH:N", help="Writes per second."),
    option("--ulimit", many=True, metavar="NAME=SOFT[:HARD]", help="A resource limit of each process."),
    option("--shm-size", metavar="SIZE", help="Size of /dev/shm [64m]."),
    option("--cgroup-parent", metavar="PATH", help="Where its cgroup is made [/mydocker]."),
    option("--cgroupns", choices=("private", "host"), default="private", help="Its cgroup namespace [private]."),
)
_FILES = (
    option("-v", "--volume", many=True, metavar="[SOURCE:]DIR[:OPTIONS]", help="Mount a host directory or a volume."),
    option("--mount", many=True, metavar="type=TYPE,…", help="Mount a bind, volume or tmpfs."),
    option("--tmpfs", many=True, metavar="DIR[:OPTIONS]", help="Mount a tmpfs."),
    option("--volumes-from", many=True, metavar="CONTAINER[:ro]", help="Mount what another container mounts."),
    switch("--read-only", help="Make its root file system read-only."),
    option("--device", many=True, metavar="HOST[:DIR[:rwm]]|NAME", help="Give it a device of the host, or one by its CDI name."),
    option("--gpus", many=True, metavar="all|N|device=ID", help="GPUs, by the CDI specification of nvidia.com/gpu."),
    option("--device-cgroup-rule", many=True, metavar="RULE", help="Allow devices, such as 'c 1:3 rwm'."),
)
_NETWORK = (
    option("--network", "--net", many=True, metavar="NETWORK", help="bridge, none, host, container:NAME or a network of yours [bridge]."),
    option("--ip", metavar="ADDRESS", help="Its IPv4 address in a network of yours."),
    option("--ip6", metavar="ADDRESS", help="Its IPv6 address there."),
    option("--link-local-ip", many=True, metavar="ADDRESS", help="One more address of it, which reaches only its first network."),
    option("--mac-address", metavar="ADDRESS", help="Its MAC address."),
    option("--network-alias", "--net-alias", many=True, metavar="NAME", help="One more name of it in a network of yours."),
    option("--link", many=True, metavar="CONTAINER[:ALIAS]", help="A name that only it has for another container."),
    option("-p", "--publish", many=True, metavar="[[IP:]PORT:]PORT[/PROTOCOL]", help="Publish a port, or a range, on the host."),
    switch("-P", "--publish-all", help="Publish every exposed port on some free port."),
    option("--expose", many=True, metavar="PORT[/PROTOCOL]", help="Say that it serves a port."),
    option("--dns", many=True, metavar="ADDRESS", help="Name server [the host's]."),
    option("--dns-search", many=True, metavar="DOMAIN", help="Domain that names are looked up in; . for none."),
    option("--dns-option", "--dns-opt", many=True, metavar="OPTION", help="Option of resolv.conf."),
    option("--add-host", many=True, metavar="NAME:ADDRESS", help="One more line in /etc/hosts; host-gateway is the host's address."),
)
_CONFINEMENT = (
    option("--cap-add", many=True, metavar="NAME", help="Add a capability, or ALL."),
    option("--cap-drop", many=True, metavar="NAME", help="Drop a capability, or ALL."),
    option(
        "--security-opt",
        many=True,
        metavar="OPTION",
        help="seccomp=FILE|unconfined, no-new-privileges, apparmor=PROFILE, systempaths=unconfined, label=disable.",
    ),
    switch("--privileged", help="Give it all capabilities and devices, and confine nothing."),
    option("--userns", metavar="MODE", help="host, auto or CONTAINER-ID:HOST-ID:SIZE [host]."),
    option("--pid", metavar="MODE", help="host or container:NAME."),
    option("--ipc", metavar="MODE", help="private, shareable, none, host or container:NAME."),
    option("--uts", metavar="MODE", help="host or container:NAME."),
    option("--sysctl", many=True, metavar="KEY=VALUE", help="Set a namespaced kernel parameter."),
)

_WORDS = argument("words", "IMAGE [COMMAND] [ARGUMENT...]", ANY)

# What create takes, and run, which takes some more.
CREATE: tuple[Flag | Argument, ...] = (
    *_LIFE,
    *_HEALTH,
    *_COMMAND,
    *_LIMITS,
    *_FILES,
    *_NETWORK,
    *_CONFINEMENT,
    NO_TRUST,
    ISOLATION,
    *_IGNORED,
    *_REFUSED,
    _WORDS,
)
RUN: tuple[Flag | Argument, ...] = (*CREATE, *_RUN_ONLY)

_UPDATABLE = {"--restart", "--memory", "--memory-swap", "--memory-reservation", "--cpus", "--cpu-shares", "--cpu-quota", "--cpu-period"}
_UPDATABLE |= {"--cpuset-cpus", "--cpuset-mems", "--pids-limit", "--blkio-weight"}

# What can change while a container runs. None of it has a default.
UPDATE = (
    *(option(*flag.names, metavar=flag.metavar, help=flag.help) for flag in (*_LIFE, *_LIMITS) if _UPDATABLE & set(flag.names)),
    *_REAL_TIME,
    KERNEL_MEMORY,
)
