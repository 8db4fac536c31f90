#!/bin/bash
# Patroni calls it once in a cluster's life, on the first leader after initdb: the database and the operator's scripts.
# If it fails, Patroni throws the new cluster away and ends, so the container does; the next start tries again.
set -euo pipefail
umask 077

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/logging.sh
. "$SCRIPTS/utils/logging.sh"
# shellcheck source=../utils/settings.sh
. "$SCRIPTS/utils/settings.sh"
# shellcheck source=../init/database.sh
. "$SCRIPTS/init/database.sh"
# shellcheck source=shutdown.sh
. "$SCRIPTS/runtime/shutdown.sh"

load_settings
export PGHOST=$SOCKET_DIRECTORY
create_database
run_operator_scripts
