#!/bin/sh
# All of setup, for the naive Dockerfile.
set -eu

/context/setup/user.sh
/context/setup/packages.sh runtime build
mkdir -p /build

/context/setup/scripts/locale.sh
/context/setup/scripts/filesystem.sh
/context/setup/scripts/postgresql.sh
/context/setup/scripts/patroni.sh
/context/setup/scripts/pgbackrest.sh
/context/setup/scripts/pgbouncer.sh
/context/setup/scripts/pgbadger.sh
/context/setup/scripts/cleanup.sh
