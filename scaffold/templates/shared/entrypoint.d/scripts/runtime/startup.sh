# shellcheck shell=bash
# How each mode starts: check, prepare, hand over to the supervisor.

# start_maintenance: no server, and nothing checked, so that a broken data directory can be worked on with `docker
# exec`.
start_maintenance() {
    (prepare_runtime) || log_warn 'the directories of a server could not be made'
    log_info 'maintenance: no server is started' directory="$PGDATA"
    trap '' HUP
    supervise TERM sleep infinity
}

# start_postgresql [OPTION...]: a single server.
start_postgresql() {
    local archive=()
    check_settings
    report_problems

    prepare_runtime
    cluster_exists || [[ -n $RESTORE ]] || require_password POSTGRES_PASSWORD
    report_problems

    prepare_backup
    prepare_data_directory
    if cluster_exists; then
        configure_access
    else
        create_cluster "$@"
    fi
    forgive_lock_file
    archive_options archive "$PGDATA"
    start_backups
    log_info 'starting PostgreSQL' directory="$PGDATA" port="$PGPORT"
    supervise INT postgres -D "$PGDATA" -c listen_addresses="$POSTGRES_LISTEN_ADDRESSES" "${archive[@]}" "$@"
}

{{if .Patroni}}# start_patroni: a node of a cluster. Patroni creates or clones the cluster's data, and starts and stops the server.
start_patroni() {
    check_settings
    check_patroni_settings
    (($# == 0)) || problem "with Patroni, server options belong into its configuration, not on the command line: $*"
    report_problems

    prepare_runtime
    configure_patroni
    check_patroni_node
    report_problems

    prepare_backup
    remove_unfinished_copy_of_patroni
    prepare_data_directory
    if cluster_exists; then
        configure_access
    else
        in_background python3 "$SCRIPTS/runtime/patroni-node.py" forgive || log_warn 'the store was not asked; see above'
    fi
    start_backups
    log_info 'starting Patroni' scope="$PATRONI_SCOPE" name="$PATRONI_NAME" directory="$PGDATA" port="$PGPORT"
    supervise TERM python3 "$SCRIPTS/runtime/patroni-node.py" run
}

{{end}}# start_exporter [OPTION...]: metrics of a server elsewhere. The exporter's own variables say which, and as whom
# (DATA_SOURCE_URI, DATA_SOURCE_USER, DATA_SOURCE_PASS_FILE).
start_exporter() {
    command -v postgres_exporter >/dev/null || die 'the image has no postgres_exporter: build it with EXPORTER_VERSION'
    [[ -n ${DATA_SOURCE_URI-}${DATA_SOURCE_URI_FILE-}${DATA_SOURCE_NAME-} ]] || problem 'DATA_SOURCE_URI is not set: host:port/database of a server'
    report_problems
    log_info 'starting postgres_exporter'
    supervise TERM postgres_exporter "$@"
}

# start_backups: takes them when the server is there.
start_backups() {
    wants_backup || return 0
    PGDATA=$PGDATA PGPORT=$PGPORT POSTGRES_USER=$POSTGRES_USER PGBACKREST_STANZA=$PGBACKREST_STANZA \
        "$SCRIPTS/runtime/backup-agent.sh" &
    # shellcheck disable=SC2034 # supervise ends it
    backups=$!
}

{{if .Patroni}}# remove_unfinished_copy_of_patroni: a node that was killed while it was copied from another has what no server can start
# from: pg_control is copied last, and without it there is no cluster to be lost. It is copied anew.
remove_unfinished_copy_of_patroni() {
    if [[ -d $PGDATA && ! -e $PGDATA/global/pg_control ]] &&
        [[ -e $PGDATA/backup_label || $(ls -A "$PGDATA") == pg_wal ]]; then
        log_warn 'the copy of this node was interrupted: it is made anew' directory="$PGDATA"
        find "$PGDATA" -mindepth 1 -delete
    fi
}

{{end}}# prepare_data_directory: what both kinds of server need before they can be started.
prepare_data_directory() {
    prepare_directories
    lock_data_directory
    check_data_directory
}

# forgive_lock_file: after a crash, PostgreSQL's lock file names a process id that something else may have by now, in
# this container where ids start from 1 every time. The server would take that for another server; pg_ctl's variable
# tells it not to. The lock on the directory has shown that there is no other.
forgive_lock_file() {
    local pid
    if [[ -e $PGDATA/postmaster.pid ]] && ! postmaster_pid "$PGDATA" >/dev/null; then
        read -r pid <"$PGDATA/postmaster.pid" || return 0
        export PG_GRANDPARENT_PID=$pid
    fi
}
