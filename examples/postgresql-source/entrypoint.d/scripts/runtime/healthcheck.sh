#!/bin/bash
# The image's health check: does the server of the container's mode answer? Prints why, for `docker inspect`.
set -euo pipefail

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/settings.sh
. "$SCRIPTS/utils/settings.sh"

# check_postgresql: accepting connections, neither starting nor recovering.
check_postgresql() {
    pg_isready --host="$SOCKET_DIRECTORY" --port="$PGPORT" --timeout=5
}

# check_patroni: its own opinion, which includes a query. bash can speak HTTP, but not TLS; where Patroni's API is
# encrypted, PostgreSQL is asked instead.
check_patroni() {
    local host=${PATRONI_RESTAPI_LISTEN%:*} port=$PATRONI_RESTAPI_PORT api status
    if [[ -n ${PATRONI_RESTAPI_CERTFILE-} ]]; then
        check_postgresql
        return
    fi
    host=${host#[}
    host=${host%]}
    case $host in
        '' | '*' | 0.0.0.0) host=127.0.0.1 ;;
        ::) host=::1 ;;
    esac
    exec {api}<>"/dev/tcp/$host/$port" || return
    printf 'HEAD /health HTTP/1.0\r\n\r\n' >&"$api"
    read -r -t 8 -u "$api" _ status _ || return
    while read -r -t 1 -u "$api"; do :; done # else Patroni complains of a connection that breaks
    echo "Patroni: /health answers $status"
    [[ $status == 200 ]]
}

load_settings
case $(container_mode) in
    maintenance) echo 'maintenance: no server is wanted' ;;
    patroni) check_patroni ;;
    postgresql) check_postgresql ;;
esac
