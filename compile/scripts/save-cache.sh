#!/bin/sh
# Copies a cache mount to a directory: MOUNT DIRECTORY. Leaves out what apt makes
# anew in a moment, and its locks.
set -eu
mount=$1 directory=$2
mkdir "$directory"
cp -a "$mount/." "$directory/"
rm -f "$directory"/*.bin "$directory"/lock "$directory"/archives/lock
du -sh "$directory" | cut -f1
