#!/bin/sh
# packages.sh runtime|build...: installs what the image needs, what compiling needs, or both.
set -eu

runtime='xz-utils zstd'
build='gcc libc6-dev ccache locales'

names=
for set; do
    case $set in
        runtime) names="$names $runtime" ;;
        build) names="$names $build" ;;
    esac
done
export DEBIAN_FRONTEND=noninteractive
apt-get update
# shellcheck disable=SC2086 # words
apt-get install --yes --no-install-recommends $names
