#!/bin/sh
# Makes the directories that the container writes to as its own user, and those where an operator puts files.
set -eu

# The cluster. A new volume mounted here takes over owner and mode.
install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data

# The server's socket, open to other users and containers that share the directory.
install -d -o postgres -g postgres -m 2775 /run/postgresql

# Configuration made at every start; it holds passwords.
install -d -o postgres -g postgres -m 0700 /run/container

# The operator's: settings, and scripts for a new cluster.
install -d /etc/postgresql/conf.d /etc/patroni/conf.d /docker-entrypoint-initdb.d
