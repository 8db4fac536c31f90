#!/bin/bash
# Patroni calls it once in a cluster's life, on the node that makes it: the same cluster as a single server's, by the same
# steps. PGDATA holds nothing that looks like a cluster until all of it is done, so a node that is stopped or killed, or
# whose scripts fail, begins anew at its next start.
set -euo pipefail
umask 077

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
for part in utils/logging utils/settings utils/validation init/directories init/configuration init/initdb init/backup init/pgbouncer init/database \
    runtime/shutdown; do
    # shellcheck source=/dev/null # each is checked by itself
    . "$SCRIPTS/$part.sh"
done

# shellcheck disable=SC2034 # what shutdown.sh ends with: Patroni must not take it for done
aborted=1
handle_signals
load_patroni_node
python3 "$SCRIPTS/runtime/patroni-node.py" claim
create_cluster
