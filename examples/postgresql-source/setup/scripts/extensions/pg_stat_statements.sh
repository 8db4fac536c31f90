#!/bin/sh
# What the server spends its time on, statement by statement.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib pg_stat_statements
