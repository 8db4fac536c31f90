#!/bin/sh
# Makes the times of two roots tell which of their files differ. BuildKit lays the difference of two roots down as a layer,
# and compares times for that: a file of another time is in the layer though it is the same, and one that has its time and
# its size is not though it is another.
#   compare-roots.sh LOWER UPPER
# A file of LOWER that is the same in UPPER gets the time that it has there, and one that is another gets another time. UPPER
# stays as it is. Where a program for this is missing or fails, times decide: that is no reason for a build to fail.
set -eu
trap '[ $? = 0 ] || echo "the comparison failed: other files are compared by their times"; exit 0' EXIT
lower=$1 upper=$2
work=/run/pgstrata/work
PATH=/usr/bin:/bin:${PATH:-}
export PATH LC_ALL=C TZ=UTC

for program in find stat awk tr xargs sha256sum touch; do
    if ! command -v "$program" >/dev/null; then
        echo "there is no $program here: files are compared by their times"
        exit 0
    fi
done

# list DIRECTORY: its files and links, a line each: what is compared without reading them, the time, the name, and the name
# with what a link leads to, and how many names there are. One whose name has a tab or a new line in it is none of them.
list() {
    cd "$1"
    find . \( -type f -o -type l \) -exec stat -c '%s %f %u:%g	%y	%n	%N	%h' {} + 2>/dev/null || true
}
(list "$lower") >"$work/lower"
(list "$upper") >"$work/upper"

# What BuildKit would not read: files of two times, and those of one time that is no full second. Of links all is known. Of
# a file with several names it is not told which they are in the two roots, so its times stay.
: >"$work/times" && : >"$work/one" && : >"$work/same" && : >"$work/other"
awk -F '\t' -v work="$work" '
    function alone(name) { return names[name] == 1 && $5 == 1 }
    NF != 5 { next }
    FILENAME == ARGV[1] { is[$3] = $1; time[$3] = $2; leads[$3] = $4; names[$3] = $5; next }
    !($3 in is) || is[$3] != $1 { next }
    $1 ~ / a1ff / && leads[$3] == $4 { if (time[$3] != $2 && alone($3)) print $3 >(work "/same"); next }
    $1 ~ / a1ff / { if (time[$3] == $2) print $3 >(work "/other"); next }
    time[$3] != $2 { if (alone($3)) print $3 >(work "/times"); next }
    $2 !~ /\.0+( |$)/ { print $3 >(work "/one") }
' "$work/lower" "$work/upper"

# sums DIRECTORY LIST: what is in the files of a list.
sums() {
    cd "$1"
    tr '\n' '\000' <"$2" | xargs -0 sha256sum 2>/dev/null || true
}

# compare LIST same|other: the names of those files of a list that are the same in both roots, or are not.
compare() {
    [ -s "$1" ] || return 0
    (sums "$lower" "$1") >"$work/a"
    (sums "$upper" "$1") >"$work/b"
    awk -v want="$2" '
        /^\\/ { next } # a name that sha256sum has written in another way
        FILENAME == ARGV[1] { sum[substr($0, 67)] = substr($0, 1, 64); next }
        (sum[substr($0, 67)] == substr($0, 1, 64)) == (want == "same") { print substr($0, 67) }
    ' "$work/a" "$work/b"
}
compare "$work/times" same >>"$work/same"
compare "$work/one" other >>"$work/other"

# compiled NAME: whether the file has a compiled form in UPPER that LOWER does not have. Python takes that for stale where
# the file has another time than when it was compiled.
compiled() {
    case $1 in
    *.py) ;;
    *) return 1 ;;
    esac
    base=${1##*/}
    for file in "$upper/${1%/*}/__pycache__/${base%.py}".*.pyc "$upper/${1}c"; do
        kept=$lower/${file#"$upper/"}
        if [ -f "$file" ] && { [ ! -f "$kept" ] || [ "$(sha256sum <"$file")" != "$(sha256sum <"$kept")" ]; }; then
            return 0
        fi
    done
    return 1
}

same=0 other=0
while IFS= read -r name; do
    # One that fails costs space. busybox asks what a link leads to.
    if ! compiled "$name" && touch -h -r "$upper/$name" "$lower/$name" 2>/dev/null; then
        same=$((same + 1))
    fi
done <"$work/same"
while IFS= read -r name; do
    touch -h -t 197001020000 "$lower/$name"
    other=$((other + 1))
done <"$work/other"
echo "$same files differ in nothing but their times, $other in everything but these"
