#!/bin/sh
# Moves debug symbols out of the programs and libraries that the arguments, paths or globs, hold: to where debuggers look for
# them by build id, else by path.
set -eu
result=/run/pgstrata/result
IFS='
' # a path may hold blanks

for tool in readelf objcopy; do
    command -v "$tool" >/dev/null || {
        echo "debug symbols are taken out by $tool, which is not here; add binutils to the script's build packages" >&2
        exit 1
    }
done

split() {
    readelf -hS -W "$1" 2>/dev/null | awk '/Type: *(EXEC|DYN)/ {type = 1} / \.z?debug_info / {info = 1} END {exit !(type && info)}' || return 0
    id=$(readelf -n "$1" 2>/dev/null | sed -n 's/.*Build ID: //p' | head -n 1)
    rest=${id#??}
    if [ -n "$rest" ]; then
        to=$result/usr/lib/debug/.build-id/${id%"$rest"}/$rest.debug
    else
        to=$result/usr/lib/debug$1.debug
    fi
    mkdir -p "${to%/*}"
    objcopy --only-keep-debug "$1" "$to"
    objcopy --strip-debug --add-gnu-debuglink="$to" "$1" /tmp/stripped
    cat /tmp/stripped >"$1" # it keeps its owner, mode and other names
    rm /tmp/stripped
    count=$((count + 1))
}

count=0
for pattern; do
    for path in $pattern; do
        [ -e "$path" ] || continue
        for file in $(find "$path" -type f -links 1 -exec grep -la -m1 "^$(printf '\177')ELF" {} + || true); do
            split "$file"
        done
    done
done
echo "symbols of $count files"
