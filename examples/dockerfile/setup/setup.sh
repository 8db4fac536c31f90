#!/bin/bash
# Runs every script of scripts/ in the order of its number.
set -euo pipefail

SETUP_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=log.sh
. "$SETUP_DIR/log.sh"
export DEBIAN_FRONTEND=noninteractive

for script in "$SETUP_DIR"/scripts/*.sh; do
    log "running ${script##*/}"
    bash "$script"
done
log "done"
