#!/bin/sh
. /opt/container/entrypoint.d/scripts/utils/logging.sh
pg_isready -q -U "${POSTGRES_USER:-postgres}" || exit 1
