#!/bin/sh
# packages.sh runtime|build...: installs what the image needs, what compiling needs, or both.
set -eu

runtime='xz-utils zstd libbz2-1.0 libc-ares2 libevent-2.1-7 liblz4-1 libpq5 libssl3 libxml2 libzstd1 zlib1g
    libgssapi-krb5-2 libicu72 libldap-2.5-0 libsystemd0 libxslt1.1 tzdata perl python3 python3-dateutil python3-etcd python3-prettytable python3-psutil python3-psycopg2 python3-yaml'
build='build-essential ccache pkg-config meson ninja-build locales libbz2-dev libc-ares-dev libevent-dev liblz4-dev
    libpq-dev libssl-dev libxml2-dev libyaml-dev libzstd-dev zlib1g-dev'

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
