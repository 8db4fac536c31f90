#!/bin/sh
# Writes which of the packages, its arguments (`name`, `name=version`, `!name`), no archive has, and the names that archives have.
set -eu
result=/run/pgstrata/result
LC_ALL=C
export LC_ALL
apt-get update -o APT::Update::Error-Mode=any
for package; do
    case $package in !*) continue ;; esac
    name=${package%%=*}
    # apt-cache knows a name that is only spoken of, and not all that provides one.
    said=$(apt-get install --simulate --no-install-recommends -- "$name" 2>&1) || case $said in
    *"Unable to locate package"* | *"has no installation candidate"*) echo "$name" ;;
    esac
done >"$result/unknown"
apt-cache pkgnames >"$result/known"
