#!/bin/sh
# Installs Patroni and its client for etcd. Debian's package leaves the choice of the store to its administrator;
# python3-etcd serves both of etcd's APIs, of which the entrypoint uses version 3.
set -eu

# bookworm has 3.0.2, with which a leader that was frozen takes the lock back from its successor, and commits are lost.
# trixie's Patroni is the same Python program for every release; of its packages only those two are ever taken.
. /etc/os-release
if [ "$VERSION_CODENAME" = bookworm ]; then
    cat >/etc/apt/sources.list.d/patroni.sources <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    cat >/etc/apt/preferences.d/patroni <<'PREFERENCES'
Package: *
Pin: release n=trixie
Pin-Priority: -1

Package: patroni python3-ydiff
Pin: release n=trixie
Pin-Priority: 990
PREFERENCES
fi

apt-get update
apt-get install -y --no-install-recommends "patroni=$PATRONI_VERSION-*" python3-etcd

# The imports that a node needs: the build fails here if one is missing, not the first container.
python3 -c 'import patroni.dcs.etcd3, patroni.dcs.kubernetes, patroni.postgresql, psycopg2'
