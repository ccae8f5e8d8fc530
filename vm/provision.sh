#!/bin/sh
# Make a machine ready for mydocker: a virtual machine, a CI runner, a laptop, a container that has only git, python3 and apt.
# It can be run again at any time; what is there already is left alone.
#
#   vm/provision.sh [PART...]     all parts, in this order, unless some are named:
#
#   packages   what is missing of the distribution's packages (Debian, Ubuntu)
#   python     Python 3.11 or later: the distribution's, or on Ubuntu 20.04 and 22.04 the deadsnakes archive's
#   mounts     /proc, /sys and the cgroup hierarchies, if nobody mounted them (CGROUP=v1 or v2 chooses; default v2)
#   modules    the overlay and aufs modules, if this kernel has them
#   install    mydocker in a virtual environment of its own, compiled, and the commands PREFIX/bin/mydocker and mydocker-oci
#   image      busybox:latest, made from the distribution's static busybox
#
# vm/provision.sh which     prints the Python that the part install would use, and does nothing
#
# PREFIX (default /usr/local), MYDOCKER_ROOT and MYDOCKER_STATE say where.
set -eu

PREFIX=${PREFIX:-/usr/local}
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
LIBRARY=$PREFIX/lib/mydocker
export DEBIAN_FRONTEND=noninteractive

say() { printf 'provision: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# A package, and the command or file that shows that it is there.
has_package() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

packages() {
    command -v apt-get >/dev/null || die "only Debian and Ubuntu are known here; install busybox-static, libseccomp2, nftables, iproute2 and tini yourself"
    missing=
    for package in busybox-static ca-certificates iproute2 kmod libseccomp2 mount nftables procps python3 python3-venv tini tar util-linux xz-utils zstd; do
        has_package "$package" || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    say "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# Print a Python that is new enough.
find_python() {
    for name in python3 python3.13 python3.12 python3.11; do
        path=$(command -v "$name") || continue
        if "$path" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$path"
            return 0
        fi
    done
    return 1
}

python() {
    find_python >/dev/null && return 0
    grep -qx 'ID=ubuntu' /etc/os-release || die "Python 3.11 or later is needed, and this distribution has none"
    say "installing Python 3.11 from the deadsnakes archive"
    apt-get install -y -qq --no-install-recommends software-properties-common >/dev/null
    add-apt-repository -y ppa:deadsnakes/ppa >/dev/null
    apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv >/dev/null
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

modules() {
    for module in overlay aufs; do
        if ! grep -qw "$module" /proc/filesystems && command -v modprobe >/dev/null; then
            modprobe -q "$module" || say "no $module in this kernel"
        fi
    done
}

install() {
    python=$(find_python) || die "Python 3.11 or later with venv is needed: run the parts packages and python first"
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
    launcher mydocker mydocker.cli.entry
    launcher mydocker-oci mydocker.oci.entry
}

# pip's own launcher imports re and site first; a container start has no time for them.
launcher() {
    cat > "$PREFIX/bin/$1.new" <<END
#!$LIBRARY/venv/bin/python -IS
import sys

sys.path.append("$libraries")
from $2 import main

main()
END
    chmod 755 "$PREFIX/bin/$1.new"
    mv "$PREFIX/bin/$1.new" "$PREFIX/bin/$1"
}

image() {
    mydocker=$PREFIX/bin/mydocker
    [ -z "$("$mydocker" images -q busybox:latest)" ] || return 0
    say "making the image busybox:latest"
    "$HERE/vm/busybox-image" | "$mydocker" import -c 'CMD ["sh"]' - busybox:latest >/dev/null
}

if [ "$*" = which ]; then
    find_python || die "Python 3.11 or later with venv is needed"
    exit 0
fi
[ "$(id -u)" = 0 ] || die "root is needed: sudo $0"
[ $# -gt 0 ] || set -- packages python mounts modules install image
for part; do
    case $part in
        packages | python | mounts | modules | install | image) "$part" ;;
        *) die "unknown part '$part': expected packages, python, mounts, modules, install or image" ;;
    esac
done
