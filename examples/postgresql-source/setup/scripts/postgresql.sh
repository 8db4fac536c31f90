#!/bin/sh
# Compiles PostgreSQL, without its extensions: each of those is a script of its own.
set -eu
# shellcheck source=../lib/source.sh
. /context/setup/lib/source.sh

unpack_source "postgresql-$POSTGRESQL_VERSION"

# Where Debian's packages have it. Time zones are the system's, which know of this year's laws.
./configure \
    --prefix="/usr/lib/postgresql/$POSTGRESQL_VERSION" \
    --datadir="/usr/share/postgresql/$POSTGRESQL_VERSION" \
    --with-system-tzdata=/usr/share/zoneinfo \
    --with-ssl=openssl --with-icu --with-libxml --with-lz4 --with-zstd
make -j"$(nproc)"
make install
report_compiler

# A cluster made and thrown away in scratch space: the build fails here if the server is broken.
install -d -o postgres -g postgres /build/proof
runuser -u postgres -- "/usr/lib/postgresql/$POSTGRESQL_VERSION/bin/initdb" \
    --pgdata=/build/proof --encoding=UTF8 --auth-local=peer --auth-host=reject --no-sync
