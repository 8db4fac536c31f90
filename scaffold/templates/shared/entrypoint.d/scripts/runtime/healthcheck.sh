#!/bin/bash
# The image's health check: does the server of the container's mode answer? Prints why, for `docker inspect`.
set -euo pipefail

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/settings.sh
. "$SCRIPTS/utils/settings.sh"

# check_postgresql: accepting connections, neither starting nor recovering. One whose connections are all taken does: it
# answers that they are.
check_postgresql() {
    pg_isready --host="$SOCKET_DIRECTORY" --port="$PGPORT" --username="$POSTGRES_USER" --dbname=postgres --timeout=5
}

{{if .Patroni}}# check_patroni: Patroni is alive, and works on its server, or the server answers.
check_patroni() {
    local status=0
    [[ -e $PATRONI_NODE ]] || {
        echo 'the node is not configured yet'
        return 1
    }
    set -o allexport
    load_patroni_node
    set +o allexport
    unset POSTGRES_PASSWORD REPLICATION_PASSWORD PGBOUNCER_PASSWORD
    python3 -I -S "$SCRIPTS/runtime/patroni-health.py" || status=$?
    ((status == 3)) || return "$status"
    check_postgresql
}

{{end}}# tell_backup: how backups go. A server without one is healthy all the same.
tell_backup() {
    ! wants_backup || echo "backups: $(cat "$BACKUP_STATUS" 2>/dev/null || echo 'none yet')"
}

# check_pgbouncer: its console answers, to the one user who needs no password. Whether the server behind it does is not its
# own health.
check_pgbouncer() {
    PGCONNECT_TIMEOUT=5 psql --no-psqlrc --no-password --tuples-only --no-align --host="$SOCKET_DIRECTORY" \
        --port="$PGBOUNCER_LISTEN_PORT" --username=pgbouncer --dbname=pgbouncer --command='SHOW VERSION'
}

# check_exporter: it answers.
check_exporter() {
    local answer
    exec {answer}<>/dev/tcp/127.0.0.1/9187
    printf 'GET / HTTP/1.0\r\n\r\n' >&"$answer"
    read -r -t 5 -u "$answer" answer
    echo "postgres_exporter: $answer"
    [[ $answer == *' 200 '* ]]
}

load_settings
tell_backup
case $(container_mode) in
    maintenance) echo 'maintenance: no server is wanted' ;;
{{if .Patroni}}    patroni) check_patroni ;;
{{end}}    upgrade) echo 'the cluster is being upgraded' ;;
    pgbouncer) check_pgbouncer ;;
    exporter) check_exporter ;;
    postgresql) check_postgresql ;;
esac
