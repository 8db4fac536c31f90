# Helpers for the setup scripts. Sourced, never run.
# shellcheck shell=bash

BUILD_ROOT="${BUILD_ROOT:-/temp}"
PG_PREFIX=/usr/local/pgsql

log_info() { printf '[%s] %s\n' "$(date +%T)" "$*"; }

die() {
    echo "error: $*" >&2
    exit 1
}

retry() {
    local attempts="$1"
    shift
    local i
    for ((i = 1; i <= attempts; i++)); do
        if "$@"; then
            return 0
        fi
        sleep "$((i * 2))"
    done
    die "failed after ${attempts} attempts: $*"
}

install_packages() {
    retry 3 apt-get update
    apt-get install -y --no-install-recommends "$@"
}

unused_helper() {
    yum install -y "$1"
}
