# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those that source this
# What the container can be told by its environment, and what holds where it is told nothing. README.md explains each
# variable. Sourced by whatever has to agree on them: the entrypoint, the health check, Patroni's bootstrap hook.

# Places that the image fixes.
readonly SOCKET_DIRECTORY=/run/postgresql # the server's socket
readonly RUNTIME_DIRECTORY=/run/container # configuration made at every start, 0700
readonly INITDB_DIRECTORY=/docker-entrypoint-initdb.d
readonly PATRONI_CONFIGURATION=$RUNTIME_DIRECTORY/patroni

# load_settings: gives every variable its default. Empty counts as not set, as in a compose file's `KEY=${KEY}`.
load_settings() {
    : "${SLEEP_MODE:=false}" "${USE_PATRONI:=false}"
    : "${LANG:=en_US.UTF-8}" "${PGDATA:=/var/lib/postgresql/data}" "${PGPORT:=5432}"
    : "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}"
    : "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}" "${POSTGRES_INITDB_ARGS:=}" "${POSTGRES_LISTEN_ADDRESSES:=*}"
    : "${REPLICATION_USER:=replicator}"
    : "${SHUTDOWN_TIMEOUT:=25}"
    export LANG PGDATA PGPORT POSTGRES_USER POSTGRES_DB

    # Patroni's own names where it has one. It takes everything else that it knows (PATRONI_LOG_LEVEL, …) from the
    # environment by itself.
    : "${PATRONI_SCOPE:=postgres}" "${PATRONI_NAME:=$HOSTNAME}" "${PATRONI_NAMESPACE:=/service}"
    : "${PATRONI_RESTAPI_LISTEN:=0.0.0.0:${PATRONI_RESTAPI_PORT:-8008}}"
    PATRONI_RESTAPI_PORT=${PATRONI_RESTAPI_LISTEN##*:}
    : "${PATRONI_RESTAPI_USERNAME:=}" "${PATRONI_TTL:=30}" "${PATRONI_LOOP_WAIT:=10}" "${PATRONI_RETRY_TIMEOUT:=10}"
    : "${ETCD_HOSTS:=${PATRONI_ETCD3_HOSTS-}}" "${ETCD_USERNAME:=}" "${NODE_ADDRESS:=}"
}

# container_mode: maintenance, patroni or postgresql.
container_mode() {
    if is_true "$SLEEP_MODE"; then
        echo maintenance
    elif is_true "$USE_PATRONI"; then
        echo patroni
    else
        echo postgresql
    fi
}

is_true() { [[ ${1,,} == @(true|yes|on|1) ]]; }
is_false() { [[ ${1,,} == @(false|no|off|0) ]]; }
