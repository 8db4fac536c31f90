#!/bin/bash
# The container's process 1. With no arguments, or `postgres` and its options, it is in one of these modes:
#
{{if .Patroni}}#   USE_PATRONI=true   a node of a Patroni cluster
{{end}}#   SLEEP_MODE=true    maintenance: no server, for work on the data directory
#   MODE=upgrade       makes the cluster of an older major version one of the image's, and ends
#   MODE=pgbouncer     a pool of connections to a server elsewhere
#   MODE=exporter      metrics of a server elsewhere, for Prometheus
#   none of them       a {{if .Patroni}}single {{end}}PostgreSQL server
#
# Any other command (psql, {{if .Patroni}}patronictl, {{end}}bash) is run in its place, with nothing prepared.
set -euo pipefail
umask 077
trap exit TERM INT QUIT # the kernel keeps signals from a process 1 that has no trap; handle_signals sets better ones

readonly SCRIPTS=/opt/container/entrypoint.d/scripts
# shellcheck source=scripts/utils/logging.sh
. "$SCRIPTS/utils/logging.sh"
# shellcheck source=scripts/utils/settings.sh
. "$SCRIPTS/utils/settings.sh"
# shellcheck source=scripts/utils/validation.sh
. "$SCRIPTS/utils/validation.sh"
# shellcheck source=scripts/utils/security.sh
. "$SCRIPTS/utils/security.sh"
# shellcheck source=scripts/init/directories.sh
. "$SCRIPTS/init/directories.sh"
# shellcheck source=scripts/init/configuration.sh
. "$SCRIPTS/init/configuration.sh"
# shellcheck source=scripts/init/initdb.sh
. "$SCRIPTS/init/initdb.sh"
# shellcheck source=scripts/init/backup.sh
. "$SCRIPTS/init/backup.sh"
# shellcheck source=scripts/init/database.sh
. "$SCRIPTS/init/database.sh"
# shellcheck source=scripts/init/upgrade.sh
. "$SCRIPTS/init/upgrade.sh"
# shellcheck source=scripts/init/pgbouncer.sh
. "$SCRIPTS/init/pgbouncer.sh"
# shellcheck source=scripts/runtime/shutdown.sh
. "$SCRIPTS/runtime/shutdown.sh"
# shellcheck source=scripts/runtime/startup.sh
. "$SCRIPTS/runtime/startup.sh"

main() {
    case ${1-} in
        '' | -*) ;;
        postgres) shift ;;
        *) exec "$@" ;;
    esac
    case ${1-} in
        -V | --version | -\? | --help | --describe-config) exec postgres "$@" ;;
    esac

    step_down "$@"
    handle_signals
    load_modes
    require_boolean SLEEP_MODE{{if .Patroni}} USE_PATRONI{{end}}
    [[ -z $MODE ]] || require_match MODE 'upgrade|pgbouncer|exporter' 'upgrade, pgbouncer or exporter, or empty'
    report_problems
    load_files
    load_settings
    warn_of_foreign_variables
    case $(container_mode) in
        maintenance) start_maintenance ;;
{{if .Patroni}}        patroni) start_patroni "$@" ;;
{{end}}        upgrade) start_upgrade ;;
        pgbouncer) start_pgbouncer ;;
        exporter) start_exporter "$@" ;;
        postgresql) start_postgresql "$@" ;;
    esac
}

main "$@"
