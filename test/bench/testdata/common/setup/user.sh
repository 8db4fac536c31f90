#!/bin/sh
set -eu
groupadd --gid 999 postgres
useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql --no-create-home --shell /bin/bash postgres
install -d -o postgres -g postgres /var/lib/postgresql
