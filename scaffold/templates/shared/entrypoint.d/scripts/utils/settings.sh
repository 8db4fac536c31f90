# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those that source this
# What the container can be told by its environment, and what holds where it is told nothing. Each variable is explained in
# {{.README}}.
#
# Sourced by whatever has to agree on them: the entrypoint{{if .Patroni}}, the health check, Patroni's hooks{{else}} and the health check{{end}}.

# Places that the image fixes.
readonly SOCKET_DIRECTORY=/run/postgresql # the server's socket
readonly RUNTIME_DIRECTORY=/run/container # configuration made at every start, for nobody else to read
readonly INITDB_DIRECTORY=/docker-entrypoint-initdb.d
{{if .Patroni}}readonly PATRONI_DIRECTORY=$RUNTIME_DIRECTORY/patroni
{{end}}readonly BACKUP_CONFIGURATION=$RUNTIME_DIRECTORY/pgbackrest.conf
readonly POOLER_CONFIGURATION=$RUNTIME_DIRECTORY/pgbouncer.ini
readonly BACKUP_STATUS=$RUNTIME_DIRECTORY/backup-status
{{if .Patroni}}readonly PATRONI_NODE=$RUNTIME_DIRECTORY/patroni-node.sh # what Patroni's merged configuration says
{{end}}
load_modes() { : "${SLEEP_MODE:=false}"{{if .Patroni}} "${USE_PATRONI:=false}"{{end}} "${MODE:=}"; }

# load_settings: gives every variable its default. Empty counts as not set, as in a compose file's `KEY=${KEY}`.
load_settings() {
    load_modes
    : "${LANG:=en_US.UTF-8}" "${PGDATA:=/var/lib/postgresql/data}" "${PGPORT:=5432}"
    : "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}" "${POSTGRES_PASSWORD:=}"
    : "${POSTGRES_HOST_AUTH_METHOD:=scram-sha-256}" "${POSTGRES_LISTEN_ADDRESSES:=*}"
    : "${POSTGRES_INITDB_ARGS:=}" "${POSTGRES_INITDB_WALDIR:=}"
    : "${REPLICATION_USER:=replicator}" "${REPLICATION_PASSWORD:=}"
    : "${SHUTDOWN_TIMEOUT:=25}" "${UPGRADE_METHOD:=copy}"
    PGDATA=${PGDATA%/}
    export LANG PGDATA PGPORT POSTGRES_USER POSTGRES_DB

{{if .Patroni}}    # Patroni's own names where it has one. It takes everything else that it knows (PATRONI_LOG_LEVEL, …) from the
    # environment by itself.
    : "${PATRONI_SCOPE:=postgres}" "${PATRONI_NAME:=$HOSTNAME}" "${PATRONI_NAMESPACE:=/service}"
    : "${PATRONI_RESTAPI_LISTEN:=0.0.0.0:${PATRONI_RESTAPI_PORT:-8008}}"
    PATRONI_RESTAPI_PORT=${PATRONI_RESTAPI_LISTEN##*:}
    : "${PATRONI_RESTAPI_USERNAME:=}" "${PATRONI_TTL:=30}" "${PATRONI_LOOP_WAIT:=10}" "${PATRONI_RETRY_TIMEOUT:=10}"
    : "${PATRONI_SYNCHRONOUS_MODE:=false}" "${PATRONI_SYNCHRONOUS_MODE_STRICT:=false}" "${PATRONI_SYNCHRONOUS_NODE_COUNT:=1}"
    : "${PATRONI_FAILSAFE_MODE:=false}" "${PATRONI_WATCHDOG_MODE:=automatic}"
    : "${PATRONI_SUPERUSER_PASSWORD:=}" "${PATRONI_REPLICATION_PASSWORD:=}"
    : "${ETCD_HOSTS:=}" "${ETCD_USERNAME:=}" "${NODE_ADDRESS:=}"
    : "${PGBACKREST_STANZA:=$PATRONI_SCOPE}"
{{end}}    load_backup_settings
    load_pooler_settings
}

# load_backup_settings: of which some can be empty.
load_backup_settings() {
    : "${BACKUP:=none}" "${PGBACKREST_STANZA:=postgres}" "${BACKUP_ARCHIVE_TIMEOUT:=60}"
    : "${BACKUP_FULL_EVERY=7d}" "${BACKUP_DIFF_EVERY=1d}" "${BACKUP_INCR_EVERY=}"
    : "${RESTORE:=}" "${RESTORE_STANZA:=$PGBACKREST_STANZA}"
}

load_pooler_settings() {
    : "${PGBOUNCER_UPSTREAM:=}" "${PGBOUNCER_AUTH_USER:=pgbouncer}" "${PGBOUNCER_PASSWORD:=}" "${PGBOUNCER_LISTEN_PORT:=6432}"
}

{{if .Patroni}}# load_patroni_node: the same as Patroni's merged configuration has it, for those that Patroni calls: it takes its own
# variables out of their environment.
load_patroni_node() {
    # shellcheck source=/dev/null # made by start_patroni
    . "$PATRONI_NODE"
    load_settings
}

{{end}}# container_mode: what MODE names, otherwise maintenance{{if .Patroni}}, patroni{{end}} or postgresql.
container_mode() {
    if is_true "$SLEEP_MODE"; then
        echo maintenance
    elif [[ -n $MODE ]]; then
        echo "$MODE"
{{if .Patroni}}    elif is_true "$USE_PATRONI"; then
        echo patroni
{{end}}    else
        echo postgresql
    fi
}

wants_backup() { [[ $BACKUP == pgbackrest ]]; }

is_true() { [[ ${1,,} == @(true|yes|on|1) ]]; }
is_false() { [[ ${1,,} == @(false|no|off|0) ]]; }
