#!/bin/sh
# PostgreSQL from Debian's packages: to compile it takes longer than all the rest.
set -eu
# shellcheck source=../lib/package.sh
. /context/setup/lib/package.sh

mkdir -p /var/cache/sources/postgresql /build/postgresql
cd /var/cache/sources/postgresql
unpack bookworm /build/postgresql postgresql-15 postgresql-client-15
cp -a /build/postgresql/usr/lib/postgresql /usr/lib/
cp -a /build/postgresql/usr/share/postgresql /usr/share/
# For a compiler that the image does not have.
rm -rf /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode
/usr/lib/postgresql/15/bin/postgres --version
