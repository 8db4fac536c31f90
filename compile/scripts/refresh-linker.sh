#!/bin/sh
# Renews the linker's cache of the root beside this one, then looks for every library that the programs and libraries
# below the arguments (paths or patterns) were linked against, and those that claims.sh has listed. The tools are this root's: the other may have none left.
# Exit code 93: some are missing. It must be kept equal to MissingLibraryExit.
set -eu
root=/run/pgstrata/root claims=/run/pgstrata/claims/paths

unchecked() {
    echo "The libraries of the outputs were not looked for: $1" >&2
    exit 0
}

if command -v ldconfig >/dev/null; then
    ldconfig -r "$root"
    # ldconfig's private notes would differ from build to build
    rm -f "$root/var/cache/ldconfig/aux-cache"
fi
for tool in ldd find grep sed chroot; do
    command -v "$tool" >/dev/null || unchecked "there is no $tool among the image's packages"
done
# ldd takes ten times as long for a file as the loader itself, which it names in a line of its own.
loader=$(ldd "$(command -v sh)" | sed -n 's,^[[:space:]]*\(/[^ ]*\) (0x.*,\1,p')
[ -n "$loader" ] || unchecked "ldd does not name the loader"

[ -x "$root$loader" ] || unchecked "the image has no $loader"
chroot "$root" "$loader" --list "$loader" >/dev/null || unchecked "the loader does not run"

# resolve PATH: where a directory of that root really is.
resolve() {
    have='' rest=$1 hops=0
    while [ -n "$rest" ]; do
        name=${rest%%/*}
        case $rest in
        */*) rest=${rest#*/} ;;
        *) rest='' ;;
        esac
        case $name in
        '' | .) continue ;;
        ..) have=${have%/*} && continue ;;
        esac
        if [ -L "$root$have/$name" ] && [ "$hops" -lt 40 ]; then
            hops=$((hops + 1))
            to=$(readlink "$root$have/$name")
            case $to in
            /*) have='' ;;
            esac
            rest=$to/$rest
        else
            have=$have/$name
        fi
    done
    printf '%s\n' "$have"
}

IFS='
' # a pattern is not split while it is expanded
elf=$(
    for pattern; do
        # shellcheck disable=SC2046 # a pattern, as it is
        for path in $root$(resolve "${pattern%/*}")/${pattern##*/}; do
            [ ! -e "$path" ] || find "$path" -type f -exec grep -la -m1 "^$(printf '\177')ELF" {} + || true
        done
    done
    if [ -s "$claims" ]; then
        sed "s,^,$root," "$claims" | tr '\n' '\0' | xargs -0 grep -la -m1 "^$(printf '\177')ELF" || true
    fi
)

# missing FILE: the first library that it lacks, or versions of one, in the words of ldd. What else a loader finds wrong (a
# file for another machine, an object file, a symbol that whoever loads a library brings) is no matter here.
missing() {
    { chroot "$root" "$loader" --list "${1#"$root"}" 2>&1 || true; } | sed -n \
        -e 's,.*error while loading shared libraries: \([^:]*\): cannot open shared object file.*,    \1 => not found,p' \
        -e 's,.*Error loading shared library \([^:]*\):.*,    \1 => not found,p' \
        -e '/version .* not found/p' | grep .
}

found=
for file in $elf; do
    if lines=$(missing "$file"); then
        found=yes
        echo "SharedLibraryMissing: ${file#"$root"} does not find:" >&2
        printf '%s\n' "$lines" >&2
    fi
done
[ -n "$found" ] || exit 0
echo "Add the packages that hold these libraries to setup.dependencies.runtime, or to the script's own packages;" >&2
echo "if setup.base is an older release than base, compile on base (on_missing_library: rebuild)." >&2
exit 93
