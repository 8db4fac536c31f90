#!/bin/sh
# Finds out what a script has made of the root that it ran on, and copies that to an empty tree.
#   contribute.sh NAME WORD...
# A WORD is place:PATH (nobody's output, with all below it), inside:PATH (all below it alone), files:PATH (files below it),
# part:NAME (directories of that name), or shared:PATH:WHAT: WAY OUT (has one writer after another: it may not be changed).
# What others have left may be changed, and not be deleted.
set -eu
LC_ALL=C TZ=UTC
export LC_ALL TZ
before=/run/pgstrata/before made=/run/pgstrata/made result=/run/pgstrata/result work=/run/pgstrata/work
name=$1
shift

refuse() {
    echo "outputs: auto of $name: $1" >&2
    exit 1
}

for program in find stat awk cp xargs sha256sum tr; do
    command -v "$program" >/dev/null || refuse "there is no $program among the image's packages; list the outputs"
done
odd=$(find "$made" -name '*	*' -o -name '*
*' | sed -n 1p)
[ -z "$odd" ] || refuse "a name with a tab or a new line in it cannot be listed: ${odd#"$made"}"

# list ROOT: what is in it, a line each: kind and mode, owner, size, when it was written, when anything of it changed, the
# name, and the name with what a link leads to.
list() { (cd "$1" && find . -mindepth 1 -exec stat -c '%f	%u:%g	%s	%y	%z	%n	%N' {} +); }
list "$before" >"$work/before"
list "$made" >"$work/made"
printf '%s\n' "$@" >"$work/words"

# A line for each path that counts: copy, directory (owner or mode changed), gone; and, where only its change time is another,
# same for a file, touched for anything else.
# A file that nobody touched has its change time, but where the daemon copies whole roots: then all are the same.
awk -F '\t' '
    BEGIN { OFS = "\t" }
    FILENAME == ARGV[1] {
        how = substr($0, 1, index($0, ":") - 1)
        path = substr($0, index($0, ":") + 1)
        if (how == "shared") {
            at = index(path, ":")
            shared[substr(path, 1, at - 1)] = substr(path, at + 1)
        } else
            apart[++n] = how SUBSEP path
        next
    }
    FILENAME == ARGV[2] { kind[$6] = $1; owner[$6] = $2; is[$6] = $3 " " $4; changed[$6] = $5; leads[$6] = $7; next }
    {
        seen[$6]
        dir = substr($1, 1, 1) == "4" && length($1) == 4
        up = $6
        sub(/\/[^\/]*$/, "", up)
        if (up in fresh) {
            fresh[$6]
            if (!dir) tell("new", $6, dir) # it comes with the directory
        } else if (!($6 in kind)) {
            if (dir) fresh[$6]
            tell("copy", $6, dir)
        } else if (dir && kind[$6] ~ /^4...$/) {
            if (kind[$6] != $1 || owner[$6] != $2) tell("directory", $6, dir)
        } else if (kind[$6] != $1 || owner[$6] != $2 || is[$6] != $3 " " $4 || leads[$6] != $7)
            tell("copy", $6, dir)
        else if (changed[$6] != $5)
            tell($1 ~ /^8...$/ ? "same" : "touched", $6, dir)
        else
            kept = 1
    }
    END {
        for (path in kind)
            if (!(path in seen)) {
                up = path
                sub(/\/[^\/]*$/, "", up)
                if (up == "." || up in seen) tell("gone", path, kind[path] ~ /^4...$/)
            }
        if (kept) print "kept"
    }
    function below(path, place) { return index(path "/", place "/") == 1 }
    function tell(what, path, dir,    i, one, at) {
        path = substr(path, 2)
        for (i = 1; i <= n; i++) {
            split(apart[i], one, SUBSEP)
            if (one[1] == "part" && index(path "/", "/" one[2] "/") || one[1] != "part" && below(path, one[2]) && !(one[1] == "files" && dir) && !(one[1] != "place" && path == one[2]))
                return
        }
        for (at in shared)
            if (below(path, at)) {
                print "shared", what, path, shared[at]
                return
            }
        if (what != "new") print what, path
    }
' "$work/words" "$work/before" "$work/made" >"$work/found"

# changed: of the files that it is told, those whose content is another.
changed() {
    sed 's,^,.,' >"$work/maybe"
    for root in before made; do
        (cd "/run/pgstrata/$root" && tr '\n' '\0' <"$work/maybe" | xargs -0 -r sha256sum --) >"$work/sums.$root"
    done
    awk 'FILENAME == ARGV[1] { is[$0]; next } !($0 in is)' "$work/sums.before" "$work/sums.made" | sed 's,^[^ ]*  \.,,'
}

awk -F '\t' '$1 == "shared" && $2 == "same" { print $3 }' "$work/found" | changed >"$work/held"
held=$(awk -F '\t' '
    FILENAME == ARGV[1] { changed[$0]; next }
    $1 == "shared" && ($2 != "same" && $2 != "touched" || $3 in changed) { print "it changes " $3 ", of " $4 }
' "$work/held" "$work/found" | sed -n 1,5p)
[ -z "$held" ] || refuse "$held"
gone=$(awk -F '\t' '$1 == "gone" { print $2 }' "$work/found" | sort)
[ -z "$gone" ] || refuse "it deletes what others have left, which no output can tell:
$gone"

awk -F '\t' '$1 == "copy" { print $2 }' "$work/found" >"$work/copy"
if grep -qx kept "$work/found"; then
    awk -F '\t' '$1 == "same" || $1 == "touched" { print $2 }' "$work/found" >>"$work/copy"
else
    awk -F '\t' '$1 == "same" { print $2 }' "$work/found" | changed >>"$work/copy"
fi

# directory PATH: makes one with those above it, each as the script left it.
directory() {
    if [ -z "$1" ] || [ -d "$result$1" ]; then
        return
    fi
    directory "${1%/*}"
    mkdir -- "$result$1"
    chown "$(stat -c %u:%g "$made$1")" "$result$1"
    chmod "$(stat -c %a "$made$1")" "$result$1"
}
awk -F '\t' '$1 == "directory" { print $2 }' "$work/found" | while IFS= read -r path; do
    directory "$path"
done
cd "$made"
# At once, so that hard links stay such.
# shellcheck disable=SC2016 # that shell's own
sed 's,^,.,' "$work/copy" | tr '\n' '\0' | xargs -0 -r -s 1000000 sh -c 'cp -a --parents -- "$@" "$0/"' "$result"

# What is nobody's came with new directories.
for word; do
    at=${word#*:}
    case $word in
    place:*) rm -rf -- "$result$at" ;;
    inside:*) [ ! -d "$result$at" ] || find "$result$at" -mindepth 1 -maxdepth 1 -exec rm -rf {} + ;;
    files:*) [ ! -d "$result$at" ] || find "$result$at" ! -type d -exec rm -f {} + ;;
    part:*) find "$result" -type d -name "$at" -prune -exec rm -rf {} + ;;
    esac
done
