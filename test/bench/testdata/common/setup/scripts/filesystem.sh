#!/bin/sh
# Makes the directories that the container writes to, and those where an operator puts files.
set -eu

install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data /run/container
install -d -o postgres -g postgres -m 3777 /run/postgresql
install -d /etc/postgresql/conf.d /docker-entrypoint-initdb.d
