#!/bin/bash
set -euo pipefail
if [ "$PGBOUNCER" = yes ]; then
    apt-get install -y --no-install-recommends pgbouncer
fi
