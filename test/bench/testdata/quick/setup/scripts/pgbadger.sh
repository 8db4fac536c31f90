#!/bin/sh
set -eu
# shellcheck source=../lib/program.sh
. /context/setup/lib/program.sh

program pgbadger 4 "$PGBADGER_VERSION"
