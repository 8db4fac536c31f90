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

status=0
IFS='
'
for file in $elf; do
    if missing=$(ldd "$file" 2>&1 | grep 'not found'); then
        echo "SharedLibraryMissing: $file does not find:" >&2
        printf '%s\n' "$missing" >&2
        status=93
    fi
done
if [ $status -ne 0 ]; then
    echo "Add the packages that hold these libraries to setup.dependencies.runtime, or to the script's own packages;" >&2
    echo "if setup.base is an older release than base, compile on base (on_missing_library: rebuild)." >&2
fi
exit $status
