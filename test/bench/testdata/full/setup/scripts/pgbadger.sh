#!/bin/sh
# Installs pgBadger, which makes reports of the server's log. It is a Perl program: there is nothing to compile.
set -eu
# shellcheck source=../lib/source.sh
. /context/setup/lib/source.sh

unpack_source pgbadger "$PGBADGER_VERSION"
install -D pgbadger /usr/local/bin/pgbadger
pgbadger --version
