#!/bin/sh
# Takes the place of unpacking Patroni: programs of these names, and text, 2 MB, equal for equal versions.
set -eu

install -d /opt/patroni/usr/bin /etc/patroni/conf.d
cd /opt/patroni/usr/bin
for name in patroni patronictl; do
    printf '#!/bin/sh\nexit 0\n' >"$name"
    chmod 0755 "$name"
done
seq 1000000 1250000 | sed "s/^/$PATRONI_VERSION /" >/opt/patroni/patroni.py
