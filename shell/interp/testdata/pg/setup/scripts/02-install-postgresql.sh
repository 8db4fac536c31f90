#!/bin/bash
# POSTGRESQL_COMMENT_ONLY must not count as a mention.
set -euo pipefail
DIR=${0%/*}
source "$DIR/../lib/common.sh"

PACKAGES=(build-essential bison flex)
if [[ "${WITH_LLVM:-no}" == yes ]]; then
    PACKAGES+=(llvm-dev clang)
fi
install_packages "${PACKAGES[@]}" libreadline-dev zlib1g-dev

cd "$BUILD_ROOT"
retry 5 curl -fsSL -o pg.tar.bz2 "https://ftp.postgresql.org/pub/source/v${POSTGRESQL_VERSION}/postgresql-${POSTGRESQL_VERSION}.tar.bz2"
tar xjf pg.tar.bz2
for p in "$DIR"/../patches/*.patch; do
    [ -e "$p" ] || continue
    patch -d "postgresql-${POSTGRESQL_VERSION}" -p1 < "$p"
done
pushd "postgresql-${POSTGRESQL_VERSION}" >/dev/null
CFLAGS="-O2 -g" ./configure --prefix="$PG_PREFIX" --with-openssl
make -j"$(nproc)" world-bin
make install-world-bin
popd
echo "$PG_PREFIX/lib" > /etc/ld.so.conf.d/pgsql.conf
ldconfig
