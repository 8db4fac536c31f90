#!/bin/bash
# Runs in a container of the finished image, as its user: every extension loads, the programs beside the server start,
# and nothing that compiled them is left.
set -euo pipefail

work=$(mktemp -d)
export PGDATA=$work/data PGHOST=$work PGDATABASE=postgres
trap 'pg_ctl stop --silent --mode=immediate || true; rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $1"
    exit 1
}

echo '--- extensions'
initdb --auth=trust --no-sync >"$work/log"
pg_ctl start --silent --log="$work/log" \
    --options="-c listen_addresses= -c unix_socket_directories=$work -c shared_preload_libraries=pg_stat_statements"
for control in "$(pg_config --sharedir)"/extension/*.control; do
    name=$(basename "$control" .control)
    psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command="CREATE EXTENSION IF NOT EXISTS \"$name\""
done
psql --no-psqlrc --command='SELECT extname, extversion FROM pg_extension ORDER BY 1'
[[ $(psql --no-psqlrc --tuples-only --no-align --command="SELECT '[1,2]'::vector <-> '[4,6]'") == 5 ]] ||
    fail 'pgvector does not compute'
[[ -n $(psql --no-psqlrc --tuples-only --no-align --command="SELECT digest('', 'sha256')") ]] ||
    fail 'pgcrypto does not compute'
[[ $(psql --no-psqlrc --tuples-only --no-align --command='SELECT pg_jit_available()') == t ]] || fail 'there is no JIT'

echo '--- programs'
pgbackrest version
pgbadger --version
pgbouncer --version

echo '--- no compiler'
for command in cc gcc make ccache; do
    ! command -v "$command" || fail "the image holds $command"
done
