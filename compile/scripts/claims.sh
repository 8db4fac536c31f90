#!/bin/sh
# Compares the outputs of isolated scripts, where some of them have no list: two that leave one path cannot be merged.
#   claims.sh WORD...
# A WORD is listed:NUMBER:NAME; or auto:NUMBER:NAME for a script without a list, held:NUMBER:NAME for one that the chain holds.
# Outputs are mounted by the numbers, and so is what the scripts of auto ran on; the chain's root is there, too: what it has made
# another one since is no longer theirs to change. Files without a list are listed in the result, for the step that looks
# for their libraries. contribute.sh has seen to it that the programs for this are there.
set -eu
LC_ALL=C
export LC_ALL
outputs=/run/pgstrata/outputs before=/run/pgstrata/before root=/run/pgstrata/root result=/run/pgstrata/result work=/run/pgstrata/work
for word; do
    rest=${word#*:}
    number=${rest%%:*}
    (cd "$outputs/$number" && find . -mindepth 1 -exec stat -c "${word%%:*}	$number	${rest#*:}	%F	%n" {} +)
done >"$work/claims"
awk -F '\t' '$1 != "listed" && $4 == "regular file" { print substr($5, 2) }' "$work/claims" | sort -u >"$result/paths"
awk -F '\t' '
    BEGIN { OFS = "\t" }
    {
        for (i = 1; i <= n[$5]; i++) {
            split(claim[$5, i], other, "\t")
            if (($1 != "listed" || other[1] != "listed") && ($4 != "directory" || other[4] != "directory"))
                print other[2], $2, substr($5, 2), other[3], $3
        }
        claim[$5, ++n[$5]] = $0
    }
' "$work/claims" >"$work/twice"

# same A B: whether two files or links are the same, with owner and mode.
same() {
    [ -e "$2" ] || [ -L "$2" ] || return 1
    [ "$(stat -c '%f %u:%g' "$1")" = "$(stat -c '%f %u:%g' "$2")" ] || return 1
    if [ -L "$1" ]; then
        [ "$(readlink "$1")" = "$(readlink "$2")" ]
    else
        [ -f "$1" ] && cmp -s "$1" "$2"
    fi
}

found=
while IFS='	' read -r one two path first second; do
    if ! same "$outputs/$one$path" "$outputs/$two$path"; then
        echo "$first and $second both leave $path: let only one of them do that, or list what each gives" >&2
        found=yes
    fi
done <"$work/twice"
awk -F '\t' 'BEGIN { OFS = "\t" } $1 == "auto" && $4 != "directory" { print $2, substr($5, 2), $3 }' "$work/claims" >"$work/changed"
while IFS='	' read -r number path name; do
    [ -e "$root$path" ] || [ -L "$root$path" ] || continue
    if ! same "$root$path" "$before/$number$path" && ! same "$root$path" "$outputs/$number$path"; then
        echo "$name leaves $path, and the chain has made it another: let only one of them do that, or list what $name gives" >&2
        found=yes
    fi
done <"$work/changed"
[ -z "$found" ]
