#!/usr/bin/env bash
# Bring clients of docker's API into a directory, for tests/integration/test_api*.py, which find them there by MYDOCKER_CLIENTS.
#
#   vm/clients.sh DIRECTORY
#
#   bin/          docker, docker-compose and docker-buildx of SUITE, from Debian's archive: newer ones than an older Debian's own
#   newest/       docker-compose of NEWEST
#   python/       docker-py, testcontainers, aiodocker and python-on-whales, for /usr/bin/python3
#   node_modules/ testcontainers, dockerode and @devcontainers/cli
#
# What cannot be had is named and left out; what is there stays. Nothing is installed outside of the directory.
set -uo pipefail

SUITE=trixie
NEWEST=sid
DEBIAN=(docker-cli docker-compose docker-buildx)
PYTHON=(docker testcontainers aiodocker python-on-whales)
# The next version of testcontainers needs Node 22.
NODE=(testcontainers@11 dockerode @devcontainers/cli)

say() { echo "clients: $*" >&2; }

[ $# = 1 ] || { say "expected the directory"; exit 2; }
mkdir -p "$1" && cd "$1" || exit 1
HERE=$PWD

# apt with a state of its own, as the caller: the user _apt may not enter the directory.
apt() {
    local program=$1
    shift
    "$program" -qq -o Dir::State="$HERE/apt/state" -o Dir::Cache="$HERE/apt/cache" -o Dir::Etc::SourceList="$HERE/apt/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

# debian SUITE DIRECTORY PACKAGE...: put the programs of packages into a directory.
debian() {
    local suite=$1 into=$2 keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive
    shift 2
    # shellcheck disable=SC2016 # apt's variable
    archive=${MYDOCKER_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/*$')} || return 1
    rm -rf deb apt && mkdir -p apt/state/lists/partial apt/cache/archives/partial deb "$into" || return 1
    echo "deb [signed-by=$keyring] $archive $suite main" > apt/sources.list
    apt apt-get update && (cd deb && apt apt-get download "$@") || return 1
    local package
    for package in deb/*.deb; do
        dpkg-deb -x "$package" deb/root || return 1
    done
    find deb/root/usr -type f -perm -u+x -exec mv {} "$into" \; && rm -rf deb apt
}

python() { /usr/bin/python3 -m pip install -qq --disable-pip-version-check --root-user-action ignore --target python "${PYTHON[@]}"; }

node() { npm install --silent --no-audit --no-fund --no-save --prefix . "${NODE[@]}"; }

[ -x bin/docker-compose ] || debian "$SUITE" bin "${DEBIAN[@]}" || say "nothing of Debian's $SUITE could be had: tests of newer clients are skipped"
[ -x newest/docker-compose ] || debian "$NEWEST" newest docker-compose || say "Debian's $NEWEST has no docker-compose: tests of it are skipped"
[ -d python/docker ] || python || say "${PYTHON[*]} could not be installed: their tests are skipped"
[ -d node_modules/dockerode ] || { command -v npm > /dev/null && node; } || say "${NODE[*]} could not be installed: their tests are skipped"
