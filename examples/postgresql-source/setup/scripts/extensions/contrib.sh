#!/bin/sh
# PostgreSQL's own extensions that no other script compiles.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

unpack_source postgresql
for module in contrib/*/; do
    case $(basename "$module") in
        btree_gist | citext | hstore | pg_stat_statements | pg_trgm | pgcrypto | postgres_fdw) ;; # other scripts'
        oid2name | vacuumlo) ;;                                                                   # programs: postgresql.sh's
        basebackup_to_shell) ;;                                                                   # wants a header that no server installs
        *_plperl | *_plpython | sepgsql | start-scripts) ;; # for languages and a system that are not here; no extension
        *) build_extension "$module" ;;
    esac
done
