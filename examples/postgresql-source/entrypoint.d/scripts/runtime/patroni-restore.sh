#!/bin/bash
# Patroni calls it to make a replica: from the last backup, if there is one; otherwise Patroni copies the leader.
set -euo pipefail
umask 077

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/settings.sh
. "$SCRIPTS/utils/settings.sh"

load_patroni_node
mkdir -p "$PGDATA"
exec pgbackrest --config="$BACKUP_CONFIGURATION" --stanza="$PGBACKREST_STANZA" --type=none --log-level-console=info restore
