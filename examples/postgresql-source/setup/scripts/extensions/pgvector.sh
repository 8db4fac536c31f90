#!/bin/sh
# Vectors, and the search for those that are near.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

# Its own default is code for the very processor that compiles it.
export OPTFLAGS=
unpack_source pgvector
build_extension .
