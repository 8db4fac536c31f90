#!/bin/bash
# What the operator mounted, in the order of the names, as the official image runs it: executables are run, other shell
# scripts are sourced one after another by this shell, SQL goes to POSTGRES_DB. The first failure ends it. Names here are
# those that such scripts know from the official image; those that begin with an underscore are this file's own.
set -Eeo pipefail

_scripts=/opt/container/entrypoint.d/scripts
# shellcheck source=../utils/logging.sh
. "$_scripts/utils/logging.sh"

# docker_process_sql [OPTION...]: the SQL on standard input, as superuser, up to the first error.
docker_process_sql() {
    PGDATABASE=$POSTGRES_DB psql --no-psqlrc --no-password --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" "$@"
}

# docker_process_init_files FILE...
docker_process_init_files() {
    while (($#)); do
        _left=("${@:2}")
        _file=$1
        shift
        [[ -f $_file ]] || continue
        case $_file in
            *.sh | *.sql | *.sql.gz | *.sql.xz | *.sql.zst) log_info 'running a script' file="$_file" ;;
            *)
                log_warn 'ignoring a file: neither a shell script nor SQL' file="$_file"
                continue
                ;;
        esac
        case $_file in
            *.sh)
                if [[ -x $_file ]]; then
                    "$_file"
                else
                    # shellcheck source=/dev/null
                    . "$_file"
                fi
                ;;
            *.sql) docker_process_sql --quiet --file="$_file" ;;
            *.sql.gz) gunzip --stdout "$_file" | docker_process_sql --quiet ;;
            *.sql.xz) xz --decompress --stdout "$_file" | docker_process_sql --quiet ;;
            *.sql.zst) zstd --decompress --stdout "$_file" | docker_process_sql --quiet ;;
        esac
    done
    _left=()
}

# _ended: a script that is sourced may end with `exit`; what comes after it must not be skipped.
_ended() {
    local status=$?
    if ((status)); then
        log_error 'a script failed' file="$_file" status="$status"
    elif ((${#_left[@]})); then
        exec bash "$_scripts/init/operator-scripts.sh" "${_left[@]}"
    fi
}

trap _ended EXIT
# shellcheck disable=SC2034 # the official image's scripts of former years use it
psql=(docker_process_sql)
docker_process_init_files "$@"
