#!/bin/bash
set -Eeo pipefail
ENTRYPOINT_DIR=/opt/container/entrypoint.d
for f in "$ENTRYPOINT_DIR"/scripts/init/*.sh; do
    # shellcheck disable=SC1090
    . "$f"
done
[ -f /etc/default/patroni ] && . /etc/default/patroni
cleanup() { pg_ctl stop -m fast; }
trap cleanup EXIT
trap 'rm -rf "$TMPDIR"' INT TERM
case "${1:-postgres}" in
    postgres) exec gosu postgres postgres -D "$PGDATA" ;;
    patroni)
        envsubst < /etc/patroni/patroni.yml.in > /run/patroni.yml
        exec su-exec postgres:postgres patroni /run/patroni.yml
        ;;
    *) exec "$@" ;;
esac
