#!/usr/bin/env bash
# Runs every setup script in order. Called from a single RUN.
set -Eeuo pipefail

SCRIPT_DIR="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" >/dev/null 2>&1 && pwd -P)"
readonly SCRIPT_DIR
export DEBIAN_FRONTEND=noninteractive

# shellcheck source=lib/common.sh
source "${SCRIPT_DIR}/lib/common.sh"

PG_MAJOR="${POSTGRESQL_VERSION%%.*}"

run_step() {
    local name="$1"
    log_info "running ${name}"
    bash "${SCRIPT_DIR}/scripts/${name}"
}

main() {
    mkdir -p "${BUILD_ROOT}"
    run_step 01-locales.sh
    run_step 02-install-postgresql.sh
    for script in 03-install-python 04-install-patroni; do
        run_step "${script}.sh"
    done
    if [ "${PG_MAJOR}" -ge 14 ]; then
        run_step "05-extensions.sh"
    fi
    "${SCRIPT_DIR}/scripts/99-cleanup.sh"
}

main "$@"
