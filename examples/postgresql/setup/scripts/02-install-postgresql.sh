#!/bin/sh
# Installs PostgreSQL, without the cluster that Debian's package would create: clusters belong on volumes, where the
# container creates them when it starts. And pgBackRest, for BACKUP=pgbackrest, and PgBouncer, for MODE=pgbouncer.
set -eu

mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/container.conf

apt-get update
apt-get install -y --no-install-recommends "postgresql-$POSTGRESQL_VERSION" pgbackrest
[ "$PGBOUNCER" != true ] || apt-get install -y --no-install-recommends pgbouncer

# ssl-cert, which the package depends on, has made a private key. One that everybody who has the image knows is none.
rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
find /etc/ssl/certs -lname ssl-cert-snakeoil.pem -delete

# A cluster made and thrown away in scratch space: the build fails here if the server, its libraries or the locale are
# broken, not the first container.
install -d -o postgres -g postgres /temp/proof
runuser -u postgres -- "/usr/lib/postgresql/$POSTGRESQL_VERSION/bin/initdb" \
    --pgdata=/temp/proof --locale=en_US.UTF-8 --encoding=UTF8 --auth-local=peer --auth-host=reject --no-sync
