#!/bin/sh
# Makes of what was fetched what scripts compile: EXTRACT (true or false) STRIP.
# Patches are applied in the order of their names.
set -eu
extract=$1 strip=$2
from=/run/pgstrata/fetched to=/run/pgstrata/source patches=/run/pgstrata/patches

needs() { # needs PROGRAM PACKAGE
    command -v "$1" >/dev/null || {
        echo "this source needs $1 to be unpacked, which the image lacks; add $2 to setup.dependencies.build" >&2
        exit 1
    }
}

cd "$to"
if [ "$extract" = true ]; then
    for archive in "$from"/*; do
        case $archive in
        *.zip)
            needs unzip unzip
            mkdir .unzipped
            unzip -q "$archive" -d .unzipped
            depth=$strip dir=.unzipped
            while [ "$depth" -gt 0 ]; do
                dir="$dir/*" depth=$((depth - 1))
            done
            # shellcheck disable=SC2086 # it is a pattern
            find $dir -mindepth 1 -maxdepth 1 -exec mv {} . \;
            rm -rf .unzipped
            continue
            ;;
        *.xz | *.txz) needs xz xz-utils ;;
        *.zst) needs zstd zstd ;;
        *.bz2 | *.tbz | *.tbz2) needs bzip2 bzip2 ;;
        *.lz) needs lzip lzip ;;
        esac
        tar --extract --file "$archive" --strip-components "$strip" --no-same-owner
    done
else
    cp -R -P -p "$from/." .
fi
[ -d "$patches" ] || exit 0
needs patch patch
for patch in "$patches"/*; do
    patch --strip 1 --forward --batch --input "$patch" || {
        echo "a patch does not apply: number $((${patch##*/} - 999)) of this source's patches" >&2
        exit 1
    }
done
