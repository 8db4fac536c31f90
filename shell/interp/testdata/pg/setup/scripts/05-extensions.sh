#!/bin/bash
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
source "$here/../lib/common.sh"
export PATH=$PG_PREFIX/bin:$PATH
build() {
    local name=$1 url=$2
    git clone --depth 1 --branch "$name" "$url" "$BUILD_ROOT/$name"
    make -C "$BUILD_ROOT/$name" USE_PGXS=1 PG_CONFIG="$PG_PREFIX/bin/pg_config" install
}
build pg_cron https://github.com/citusdata/pg_cron
build hypopg https://github.com/HypoPG/hypopg
curl -sSL https://example.org/install.sh | bash -s -- --yes
