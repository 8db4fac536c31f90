#!/bin/sh
# Compiles PostgreSQL with JIT, without its extensions: other scripts compile those.
set -eu
# shellcheck source=../lib/source.sh
. /context/setup/lib/source.sh

unpack_source postgresql

# Where Debian's packages have it. Time zones are the system's, which know of this year's laws.
./configure \
    --prefix="/usr/lib/postgresql/$POSTGRESQL_VERSION" \
    --datadir="/usr/share/postgresql/$POSTGRESQL_VERSION" \
    --with-system-tzdata=/usr/share/zoneinfo \
    --with-ssl=openssl --with-icu --with-libxml --with-libxslt --with-lz4 --with-zstd --with-llvm \
    --with-gssapi --with-ldap --with-pam --with-systemd --with-uuid=e2fs
make -j"$(nproc)"
make install
# Programs among the extensions: PGXS lacks what they are linked with.
for program in oid2name vacuumlo; do make -C "contrib/$program" install; done
report_compiler

# A cluster made and thrown away in scratch space: the build fails here if the server is broken.
install -d -o postgres -g postgres /build/proof
runuser -u postgres -- "/usr/lib/postgresql/$POSTGRESQL_VERSION/bin/initdb" \
    --pgdata=/build/proof --encoding=UTF8 --auth-local=peer --auth-host=reject --no-sync
