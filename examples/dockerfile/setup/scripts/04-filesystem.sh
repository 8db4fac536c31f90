#!/bin/bash
set -euo pipefail
install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
install -d -o postgres -g postgres -m 2775 /var/run/postgresql
