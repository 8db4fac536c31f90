#!/bin/sh
# Patroni is a Python program from Debian's packages, which are this script's own: another version of them concerns no
# compiler.
set -eu

# The operator's parts of its configuration.
install -d /etc/patroni/conf.d

# The imports that a node needs: the build fails here if one is missing, not the first container.
python3 -c 'import patroni.dcs.etcd3, patroni.postgresql, psycopg2'
