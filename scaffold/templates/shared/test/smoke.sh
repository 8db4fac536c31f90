#!/bin/bash
# Runs in a container of the finished image, as its user: the modes start, answer, refuse and stop.
set -euo pipefail

readonly HEALTHCHECK=/opt/container/entrypoint.d/scripts/runtime/healthcheck.sh
work=$(mktemp -d)
log=$work/log
container=
trap 'status=$?; [[ -z $container ]] || kill "$container" || true; ((status == 0)) || cat "$log"; rm -rf "$work"' EXIT

export PGDATA=$work/data PGPORT=$((20000 + RANDOM % 20000))
password="an 'odd' \"one\" \\ \$HOME $(</proc/sys/kernel/random/uuid)"

fail() {
    echo "FAILED: $1"
    exit 1
}

# start NAME=VALUE...: the entrypoint with this environment, in the background, where a shell would have INT ignored. What
# is written here nobody needs on a disk.
start() {
    env --default-signal=INT POSTGRES_INITDB_ARGS=--no-sync "$@" /entrypoint.sh postgres -c fsync=off >"$log" 2>&1 &
    container=$!
}

await_health() {
    until pg_isready --quiet --host=/run/postgresql; do
        kill -0 "$container" 2>/dev/null || fail 'the container ends before it is healthy'
        sleep 0.2
    done
    "$HEALTHCHECK" >/dev/null || fail 'the server answers, and the container is not healthy'
}

# await_log TEXT
await_log() {
    until grep -qF "$1" "$log"; do
        kill -0 "$container" 2>/dev/null || fail "the container ends before it logs: $1"
        sleep 0.2
    done
}

# stop SIGNAL: it must end within 30 seconds, and say that all is well.
stop() {
    local pid=$container
    kill -s "$1" "$pid"
    timeout 30 tail --pid="$pid" -f /dev/null || fail "$1 does not stop the container"
    container=
    wait "$pid" || fail "the container ends with status $? after $1"
}

# query PASSWORD SQL: over TCP, as a client would.
query() {
    PGPASSWORD=$1 psql --no-psqlrc --host=127.0.0.1 --username=app --dbname=shop --tuples-only --no-align --command="$2"
}

# refused TEXT NAME=VALUE...: the container must not start, and its log must hold TEXT.
refused() {
    ! env "${@:2}" timeout 60 /entrypoint.sh >"$log" 2>&1 || fail "a container starts with: ${*:2}"
    grep -qF "$1" "$log" || fail "the reason is not given: $1"
}

echo '--- no server without passwords{{if .Patroni}}, or without etcd{{end}}'
refused POSTGRES_PASSWORD POSTGRES_PASSWORD=
refused POSTGRES_PASSWORD $'POSTGRES_PASSWORD=one\ntwo'
{{if .Patroni}}refused ETCD_HOSTS USE_PATRONI=true
refused USE_PATRONI USE_PATRONI=maybe
{{end}}[[ ! -e $PGDATA ]] || fail 'a container that does not start leaves data behind'

echo '--- a new cluster'
printf '%s\n' "$password" >"$work/password"
start POSTGRES_PASSWORD_FILE="$work/password" POSTGRES_USER=app POSTGRES_DB=shop
await_health
query "$password" 'SELECT version()'
locale=$(query "$password" 'SELECT datcollate FROM pg_database WHERE datname = current_database()')
[[ $locale == "$LANG" ]] || fail 'the cluster has another locale'
! query wrong 'SELECT 1' 2>/dev/null || fail 'any password will do'
! grep -qF "${password##* }" /proc/[0-9]*/cmdline "$log" 2>/dev/null || fail 'the password is in the open'
stop INT
! "$HEALTHCHECK" >/dev/null || fail 'healthy without a server'

echo '--- the same cluster again'
start POSTGRES_USER=app
await_health
query "$password" 'CREATE TABLE kept ()'
stop TERM
grep -q 'database system is shut down' "$log" || fail 'the server did not stop cleanly'

echo '--- maintenance'
start SLEEP_MODE=true
await_log 'no server is started' # healthy it is from the first moment on, before it can be stopped
env SLEEP_MODE=true "$HEALTHCHECK" || fail 'maintenance is not healthy'
stop TERM
{{if .Patroni}}
echo '--- Patroni'
patroni --version
{{end}}