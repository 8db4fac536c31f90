# shellcheck shell=bash
# How each mode starts: check, prepare, hand over to the supervisor.

# start_maintenance: no server, and nothing checked, so that a broken data directory can be worked on with `docker
# exec`. The access rules are there for a server that somebody starts by hand.
start_maintenance() {
    (configure_access) || log_warn 'access rules could not be made'
    log_info 'maintenance: no server is started' directory="$PGDATA"
    trap '' HUP
    supervise TERM sleep infinity
}

# start_postgresql [OPTION...]: a single server.
start_postgresql() {
    check_settings
    cluster_exists || require_password POSTGRES_PASSWORD
    report_problems

    prepare_data_directory
    cluster_exists || create_cluster
    forgive_lock_file
    log_info 'starting PostgreSQL' directory="$PGDATA" port="$PGPORT"
    supervise INT postgres -D "$PGDATA" -c listen_addresses="$POSTGRES_LISTEN_ADDRESSES" "$@"
}

# start_patroni: a node of a cluster. Patroni creates or clones the cluster's data, and starts and stops the server.
start_patroni() {
    check_settings
    check_patroni_settings
    (($# == 0)) || problem "with Patroni, server options belong into its configuration, not on the command line: $*"
    require_password POSTGRES_PASSWORD
    require_password REPLICATION_PASSWORD
    report_problems

    prepare_data_directory
    configure_patroni
    log_info 'starting Patroni' scope="$PATRONI_SCOPE" name="$PATRONI_NAME" directory="$PGDATA" port="$PGPORT"
    supervise TERM patroni "$PATRONI_CONFIGURATION"
}

# prepare_data_directory: what both kinds of server need before they can be started.
prepare_data_directory() {
    require_ordinary_user
    prepare_directories
    lock_data_directory
    check_data_directory
    configure_access
}

# forgive_lock_file: after a crash, PostgreSQL's lock file names a process id that something else may have by now, in
# this container where ids start from 1 every time. The server would take that for another server; pg_ctl's variable
# tells it not to. The lock on the directory has shown that there is no other.
forgive_lock_file() {
    local pid
    if [[ -e $PGDATA/postmaster.pid ]] && ! postmaster_pid >/dev/null; then
        read -r pid <"$PGDATA/postmaster.pid" || return 0
        export PG_GRANDPARENT_PID=$pid
    fi
}
