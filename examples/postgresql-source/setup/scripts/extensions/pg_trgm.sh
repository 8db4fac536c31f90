#!/bin/sh
# Text that resembles other text, with indexes for it and for LIKE.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib pg_trgm
