#!/bin/sh
# Tells what a difference of two roots, as BuildKit makes it of layers, does not tell of them.
#   compare-roots.sh LOWER UPPER GONE KEPT
# - GONE gets an empty file for each path of LOWER that is not in UPPER, or is a directory in only one of them. The shell alone
#   does this: not every base has `find`, and no name is too odd for it.
# - KEPT gets a copy of each file and link that was changed and has the size and the time that it had. For this some programs
#   are needed. Where one is missing, such a file stays as it was.
set -eu
LC_ALL=C TZ=UTC
export LC_ALL TZ
lower=$1 upper=$2 gone=$3 kept=$4
work=/run/pgstrata/work

# list DIRECTORY: one that is in both, as "" or "/a/b".
list() {
    for path in "$lower$1"/* "$lower$1"/.[!.]* "$lower$1"/..?*; do
        name=${path#"$lower"}
        if [ -L "$path" ] || [ ! -d "$path" ]; then
            [ -e "$path" ] || [ -L "$path" ] || continue # a pattern that met nothing
            if [ -L "$upper$name" ] || { [ -e "$upper$name" ] && [ ! -d "$upper$name" ]; }; then
                continue
            fi
        elif [ -d "$upper$name" ] && [ ! -L "$upper$name" ]; then
            list "$name"
            continue
        fi
        [ -d "$gone$1" ] || mkdir -p "$gone$1"
        : >"$gone$name"
    done
}
list ""

for program in find stat awk cmp cp; do
    if ! command -v "$program" >/dev/null; then
        echo "there is no $program here: a file that was changed and has its old size and time is taken for unchanged"
        exit 0
    fi
done

# files DIRECTORY: its files and links, a line each: what BuildKit compares, when something of it changed last, the name, and the
# name with what a link leads to. One whose name has a tab or a new line in it is none of them.
files() {
    cd "$1"
    find . \( -type f -o -type l \) -exec stat -c '%s %f %u:%g %y	%z	%n	%N' {} + 2>/dev/null || true
}
(files "$lower") >"$work/lower"
(files "$upper") >"$work/upper"
awk -F '\t' '
    NF != 4 { next }
    FILENAME == ARGV[1] { is[$3] = $1; changed[$3] = $2; leads[$3] = $4; next }
    is[$3] == $1 && changed[$3] != $2 && ($1 !~ / a1ff / || leads[$3] != $4) { print $3 }
' "$work/lower" "$work/upper" >"$work/changed"

# directory NAME: makes one in KEPT as it is in UPPER.
directory() {
    [ ! -d "$kept/$1" ] || return 0
    case $1 in */*) directory "${1%/*}" ;; esac
    mkdir "$kept/$1"
    chown "$(stat -c %u:%g "$upper/$1")" "$kept/$1"
    chmod "$(stat -c %a "$upper/$1")" "$kept/$1"
}

while IFS= read -r name; do
    if [ -L "$upper/$name" ] || ! cmp -s "$lower/$name" "$upper/$name"; then
        directory "${name%/*}"
        cp -a "$upper/$name" "$kept/$name"
    fi
done <"$work/changed"
