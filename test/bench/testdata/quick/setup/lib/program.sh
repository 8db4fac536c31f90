# shellcheck shell=sh
# Sourced by the scripts that compile: some C that was made up, so that a build takes seconds and asks for no source.

# program NAME FILES VERSION: compiles so many files, each of about 100 functions, into /usr/local/bin/NAME.
program() {
    name=$1 files=$2 version=$3
    mkdir -p "/build/$name"
    cd "/build/$name"
    for i in $(seq "$files"); do
        awk -v part="$name$i" -v seed="$i" 'BEGIN {
            gsub(/[^a-z0-9]/, "", part)
            for (f = 0; f < 100; f++) {
                printf "int %s_%d(int *a, int n) {\n    int s = %d;\n    for (int i = 0; i < n; i++)\n        switch (a[i] %% 8) {\n", part, f, seed + f
                for (c = 0; c < 8; c++) printf "        case %d: s = (s * %d + a[i]) ^ (s >> %d); break;\n", c, 3 + 2 * c + f, 1 + c
                printf "        }\n    return s;\n}\n"
            }
        }' >"part$i.c"
    done
    # gcc by its name, so that it is ccache where that comes first in PATH
    printf '%s\n' part*.c | xargs -P "$(nproc)" -n 1 gcc -O2 -c
    printf '#include <stdio.h>\nint main(void) { puts("%s %s"); return 0; }\n' "$name" "$version" >main.c
    gcc -O2 -s -o "$name" main.c part*.o
    install -D "$name" "/usr/local/bin/$name"
}
