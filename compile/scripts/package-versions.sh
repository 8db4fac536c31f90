#!/bin/sh
# Writes the newest version in the archive of each package that is an argument.
set -eu
apt-get update -o APT::Update::Error-Mode=any || {
    echo "the package archive does not answer; repeat the build when the daemon can reach it, by HTTP_PROXY where it needs one" >&2
    exit 100
}
for package; do
    version=$(apt-cache policy "$package" | awk '$1 == "Candidate:" {print $2}')
    echo "$package ${version:-none}"
done >/run/pgstrata/watched/versions
cat /run/pgstrata/watched/versions
