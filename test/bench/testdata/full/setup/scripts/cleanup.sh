#!/bin/sh
# For the naive Dockerfile: what must not stay in the layer of its one step.
set -eu

apt-get purge --yes build-essential ccache pkg-config meson ninja-build locales libbz2-dev libc-ares-dev libevent-dev \
    liblz4-dev libpq-dev libssl-dev libxml2-dev libyaml-dev libzstd-dev zlib1g-dev
apt-get autoremove --yes
apt-get clean
rm -rf /build /root/.cache /var/cache/sources /var/lib/apt/lists/*
