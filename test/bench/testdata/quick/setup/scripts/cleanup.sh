#!/bin/sh
# For the naive Dockerfile: what must not stay in the layer of its one step.
set -eu

apt-get purge --yes gcc libc6-dev ccache locales
apt-get autoremove --yes
apt-get clean
rm -rf /build /root/.cache /var/lib/apt/lists/*
