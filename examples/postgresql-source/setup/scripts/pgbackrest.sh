#!/bin/sh
# Compiles pgBackRest, which backs clusters up and archives their write-ahead log.
set -eu
# shellcheck source=../lib/source.sh
. /context/setup/lib/source.sh

unpack_source pgbackrest
if [ -e src/configure ]; then
    (cd src && ./configure)
    make -j"$(nproc)" -C src
    program=src/pgbackrest
else # the newer ones
    meson setup --buildtype=plain out
    ninja -C out
    program=out/src/pgbackrest
fi
report_compiler
install -D "$program" /usr/local/bin/pgbackrest
pgbackrest version

# Where it looks for configuration, and keeps backups and logs unless it is told otherwise. A new volume mounted for backups
# takes over owner and mode; open to all, as a platform may start the container with any user.
install -d /etc/pgbackrest
install -d -o postgres -g postgres -m 1777 /var/lib/pgbackrest
install -d -o postgres -g postgres -m 0750 /var/log/pgbackrest
