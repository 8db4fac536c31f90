#!/bin/sh
set -eu
# shellcheck source=../lib/program.sh
. /context/setup/lib/program.sh

program pgbouncer 12 "$PGBOUNCER_VERSION"
