# shellcheck shell=bash
# Backups by pgBackRest: its configuration, what the server archives with, and a new cluster made from a backup.

# prepare_backup: pgBackRest's configuration is one file, since not every server and hook has the container's environment.
# Its own variables (PGBACKREST_REPO1_TYPE, …) come over the image's defaults, each also from a file that a variable with
# _FILE behind its name names, but for those that are a file's name by themselves.
prepare_backup() {
    local variable name
    local -A options=(
        [repo1-path]=/var/lib/pgbackrest [repo1-retention-full]=2
        [compress-type]=zst [start-fast]=y [archive-check]=y
        [log-level-console]=warn [log-level-file]=off [lock-path]=$RUNTIME_DIRECTORY/pgbackrest
    )
    wants_backup || [[ -n $RESTORE ]] || return 0
    for variable in $(compgen -v PGBACKREST_); do
        case $variable in
            PGBACKREST_CONFIG* | PGBACKREST_STANZA) continue ;;
            *_CA_FILE | *_CERT_FILE | *_HOST_KEY_FILE | *_SERVER_KEY_FILE | *_PRIVATE_KEY_FILE | *_PUBLIC_KEY_FILE) ;;
            *)
                variable=${variable%_FILE}
                load_secret "$variable"
                ;;
        esac
        name=${variable#PGBACKREST_}
        name=${name,,}
        [[ -z ${!variable} ]] || options[${name//_/-}]=${!variable}
        unset "$variable" "${variable}_FILE"
    done
    report_problems
    {
        echo '[global]'
        for name in "${!options[@]}"; do
            printf '%s=%s\n' "$name" "${options[$name]}"
        done | sort
        printf '\n[%s]\n' "$PGBACKREST_STANZA"
        printf 'pg1-%s\n' "path=$PGDATA" "port=$PGPORT" "socket-path=$SOCKET_DIRECTORY" "user=$POSTGRES_USER" database=postgres
        if [[ $RESTORE_STANZA != "$PGBACKREST_STANZA" ]]; then
            printf '\n[%s]\npg1-path=%s\n' "$RESTORE_STANZA" "$PGDATA"
        fi
    } >"$BACKUP_CONFIGURATION"
    [[ ${options[repo1-type]-posix} != posix ]] || prepare_directory "${options[repo1-path]}" 0750
}

# archive_command DIRECTORY, and restore_command DIRECTORY STANZA: as the server in the directory calls them. Without
# one, it is that of the configuration.
archive_command() {
    echo "pgbackrest --config=$BACKUP_CONFIGURATION --stanza=$PGBACKREST_STANZA${1:+ --pg1-path=$1} archive-push %p"
}
restore_command() { echo "pgbackrest --config=$BACKUP_CONFIGURATION --stanza=$2${1:+ --pg1-path=$1} archive-get %f \"%p\""; }

# archive_options ARRAY DIRECTORY: of the server in the directory.
archive_options() {
    local -n to=$1
    to=()
    wants_backup || return 0
    # shellcheck disable=SC2034 # the caller's
    to=(-c archive_mode=on -c archive_command="$(archive_command "$2")" -c archive_timeout="$BACKUP_ARCHIVE_TIMEOUT")
}

{{if .Patroni}}# patroni_archive: the same for Patroni; replicas are made from a backup where there is one, and catch up from the archive.
patroni_archive() {
    local command
    command=$(restore_command "" "$PGBACKREST_STANZA")
    cat <<YAML
postgresql:
  parameters:
    archive_mode: 'on'
    archive_command: '$(archive_command "")'
    archive_timeout: '$BACKUP_ARCHIVE_TIMEOUT'
  recovery_conf:
    restore_command: '$command'
  create_replica_methods: [pgbackrest, basebackup]
  pgbackrest:
    command: /opt/container/entrypoint.d/scripts/runtime/patroni-restore.sh
    keep_data: true
    no_params: true
YAML
}

# undo_patroni_configuration DIRECTORY: Patroni keeps the file that it was given, and writes another one.
undo_patroni_configuration() {
    [[ ! -e $1/postgresql.base.conf ]] || mv "$1/postgresql.base.conf" "$1/postgresql.conf"
}

{{end}}# restore_cluster DIRECTORY [OPTION...]: from the backup before the time that RESTORE names, up to that time, on a timeline
# of its own. The roles that the container has passwords for get these.
restore_cluster() {
    local setting archive=() type=(--type=default)
    log_info 'restoring a backup' directory="$PGDATA" stanza="$RESTORE_STANZA" to="$RESTORE"
    [[ $RESTORE == latest ]] || type=(--type=time --target="$RESTORE" --target-action=promote)
    mkdir -m 0700 "$1"
    in_background pgbackrest --config="$BACKUP_CONFIGURATION" --stanza="$RESTORE_STANZA" --pg1-path="$1" \
        --log-level-console=info "${type[@]}" --recovery-option=restore_command="$(restore_command "$1" "$RESTORE_STANZA")" restore ||
        die 'the backup cannot be restored; pgBackRest says why above'
{{if .Patroni}}    undo_patroni_configuration "$1"
{{end}}    configure_access "$1"

    archive_options archive "$1"
    start_private_server "$@" "${archive[@]}" -c synchronous_standby_names=
    until [[ $(run_sql --dbname=postgres --tuples-only --no-align --command='SELECT pg_is_in_recovery()') == f ]]; do
        kill -0 "${private_server:?}" 2>/dev/null || die 'the backup cannot be recovered; the server says why above'
        pause 0.5
    done
    for setting in restore_command recovery_target recovery_target_time recovery_target_action recovery_target_timeline; do
        run_sql --dbname=postgres --command="ALTER SYSTEM RESET $setting"
    done
    [[ -z $REPLICATION_PASSWORD ]] || {
        create_replication_role
        set_password "$REPLICATION_USER" "$REPLICATION_PASSWORD"
    }
    [[ -z $POSTGRES_PASSWORD ]] || set_password "$POSTGRES_USER" "$POSTGRES_PASSWORD"
    stop_private_server "$1"
}
