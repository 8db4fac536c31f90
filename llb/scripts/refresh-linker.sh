#!/bin/sh
# Renews the linker's cache, then looks for every library that the programs and
# libraries below the arguments (paths or patterns) were linked against.
# Exit code 93: some are missing. It must be kept equal to MissingLibraryExit.
set -eu
command -v ldconfig >/dev/null || exit 0
ldconfig
command -v ldd >/dev/null || exit 0

# An empty IFS keeps patterns from being split while they are expanded.
IFS=
elf=$(
    for pattern; do
        # shellcheck disable=SC2086
        find $pattern -type f -exec grep -la -m1 "^$(printf '\177')ELF" {} + || true
    done
)

# ldd takes ten times as long for a file as the loader itself, which it names in
# a line of its own. These variables are what it would set.
loader=$(ldd "$(command -v sh)" | sed -n 's,^[[:space:]]*\(/[^ ]*\) (0x.*,\1,p')
[ -n "$loader" ] || { echo "ldd does not name the loader: no library is looked for" >&2; exit 0; }
libraries() {
    LD_TRACE_LOADED_OBJECTS=1 LD_WARN='' LD_BIND_NOW='' "$loader" "$1" 2>&1 || true
}

IFS='
'
for file in $elf; do
    libraries "$file"
done | grep -q 'not found' || exit 0

for file in $elf; do
    if missing=$(libraries "$file" | grep 'not found'); then
        echo "SharedLibraryMissing: $file does not find:" >&2
        printf '%s\n' "$missing" >&2
    fi
done
echo "Add the packages that hold these libraries to setup.dependencies.runtime, or to the script's own packages;" >&2
echo "if setup.base is an older release than base, compile on base (on_missing_library: rebuild)." >&2
exit 93
