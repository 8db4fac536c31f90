#!/bin/sh
# Writes which of the directories below its first argument are empty, a name a
# line, to the file that is its second.
set -eu
caches=$1 result=$2
: >"$result"
for dir in "$caches"/*; do
    [ -n "$(ls -A "$dir")" ] || echo "${dir##*/}" >>"$result"
done
cat "$result"
