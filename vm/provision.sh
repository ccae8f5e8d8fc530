#!/bin/sh
# Make a machine ready for mydocker: a virtual machine, a CI runner, a laptop, a container that has only git, python3 and apt.
# It can be run again at any time; what is there already is left alone.
#
#   vm/provision.sh [PART...]     all parts, in this order, unless some are named:
#
#   packages   what is missing of the distribution's packages (Debian, Ubuntu)
#   python     Python 3.11 or later: the distribution's; on Ubuntu 22.04 the deadsnakes archive's; elsewhere (Debian 11; Ubuntu 20.04, which
#              deadsnakes dropped after its end of life) uv fetches one into PREFIX/lib/mydocker/python
#   mounts     /proc, /sys and the cgroup hierarchies, if nobody mounted them (CGROUP=v1 or v2 chooses; default v2)
#   modules    the overlay and aufs modules, if this kernel has them; on Ubuntu aufs is in the package linux-modules-extra-KERNEL
#   install    mydocker in a virtual environment of its own, compiled, and the commands PREFIX/bin/mydocker and mydocker-oci
#   service    at boot, start the containers with --restart always or unless-stopped: a unit of systemd, or a script for /etc/init.d;
#              with systemd also the units of the Engine API, which wait for `systemctl enable --now mydocker-api.socket`
#   image      busybox:latest, made from the distribution's static busybox
#   tests      what the tests import, in another virtual environment, PREFIX/lib/mydocker/tests; only when it is named
#
# vm/provision.sh which     prints the Python that the part install would use, and does nothing
# vm/provision.sh wants     prints the packages that the part packages would install, and does nothing
#
# PREFIX (default /usr/local), ETC (default /etc), MYDOCKER_ROOT and MYDOCKER_STATE say where, PYTHON (default /usr/bin/python3) which
# interpreter is asked first.
set -eu

PREFIX=${PREFIX:-/usr/local}
ETC=${ETC:-/etc}
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
LIBRARY=$PREFIX/lib/mydocker
PYTHON=${PYTHON:-/usr/bin/python3}
PACKAGES="busybox-static ca-certificates iproute2 kmod libseccomp2 mount nftables procps python3 python3-venv tini tar util-linux xz-utils zstd"
export DEBIAN_FRONTEND=noninteractive

