#!/bin/sh
set -eu
# shellcheck source=../lib/program.sh
. /context/setup/lib/program.sh

program pgbackrest 12 "$PGBACKREST_VERSION"

install -d /etc/pgbackrest
install -d -o postgres -g postgres -m 0750 /var/lib/pgbackrest /var/log/pgbackrest
