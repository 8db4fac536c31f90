#!/bin/sh
# Fills cache mounts: copies what the directory SEED has under a mount's saved
# name to the mount, where that is still empty. SEED, then pairs of a saved name
# and a mount.
set -eu
seed=$1
shift
while [ $# -gt 0 ]; do
    name=$1 mount=$2
    shift 2
    if [ ! -d "$seed/$name" ]; then
        echo "$name: nothing was saved"
    elif [ -n "$(ls -A "$mount")" ]; then
        echo "$name: filled by another build in the meantime"
    else
        cp -a "$seed/$name/." "$mount/"
        echo "$name: $(du -sh "$mount" | cut -f1)"
    fi
done
