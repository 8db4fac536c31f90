#!/bin/sh
# Patroni, of the Debian release that is asked for: a Python program, so unpacking its package is enough.
set -eu
# shellcheck source=../lib/package.sh
. /context/setup/lib/package.sh

mkdir -p /var/cache/sources/patroni
cd /var/cache/sources/patroni
unpack "$PATRONI_VERSION" /opt/patroni patroni

# The operator's parts of its configuration.
install -d /etc/patroni/conf.d
