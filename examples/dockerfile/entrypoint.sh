#!/bin/bash
# Starts a server; the first time it creates the cluster.
set -euo pipefail
[ -s "$PGDATA/PG_VERSION" ] || /opt/postgresql/initdb --auth-local=trust --auth-host=scram-sha-256
exec /opt/postgresql/postgres -c config_file=/etc/postgresql/postgresql.conf -D "$PGDATA" "$@"
