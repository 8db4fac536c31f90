#!/bin/sh
# Writes the newest version in the archive of each package that is an argument.
set -eu
apt-get update
for package; do
    version=$(apt-cache policy "$package" | awk '$1 == "Candidate:" {print $2}')
    echo "$package ${version:-none}"
done >/run/pgstrata/watched/versions
cat /run/pgstrata/watched/versions
