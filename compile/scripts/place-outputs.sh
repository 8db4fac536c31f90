#!/bin/sh
# Copies what a script has made to where it belongs, in an empty tree: FROM TO OWNER MODE for each output, the last three ""
# for what stays as it is. FROM may be a glob: then TO is where the directory before its first such name goes.
set -eu
result=/run/pgstrata/result
IFS='
' # a path may hold blanks

# way DIRECTORY: makes it with those above it, each as it is here; root's, 0755, where it is not.
way() {
    if [ -z "$1" ] || [ -d "$result$1" ]; then
        return
    fi
    way "${1%/*}"
    mkdir "$result$1"
    if [ -d "$1" ]; then
        chown "$(stat -c %u:%g "$1")" "$result$1"
        chmod "$(stat -c %a "$1")" "$result$1"
    else
        chmod 755 "$result$1"
    fi
}

# put FROM TO OWNER MODE
put() {
    way "${2%/*}"
    to=$result$2
    if [ -d "$1" ] && [ ! -L "$1" ]; then
        mkdir -p "$to"
        cp -a "$1/." "$to/"
    else
        cp -a "$1" "$to"
    fi
    if [ -n "$3" ]; then
        # A new owner takes set-id bits away.
        special=$(find "$to" -type f \( -perm -4000 -o -perm -2000 \) -exec stat -c '%a %n' {} +)
        chown -R -h "$3" "$to"
        for line in $special; do
            chmod "${line%% *}" "${line#* }"
        done
    fi
    if [ -n "$4" ] && [ ! -L "$to" ]; then
        chmod "$4" "$to"
    fi
}

while [ "$#" -gt 0 ]; do
    from=$1 top=$2 fixed=${1%%[*?[]*} found=
    case $from in
    *[*?[\\]*) fixed=${fixed%/*} ;;
    *) fixed=$from ;;
    esac
    for path in $from; do
        [ -e "$path" ] || [ -L "$path" ] || continue
        found=yes
        put "$path" "${top:-$fixed}${path#"$fixed"}" "$3" "$4"
    done
    if [ -z "$found" ]; then
        echo "the output $from is not there: the script did not make it" >&2
        exit 1
    fi
    shift 4
done
