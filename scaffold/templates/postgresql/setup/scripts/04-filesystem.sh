#!/bin/sh
# Makes the directories that the container writes to, and those where an operator puts files.
set -eu

# The cluster. A new volume mounted here takes over owner and mode, and the first start closes it. Open to all until then,
# as a platform may start the container with any user.
install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data

# Backups, where BACKUP=pgbackrest has them in a volume.
install -d -o postgres -g postgres -m 1777 /var/lib/pgbackrest

# The server's socket, open to other users and containers that share the directory.
install -d -o postgres -g postgres -m 3777 /run/postgresql

# Configuration made at every start, in files that only their owner can read.
install -d -o postgres -g postgres -m 1777 /run/container

# The operator's: settings, and scripts for a new cluster.
install -d /etc/postgresql/conf.d{{if .Patroni}} /etc/patroni/conf.d{{end}} /docker-entrypoint-initdb.d
