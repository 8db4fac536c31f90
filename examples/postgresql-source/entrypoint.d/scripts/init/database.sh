# shellcheck shell=bash
# The first start on an empty volume: a cluster, its roles and databases, the operator's own scripts.
#
# All of it happens in a directory inside of PGDATA, with a server that listens on a private socket alone. The finished
# cluster moves up, PG_VERSION last: so a start that was interrupted, or a script that failed, leaves nothing that looks
# like a cluster, and the next start begins anew.

# create_cluster [OPTION...]: makes the cluster, or finishes what a former start has all but finished. Options are the
# server's.
create_cluster() {
    local unfinished=$PGDATA/.initializing finished=$PGDATA/.initialized
    if [[ ! -d $finished ]]; then
        if [[ -n $RESTORE ]]; then
            restore_cluster "$unfinished" "$@"
        else
            initialize "$unfinished" "$@"
        fi
        mv "$unfinished" "$finished"
    fi
    move_up "$finished"
    log_info 'cluster created' directory="$PGDATA"
}

# move_up DIRECTORY: a finished cluster to its place, PG_VERSION last.
move_up() {
    find "$1" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$1/PG_VERSION" "$PGDATA"
    rmdir "$1"
}

# initialize DIRECTORY [OPTION...]
initialize() {
    log_info 'creating a cluster' directory="$PGDATA" user="$POSTGRES_USER" database="$POSTGRES_DB"
    in_background run_initdb "$1" || die 'initdb failed; it says why above'
    configure_server "$1"
    configure_access "$1"

    start_private_server "$@"
    [[ -z $REPLICATION_PASSWORD ]] || create_replication_role
    [[ -z $PGBOUNCER_PASSWORD ]] || create_pooler_role
    create_database
    run_operator_scripts "$1"
    stop_private_server "$1"
}

# start_private_server DIRECTORY [OPTION...]: without TCP, its socket in a directory that only this user can enter. Scripts
# find it by PGHOST.
start_private_server() {
    export PGHOST=$RUNTIME_DIRECTORY
    postgres -D "$1" "${@:2}" -c listen_addresses= -c unix_socket_directories="$PGHOST" &
    private_server=$!
    until pg_isready --quiet; do
        kill -0 "$private_server" 2>/dev/null || die 'the new cluster does not start; the server says why above'
        pause 0.1
    done
}

# stop_private_server DIRECTORY: the one that was started, and one that a script has put in its place.
stop_private_server() {
    local postmaster
    [[ -n ${private_server-} ]] || return 0
    kill -s INT "$private_server" 2>/dev/null || true
    wait "$private_server" || die 'the new cluster did not stop cleanly; the server says why above'
    while postmaster=$(postmaster_pid "$1"); do
        kill -s INT "$postmaster" 2>/dev/null || true
        pause 0.2
    done
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

# create_replication_role: unless it is there. psql takes the password from its environment, and the server writes no
# statement to its log, not even one that fails. A leader must not wait for replicas that cannot connect without it.
create_replication_role() {
    REPLICATION_PASSWORD=$REPLICATION_PASSWORD run_sql --dbname=postgres --set=name="$REPLICATION_USER" <<'SQL'
\getenv password REPLICATION_PASSWORD
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SET synchronous_commit = local;
SELECT format('CREATE ROLE %I WITH LOGIN REPLICATION PASSWORD %L', :'name', nullif(:'password', ''))
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'name') \gexec
SQL
}

# set_password ROLE PASSWORD: in the same way.
set_password() {
    ROLE_PASSWORD=$2 run_sql --dbname=postgres --set=name="$1" <<'SQL'
\getenv password ROLE_PASSWORD
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SET synchronous_commit = local;
SELECT format('ALTER ROLE %I PASSWORD %L', :'name', :'password') \gexec
SQL
}

# run_operator_scripts DIRECTORY: in a process of their own, which alone gets the password.
run_operator_scripts() {
    PGDATA=$1 POSTGRES_PASSWORD=$POSTGRES_PASSWORD in_background \
        bash "$SCRIPTS/init/operator-scripts.sh" "$INITDB_DIRECTORY"/* || die 'a script failed' status="$?"
}
