#!/bin/sh
# Removes from a root what compare-roots.sh has listed as gone.
#   remove-gone.sh LOWER - GONE
# It has the mounts of compare-roots.sh, and the list that this one made.
set -eu
LC_ALL=C
lower=$1 gone=$3

# remove DIRECTORY: what is listed in it, as "" or "/a/b".
remove() {
    for path in "$gone$1"/* "$gone$1"/.[!.]* "$gone$1"/..?*; do
        if [ -d "$path" ]; then
            remove "${path#"$gone"}"
        elif [ -e "$path" ]; then
            rm -rf "$lower${path#"$gone"}"
        fi
    done
}
remove ""
