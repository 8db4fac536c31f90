#!/bin/sh
# Writes the name of the build that runs this. It comes in as a setting that is
# no part of the step's cache key: from the cache, the file names the build that
# ran it first.
set -eu
printf '%s' "${no_proxy:?}" >/run/pgstrata/result/build
