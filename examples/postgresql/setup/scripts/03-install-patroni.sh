#!/bin/sh
# Installs Patroni and its client for etcd. Debian's package leaves the choice of the store to its administrator;
# python3-etcd serves both of etcd's APIs, of which the entrypoint uses version 3.
set -eu

apt-get update
apt-get install -y --no-install-recommends "patroni=$PATRONI_VERSION-*" python3-etcd

# The imports that a node needs: the build fails here if one is missing, not the first container.
python3 -c 'import patroni.dcs.etcd3, patroni.postgresql, psycopg2'
