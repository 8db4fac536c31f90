# shellcheck shell=sh
# Sourced by the scripts that compile an extension each.
# shellcheck source=source.sh
. /context/setup/lib/source.sh

# build_contrib MODULE: one of PostgreSQL's own.
build_contrib() {
    unpack_source postgresql
    build_extension "contrib/$1"
}

# build_extension DIRECTORY: against the installed server with PGXS, which takes the server's compiler flags.
build_extension() {
    make -j"$(nproc)" -C "$1" install USE_PGXS=1 PG_CONFIG="/usr/lib/postgresql/$POSTGRESQL_VERSION/bin/pg_config"
    report_compiler
}
