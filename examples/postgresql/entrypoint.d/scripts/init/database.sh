# shellcheck shell=bash
# The first start on an empty volume: a cluster, its roles and databases, the operator's own scripts.
#
# All of it happens in a directory inside of PGDATA, with a server that listens on a private socket alone. The finished
# cluster moves up, PG_VERSION last: so a start that was interrupted, or a script that failed, leaves nothing that looks
# like a cluster, and the next start begins anew.

# create_cluster: makes the cluster, or finishes what a former start has all but finished.
create_cluster() {
    local unfinished=$PGDATA/.initializing finished=$PGDATA/.initialized
    if [[ ! -d $finished ]]; then
        initialize "$unfinished"
        mv "$unfinished" "$finished"
    fi
    find "$finished" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$finished/PG_VERSION" "$PGDATA"
    rmdir "$finished"
    log_info 'cluster created' directory="$PGDATA"
}

# initialize DIRECTORY
initialize() {
    log_info 'creating a cluster' directory="$PGDATA" user="$POSTGRES_USER" database="$POSTGRES_DB"
    in_background run_initdb "$1" || die 'initdb failed; it says why above'

    # initdb wrote comments and defaults; let the file say where settings come from.
    cat >"$1/postgresql.conf" <<'CONF'
# Settings of the image, then those of /etc/postgresql/conf.d. Lines added below the include come after both.
include '/etc/postgresql/postgresql.conf'
CONF

    start_private_server "$1"
    [[ -z $REPLICATION_PASSWORD ]] || create_replication_role
    create_database
    PGDATA=$1 run_operator_scripts
    stop_private_server
}

# run_initdb DIRECTORY: the password comes through standard input.
run_initdb() {
    local more=()
    read -ra more <<<"$POSTGRES_INITDB_ARGS"
    [[ -z $POSTGRES_PASSWORD ]] || more+=(--pwfile=/dev/stdin)
    initdb --pgdata="$1" --username="$POSTGRES_USER" --encoding=UTF8 --locale="$LANG" --data-checksums \
        --auth-local=peer --auth-host=scram-sha-256 --no-instructions "${more[@]}" <<<"$POSTGRES_PASSWORD"
}

# start_private_server DIRECTORY: without TCP, its socket in a directory that only this user can enter. Scripts find it
# by PGHOST.
start_private_server() {
    export PGHOST=$RUNTIME_DIRECTORY
    postgres -D "$1" -c listen_addresses= -c unix_socket_directories="$PGHOST" &
    private_server=$!
    until pg_isready --quiet; do
        kill -0 "$private_server" 2>/dev/null || die 'the new cluster does not start; the server says why above'
        pause 0.1
    done
}

stop_private_server() {
    [[ -n ${private_server-} ]] || return 0
    kill -s INT "$private_server" 2>/dev/null || true
    wait "$private_server" || die 'the new cluster did not stop cleanly; the server says why above'
    private_server=
    unset PGHOST
}

# run_sql [OPTION...]: the SQL on standard input, as superuser, up to the first error.
run_sql() {
    psql --no-psqlrc --quiet --no-password --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" "$@"
}

create_database() {
    run_sql --dbname=postgres --set=name="$POSTGRES_DB" <<'SQL'
SELECT format('CREATE DATABASE %I', :'name')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = :'name') \gexec
SQL
}

# create_replication_role: psql takes the password from its environment, and the server writes no statement to its log,
# not even one that fails.
create_replication_role() {
    REPLICATION_PASSWORD=$REPLICATION_PASSWORD run_sql --dbname=postgres --set=name="$REPLICATION_USER" <<'SQL'
\getenv password REPLICATION_PASSWORD
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
CREATE ROLE :"name" WITH LOGIN REPLICATION PASSWORD :'password';
SQL
}

# run_operator_scripts: what the operator mounted, in the order of the names, as the official image runs it: executables
# are run, other shell scripts are sourced, SQL goes to POSTGRES_DB. The first failure ends it.
run_operator_scripts() {
    local file
    for file in "$INITDB_DIRECTORY"/*; do
        [[ -f $file ]] || continue
        case $file in
            *.sh | *.sql | *.sql.gz | *.sql.xz | *.sql.zst)
                log_info 'running a script' file="$file"
                in_background run_operator_script "$file" || die 'a script failed' file="$file"
                ;;
            *) log_warn 'ignoring a file: neither a shell script nor SQL' file="$file" ;;
        esac
    done
}

# run_operator_script FILE: in a process of its own, which alone gets the password. A script that is sourced finds a
# shell that stops at the first error, and none of the names used here.
run_operator_script() {
    export POSTGRES_PASSWORD
    export -f run_sql docker_process_sql
    case $1 in
        *.sh)
            if [[ -x $1 ]]; then
                exec "$1"
            else
                # shellcheck disable=SC2016 # the other shell's $1
                exec bash -eo pipefail -c '. "$1"' bash "$1"
            fi
            ;;
        *.sql) docker_process_sql --file="$1" ;;
        *.sql.gz) gunzip --stdout "$1" | docker_process_sql ;;
        *.sql.xz) xz --decompress --stdout "$1" | docker_process_sql ;;
        *.sql.zst) zstd --decompress --stdout "$1" | docker_process_sql ;;
    esac
}

# docker_process_sql [OPTION...]: the name under which sourced scripts know it from the official image.
docker_process_sql() {
    run_sql --dbname="$POSTGRES_DB" "$@"
}
