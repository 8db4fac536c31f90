#!/bin/sh
# GiST indexes over ordinary types, as exclusion constraints want them.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib btree_gist
