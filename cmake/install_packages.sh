#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: cmake/install_packages.sh [--optional] <Debian package>...
#
# Installs those of the packages that are missing, with apt (through sudo where not root). Where that cannot be
# done it names them and exits with 2. --optional: says so, and exits with 1, for the caller to go on without.
# LOCKSTEP_PACKAGES=installed in the environment: the tools and libraries are there in some other way.
set -euo pipefail

optional=no
if [[ ${1-} == --optional ]]; then
    optional=yes
    shift
fi

if [[ ${LOCKSTEP_PACKAGES-} == installed ]]; then exit 0; fi

give_up() {
    if [[ $optional == yes ]]; then
        echo "lockstep: $1; goes on without: ${missing[*]}" >&2
        exit 1
    fi
    echo "lockstep: $1. Install these Debian packages, or what your system calls them:" >&2
    printf '    %s\n' "${missing[@]}" >&2
    echo "and run this again with LOCKSTEP_PACKAGES=installed." >&2
    exit 2
}

missing=("$@")
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    give_up "this system has no apt"
fi

missing=()
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [[ $status != installed ]]; then missing+=("$package"); fi
done
if (( ${#missing[@]} == 0 )); then exit 0; fi

as_root=()
if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then give_up "not root, and there is no sudo"; fi
    as_root=(sudo)
fi

echo "lockstep: installs ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install)
if ! { "${as_root[@]}" apt-get -q update && "${install[@]}" "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    give_up "apt-get failed"
fi