say() { printf 'provision: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# A package, and the command or file that shows that it is there.
has_package() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

packages() {
    command -v apt-get >/dev/null || die "only Debian and Ubuntu are known here; install busybox-static, libseccomp2, nftables, iproute2 and tini yourself"
    missing=
    for package in $PACKAGES; do
        has_package "$package" || missing="$missing $package"
    done
    [ -z "$missing" ] || fetched "$missing"
    # Ubuntu 20.04's nft 0.9.3 has no maps of ports: mydocker takes iptables there.
    nft_has_maps || has_package iptables || fetched iptables
}

fetched() {
    say "installing $1"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -qq --no-install-recommends $1 >/dev/null
}

# A map and a rule of the kind that mydocker/network/nft.py has. Nothing is changed.
nft_has_maps() {
    nft --check -f - 2>/dev/null <<'END'
table inet mydocker-trial {
    map any { type inet_proto . inet_service : ipv4_addr . inet_service; }
    chain to {
        type nat hook prerouting priority -100;
        meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any
    }
}
END
}

# Print a Python that is new enough: the distribution's before others, whose modules it has built in, and one that everybody may execute
# before one that lies, say, in root's home.
find_python() {
    for who in everybody me; do
        for name in "$PYTHON" python3 python3.13 python3.12 python3.11 "$LIBRARY"/python/*/bin/python3; do
            path=$(command -v "$name") || continue
            if executes $who "$path"; then
                echo "$path"
                return 0
            fi
        done
    done
    return 1
}

executes() {
    program='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
    if [ "$1" = everybody ] && [ "$(id -u)" = 0 ]; then
        # By way of a shell: setpriv itself still finds what only root may look for.
        # shellcheck disable=SC2016 # for that shell
        setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '"$0" -I -c "$1"' "$2" "$program" 2>/dev/null
    else
        "$2" -I -c "$program" 2>/dev/null
    fi
}

python() {
    find_python >/dev/null && return 0
    ! grep -qx 'VERSION_CODENAME=jammy' /etc/os-release || deadsnakes
    find_python >/dev/null || python_by_uv
    find_python >/dev/null || die "Python 3.11 or later is needed, and none could be installed: install one as python3.11 or in $LIBRARY/python/*/bin"
}

deadsnakes() {
    say "installing Python 3.11 from the deadsnakes archive"
    if ! { apt-get install -y -qq --no-install-recommends software-properties-common >/dev/null &&
        add-apt-repository -y ppa:deadsnakes/ppa >/dev/null &&
        apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv >/dev/null; }; then
        say "deadsnakes has none"
        add-apt-repository -y --remove ppa:deadsnakes/ppa >/dev/null 2>&1 || true # or apt-get update would fail from now on
    fi
}

# A build for any distribution; uv, which fetches it, comes from where pip gets its packages and is not kept.
python_by_uv() {
    say "installing Python 3.11 with uv"
    tools=$(mktemp -d)
    if ! { python3 -m venv "$tools" && "$tools/bin/python" -m pip install -q --upgrade pip && "$tools/bin/python" -m pip install -q uv &&
        UV_PYTHON_INSTALL_DIR="$LIBRARY/python" "$tools/bin/uv" python install 3.11; }; then
        say "uv could not install Python 3.11"
    fi
    rm -rf "$tools"
}

is_mounted() { grep -q " $1 " /proc/self/mounts 2>/dev/null; }

mounts() {
    [ -e /proc/self/mounts ] || mount -t proc proc /proc || die "/proc cannot be mounted here: mount it from outside"
    [ -d /sys/kernel ] || mount -t sysfs sysfs /sys || die "/sys cannot be mounted here: mount it from outside"
    grep -qE ' (cgroup|cgroup2) ' /proc/self/mounts && return 0
    if [ "${CGROUP:-v2}" = v2 ]; then
        say "mounting cgroup version 2"
        mount -t cgroup2 cgroup2 /sys/fs/cgroup || die "cgroup2 cannot be mounted here"
        return 0
    fi
    say "mounting cgroup version 1"
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
        mkdir -p "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
    done
}

has_module() { grep -qw "$1" /proc/filesystems || modprobe -q "$1"; }

modules() {
    command -v modprobe >/dev/null || return 0
    has_module overlay || say "no overlay in this kernel"
    has_module aufs || { extra_modules && has_module aufs; } || say "no aufs in this kernel"
}

# Ubuntu's images leave out the modules that few need; where the archive has no such package, there is nothing to install.
extra_modules() {
    package=linux-modules-extra-$(uname -r)
    has_package "$package" && return 1
    if ! apt-cache show "$package" >/dev/null 2>&1; then
        # The archive keeps the modules of its newest kernels only, and those of HWE kernels have no aufs.
        ! grep -qx 'ID=ubuntu' /etc/os-release ||
            say "the archive has no $package: for aufs on Ubuntu 20.04, apt-get install linux-image-generic (5.4), reboot into it, and run this again"
        return 1
    fi
    say "installing $package"
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null || die "$package could not be installed"
}

install() {
    python=$(find_python) || die "Python 3.11 or later with venv is needed: run the parts packages and python first"
    executes everybody "$python" || say "warning: only $(id -un) may execute $python, so nobody else will be able to use mydocker"
    mkdir -p "$LIBRARY" "$PREFIX/bin"
    [ -x "$LIBRARY/venv/bin/python" ] || "$python" -m venv "$LIBRARY/venv"
    say "installing mydocker in $LIBRARY/venv"
    # A copy, because building leaves files in the tree that it builds from.
    source=$(mktemp -d)
    cp -R "$HERE/mydocker" "$HERE/pyproject.toml" "$HERE/README.md" "$source/"
    "$LIBRARY/venv/bin/python" -m pip install -q --disable-pip-version-check --root-user-action ignore --compile --upgrade "$source" \
        || { rm -rf "$source"; die "pip could not install mydocker and its libraries"; }
    rm -rf "$source"
    libraries=$("$LIBRARY/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # Compiled here too, for whoever set PYTHONDONTWRITEBYTECODE: without bytecode every start is several times slower.
    "$LIBRARY/venv/bin/python" -m compileall -q "$libraries" || die "the installed modules cannot be compiled"
    "$LIBRARY/venv/bin/python" -I -m mydocker.freeze || die "the modules of each verb cannot be written to one file"
    launcher mydocker mydocker.cli.entry
    launcher mydocker-oci mydocker.oci.entry
}

launcher() {
    "$LIBRARY/venv/bin/python" -I -c 'import sys; from mydocker.native import command; sys.stdout.buffer.write(command(*sys.argv[1:]))' \
        "$LIBRARY/venv/bin/python" "$2" "$libraries" > "$PREFIX/bin/$1.new" || die "the command $1 cannot be written"
    chmod 755 "$PREFIX/bin/$1.new"
    mv "$PREFIX/bin/$1.new" "$PREFIX/bin/$1"
}

# Enabled, and not started: what is to run already does, or waits for the next boot.
service() {
    if command -v systemctl >/dev/null; then
        service_file "$ETC/systemd/system/mydocker.service" "$HERE/vm/mydocker.service" 644
        systemctl --quiet enable mydocker.service || die "mydocker.service cannot be enabled"
        # Not enabled: whoever may use the socket is root here, and that is for root to decide.
        for unit in mydocker-api.socket mydocker-api.service; do
            service_file "$ETC/systemd/system/$unit" "$HERE/vm/$unit" 644
        done
        getent group docker >/dev/null || sed -i '/^SocketGroup=/d' "$ETC/systemd/system/mydocker-api.socket"
    elif command -v update-rc.d >/dev/null; then
        service_file "$ETC/init.d/mydocker" "$HERE/vm/mydocker.init" 755
        update-rc.d mydocker defaults || die "$ETC/init.d/mydocker cannot be enabled"
    else
        say "neither systemd nor update-rc.d is here: have 'mydocker system boot' called at boot"
    fi
}

service_file() {
    mkdir -p "$(dirname "$1")"
    sed "s|@PREFIX@|$PREFIX|" "$2" > "$1.new" || die "$1 cannot be written"
    chmod "$3" "$1.new"
    mv "$1.new" "$1"
}

image() {
    mydocker=$PREFIX/bin/mydocker
    [ -z "$("$mydocker" images -q busybox:latest)" ] || return 0
    say "making the image busybox:latest"
    "$HERE/mydocker/engine/system/busybox-image" | "$mydocker" import -c 'CMD ["sh"]' - busybox:latest >/dev/null
}

tests() {
    python=$(find_python) || die "Python 3.11 or later with venv is needed: run the parts packages and python first"
    mkdir -p "$LIBRARY"
    [ -x "$LIBRARY/tests/bin/python" ] || "$python" -m venv "$LIBRARY/tests"
    "$python" "$HERE/vm/requirements.py" test > "$LIBRARY/tests/requirements.txt"
    "$LIBRARY/tests/bin/python" -m pip install -q --disable-pip-version-check --root-user-action ignore -r "$LIBRARY/tests/requirements.txt" \
        || die "pip could not install what the tests import"
}

case $* in
    which) find_python || die "Python 3.11 or later with venv is needed"; exit 0 ;;
    wants) echo "$PACKAGES"; exit 0 ;;
esac
[ "$(id -u)" = 0 ] || die "root is needed: sudo $0"
whole=
[ $# -gt 0 ] || { whole=yes; set -- packages python mounts modules install service image; }
for part; do
    case $part in
        packages | python | mounts | modules | install | service | image | tests) "$part" ;;
        *) die "unknown part '$part': expected packages, python, mounts, modules, install, service, image or tests" ;;
    esac
done
[ -z "$whole" ] || say "done; begin with: mydocker run -ti busybox sh"
