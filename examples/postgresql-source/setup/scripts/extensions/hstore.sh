#!/bin/sh
# Sets of keys and values in one column.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib hstore
