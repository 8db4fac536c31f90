#!/bin/sh
# Compiles PgBouncer, which shares few connections to the server among many clients.
set -eu
# shellcheck source=../lib/source.sh
. /context/setup/lib/source.sh

unpack_source pgbouncer
./configure --prefix=/usr/local --with-cares --with-root-ca-file=/etc/ssl/certs/ca-certificates.crt
make -j"$(nproc)" pgbouncer
report_compiler
install -D pgbouncer /usr/local/bin/pgbouncer
pgbouncer --version
