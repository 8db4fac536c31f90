#!/bin/bash
# Takes backups while the container runs: of the server that takes writes, each kind when it is due. What was taken, and
# when, is asked of the repository, so it does not matter which node of a cluster leads, nor when its container was started.
# What it did last is in a file, for the health check to tell.
set -euo pipefail

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
for part in utils/logging utils/settings runtime/shutdown init/database; do
    # shellcheck source=/dev/null # each is checked by itself
    . "$SCRIPTS/$part.sh"
done

prepared= # for as long as this server takes writes

# repository [OPTION...] COMMAND: pgBackRest's.
repository() { pgbackrest --config="$BACKUP_CONFIGURATION" --stanza="$PGBACKREST_STANZA" "$@"; }

# ask: the answer to the SQL on standard input.
ask() { PGCONNECT_TIMEOUT=5 run_sql --dbname=postgres --tuples-only --no-align "$@"; }

takes_writes() { [[ $(ask --command='SELECT pg_is_in_recovery()' 2>/dev/null) == f ]]; }

# due INFO: prints which kind of backup is due, if any, by what pgBackRest says of the repository. The first is a full one,
# and the first of a new timeline makes that one restorable; otherwise the last one's age decides. Those of the major version
# before do not count.
due() {
    ask --set=full="$BACKUP_FULL_EVERY" --set=diff="$BACKUP_DIFF_EVERY" --set=incr="$BACKUP_INCR_EVERY" <<SQL
WITH backups AS (
    SELECT backup->>'type' AS type, to_timestamp((backup->'timestamp'->>'stop')::bigint) AS stop,
        left(backup->'archive'->>'stop', 8) AS timeline
    FROM jsonb_array_elements(\$json\$$1\$json\$::jsonb->0->'backup') AS backup
    WHERE (backup->'database'->>'id')::int = (SELECT max((db->>'id')::int) FROM jsonb_array_elements(\$json\$$1\$json\$::jsonb->0->'db') AS db)
), last AS (
    SELECT now() - max(stop) FILTER (WHERE type = 'full') AS full, now() - max(stop) FILTER (WHERE type <> 'incr') AS diff,
        now() - max(stop) AS incr, (array_agg(timeline ORDER BY stop DESC))[1] AS timeline
    FROM backups
)
SELECT CASE
    WHEN last.full IS NULL OR last.full >= nullif(:'full', '')::interval THEN 'full'
    WHEN last.diff >= nullif(:'diff', '')::interval THEN 'diff'
    WHEN last.incr >= nullif(:'incr', '')::interval OR timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8) THEN 'incr'
END FROM last
SQL
}

# attend: what a server needs that takes writes. The first step that fails is told, and tried again later.
attend() {
    local kind info archived
    if [[ -z $prepared ]]; then
        repository stanza-create || fail 'the stanza cannot be made' || return
        repository check || fail 'the archive does not work' || return
        prepared=1
    fi
    info=$(repository --output=json info) || fail 'the repository does not answer' || return
    kind=$(due "$info") || fail 'the server does not answer' || return
    if [[ -n $kind ]]; then
        log_info 'taking a backup' kind="$kind" stanza="$PGBACKREST_STANZA"
        tell "taking a backup ($kind)"
        repository --type="$kind" backup || fail "the backup ($kind) failed" || return
        log_info 'backup taken' kind="$kind" stanza="$PGBACKREST_STANZA"
    fi
    archived=$(ask --command="SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN 'fails: ' || last_failed_wal
        ELSE last_archived_wal END FROM pg_stat_archiver") || fail 'the server does not answer' || return
    tell "checked; ${kind:+taken just now: $kind; }last of the archive: $archived"
}

# tell MESSAGE: the health check's detail.
tell() { printf '%s\n' "$1" >"$BACKUP_STATUS"; }

# fail MESSAGE
fail() {
    log_warn "no backup: $1; pgBackRest says why above"
    tell "fails: $1"
    return 1
}

load_settings
export PGHOST=$SOCKET_DIRECTORY
while :; do
    if takes_writes; then
        attend || true
    else
        prepared=
        tell 'this server takes no writes, so it takes no backups'
    fi
    pause 10
done
