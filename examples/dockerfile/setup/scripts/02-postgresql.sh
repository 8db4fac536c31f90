#!/bin/bash
set -euo pipefail
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/image.conf
apt-get install -y --no-install-recommends "postgresql-$POSTGRESQL_VERSION"
ln -s "/usr/lib/postgresql/$POSTGRESQL_VERSION/bin" /opt/postgresql
