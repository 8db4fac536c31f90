#!/bin/bash
# Patroni calls it with an action, the node's new role, and the cluster's name. A new leader makes the role that replicas
# connect as, where it is missing: Patroni does so for the clusters that it makes, but not for a volume of a single server.
set -euo pipefail

[[ $2 == @(primary|master) ]] || exit 0
readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/settings.sh
. "$SCRIPTS/utils/settings.sh"
# shellcheck source=../init/database.sh
. "$SCRIPTS/init/database.sh"

load_patroni_node
export PGHOST=$SOCKET_DIRECTORY
for _ in {1..60}; do
    [[ $(run_sql --dbname=postgres --tuples-only --no-align --command='SELECT pg_is_in_recovery()' || true) != f ]] || break
    sleep 1 # until it is promoted
done
create_replication_role
