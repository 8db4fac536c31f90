# shellcheck shell=bash
# Sourced by every script here: where things are, how to speak, and how a daemon is started, awaited and stopped.
# What is dear to make and safe to keep (tools, base images, the daemons' data) lies in the cache folder, shared by all
# clones of one user; what belongs to this clone (sockets, pids, logs, docker's configuration) lies in .dev.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgstrata
state=$root/.dev
# shellcheck disable=SC2034 # for those that source this
images=$cache/images registry=localhost:5000

export PATH=$cache/bin:$PATH
users_docker=$(declare -p DOCKER_CONFIG DOCKER_HOST BUILDKIT_HOST 2>/dev/null || true)
export BUILDKIT_HOST=unix://$state/buildkitd.sock
export DOCKER_HOST=unix://$state/docker.sock
export DOCKER_CONFIG=$state/docker

# as_user: what follows uses the docker of whoever calls, and not that of hack/up.
as_user() {
    unset DOCKER_CONFIG DOCKER_HOST BUILDKIT_HOST
    eval "${users_docker//declare -x/export}"
}

say() { printf '==> %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# quietly COMMAND...: shows what COMMAND printed only if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" &>"$log" || { status=$?; cat "$log" >&2; }
    rm -f "$log"
    return $status
}

# identity PID: the process and the moment it started, which no other process shares even when the pid comes round again.
# Nothing for a process that ended, be it that nobody took note (a zombie: not every machine's init reaps at once).
identity() { awk '$3 != "Z" {print $1, $22}' "/proc/$1/stat" 2>/dev/null; }

# running NAME: whether the daemon that this clone started under NAME is alive.
running() {
    local pid started
    read -r pid started 2>/dev/null <"$state/$1.pid" && [[ "$(identity "$pid")" == "$pid $started" ]]
}

# start NAME COMMAND...: runs COMMAND in a session of its own, so that it outlives this script and its process group.
start() {
    local name=$1
    shift
    ! running "$name" || return 0
    say "starting $name"
    setsid nohup "$@" </dev/null >"$state/$name.log" 2>&1 &
    identity $! >"$state/$name.pid"
}

# await NAME SECONDS COMMAND...: returns once COMMAND succeeds. If NAME ends or time is up, shows the end of its log.
await() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" &>/dev/null && running "$name"; do
        if ! running "$name" || ((SECONDS >= deadline)); then
            tail -n 30 "$state/$name.log" >&2
            die "$name does not answer (its log is $state/$name.log)"
        fi
        sleep 0.1
    done
}

# stop NAME: ends what start began, and waits until it is gone.
stop() {
    local name=$1 pid deadline=$((SECONDS + 30))
    if running "$name"; then
        say "stopping $name"
        read -r pid _ <"$state/$name.pid"
        kill "$pid"
        while running "$name"; do
            ((SECONDS < deadline)) || kill -KILL "$pid"
            sleep 0.1
        done
    fi
    rm -f "$state/$name.pid"
}

# oci_layout FOLDER CONFIG TAR: makes an OCI image layout of one layer, atomically. CONFIG is the image's "config" object.
oci_layout() {
    local layout=$1 config=$2 tar=$3 new arch created
    new=$(mktemp -d)
    mkdir -p "$new/blobs/sha256" "$(dirname "$layout")"
    arch=$(dpkg --print-architecture)
    created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)

    # blob MEDIATYPE: stores standard input, prints its descriptor.
    blob() {
        local digest
        cat >"$new/blob"
        digest=$(sha256sum <"$new/blob" | cut -d ' ' -f 1)
        printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$1" "$digest" "$(stat -c %s "$new/blob")"
        mv "$new/blob" "$new/blobs/sha256/$digest"
    }
    local type=application/vnd.oci.image layer manifest
    layer=$(gzip -n6 <"$tar" | blob $type.layer.v1.tar+gzip)
    config=$(printf '{"created":"%s","architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s"}]}' \
        "$created" "$arch" "$config" "$(sha256sum <"$tar" | cut -d ' ' -f 1)" "$created" | blob $type.config.v1+json)
    manifest=$(printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' \
        $type.manifest.v1+json "$config" "$layer" | blob $type.manifest.v1+json)
    printf '{"schemaVersion":2,"manifests":[%s]}' "$manifest" >"$new/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$new/oci-layout"
    mv -T "$new" "$layout"
}
