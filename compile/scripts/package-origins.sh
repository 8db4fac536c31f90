#!/bin/sh
# Writes which packages of the image came from which repository, of arguments REPOSITORY URI: a line REPOSITORY NAME
# VERSION ARCHITECTURE SHA256 URI FILE for each. A package is one that apt's lists have of the repository in the same version.
set -eu
LC_ALL=C
export LC_ALL
image=/run/pgstrata/image result=/run/pgstrata/result
: >"$result/origins"
if ! command -v apt-get >/dev/null || [ ! -e "$image/var/lib/dpkg/status" ]; then exit 0; fi

dpkg-query --admindir="$image/var/lib/dpkg" --show --showformat '${db:Status-Status} ${Package} ${Version} ${Architecture}\n' |
    sed -n 's/^installed //p' >/tmp/installed
while [ $# -gt 0 ]; do
    repository=$1 uri=${2%/}
    shift 2
    for lists in /var/lib/apt/lists /run/pgstrata/lists; do
        # shellcheck disable=SC2016 # apt replaces these
        apt-get indextargets -o "Dir::State::Lists=$lists" --format '$(REPO_URI) $(FILENAME)' 'Created-By: Packages'
    done | while read -r from file; do
        if [ "${from%/}" = "$uri" ]; then
            /usr/lib/apt/apt-helper cat-file "$file"
            echo
        fi
    done | awk -v repository="$repository" -v uri="$uri" '
        !lists {have[$0] = 1; next}
        /^Package:/ {name = $2}
        /^Version:/ {version = $2}
        /^Architecture:/ {architecture = $2}
        /^SHA256:/ {sum = $2}
        /^Filename:/ {file = $2; sub(/^\.\//, "", file)}
        /^$/ {
            if (name " " version " " architecture in have) print repository, name, version, architecture, sum, uri, file
            name = version = architecture = sum = file = ""
        }' /tmp/installed lists=1 - | sort -u >>"$result/origins"
done
