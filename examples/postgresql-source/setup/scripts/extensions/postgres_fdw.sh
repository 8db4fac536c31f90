#!/bin/sh
# Other servers' tables. It speaks to them through the libpq that PostgreSQL's script has made.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib postgres_fdw
