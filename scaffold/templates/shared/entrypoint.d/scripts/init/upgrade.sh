# shellcheck shell=bash
# MODE=upgrade: the cluster of an older major version becomes one of the image's, by pg_upgrade.
#
# The new cluster is made in a directory inside of PGDATA, as a first start's is. Until it is whole, the old one is as it was,
# so whatever fails or is killed is undone by the next start, of either version. Then the two change places: the new one's
# name says so, and from there on every start goes forward.

readonly PRIVATE_ACCESS=$RUNTIME_DIRECTORY/upgrade_hba.conf

# start_upgrade: a job, which ends when the cluster is upgraded.
start_upgrade() {
    local theirs ours unfinished=$PGDATA/.initializing finished=$PGDATA/.initialized
    check_settings
    require_match UPGRADE_METHOD 'copy|link|clone' 'copy, link or clone'
{{if .Patroni}}    ! is_true "$USE_PATRONI" || check_patroni_settings
{{end}}    report_problems

    prepare_runtime
{{if .Patroni}}    ! is_true "$USE_PATRONI" || configure_patroni
{{end}}    prepare_backup
    prepare_directories
    lock_data_directory
    remove_unfinished
    cluster_exists || [[ -d $finished ]] || die 'there is no cluster to upgrade' directory="$PGDATA"
    theirs=$(cat "$PGDATA/PG_VERSION" 2>/dev/null || echo none)
    ours=$(image_major)
    forgive_lock_file
    echo 'local all all trust' >"$PRIVATE_ACCESS"

    if [[ $theirs != "$ours" && ! -d $finished ]]; then
        check_upgrade
        upgrade_to "$unfinished" || {
            remove_unfinished
            die 'not upgraded: the old cluster is as it was; the reason is above' directory="$PGDATA" version="$theirs"
        }
        sync
        mv "$unfinished" "$finished"
    fi
    change_places
    complete_upgrade
{{if .Patroni}}    ! is_true "$USE_PATRONI" || forget_patroni_cluster
{{end}}    ! wants_backup || in_background pgbackrest --config="$BACKUP_CONFIGURATION" --stanza="$PGBACKREST_STANZA" --no-online stanza-upgrade ||
        log_warn 'the repository of backups does not know the new version yet: run pgbackrest stanza-upgrade'
    log_info 'the cluster is upgraded: start the container without MODE=upgrade' directory="$PGDATA" version="$ours"
}

# programs_of MAJOR: where the image has a version's.
programs_of() { echo "/usr/lib/postgresql/$1/bin"; }

# check_upgrade: what must be there, and what must not.
check_upgrade() {
    [[ -x $(programs_of "$theirs")/postgres ]] ||
        die 'the image has no programs of the old version: build it with UPGRADE_FROM' version="$theirs"
    [[ ! -e $PGDATA/standby.signal ]] ||
        die 'this is a replica: upgrade the leader, and give this one an empty volume' directory="$PGDATA"
{{if .Patroni}}    ! is_true "$USE_PATRONI" || check_patroni_stopped || die 'not upgraded: the reason is above'
{{end}}}

{{if .Patroni}}# check_patroni_stopped [LSN]: no node leads, and this one has led last.
check_patroni_stopped() {
    local timeline
    timeline=$(LC_ALL=C "$(programs_of "$theirs")/pg_controldata" "$PGDATA" | sed -n "s/^Latest checkpoint's TimeLineID: *//p")
    python3 "$SCRIPTS/runtime/patroni-node.py" stopped "$timeline" "$@"
}

{{end}}# start_old_server: on a private socket. Then it has recovered, and can be asked.
start_old_server() {
    PATH=$(programs_of "$theirs"):$PATH start_private_server "$PGDATA" -c port="$PGPORT" -c hba_file="$PRIVATE_ACCESS" \
        -c archive_mode=off -c synchronous_standby_names=
}

# start_new_server: the same for the new one, when it is in its place.
start_new_server() {
    start_private_server "$PGDATA" -c port="$PGPORT" -c hba_file="$PRIVATE_ACCESS" -c archive_mode=off \
        -c synchronous_standby_names= -c autovacuum=off
}

# upgrade_to DIRECTORY: makes the new cluster there. Nothing that it does changes the old one but for pg_control's name, when
# files are linked.
upgrade_to() {
    local arguments=() superuser options position
    start_old_server
    position=$(ask_cluster "SELECT pg_current_wal_lsn() - '0/0'") || return
    superuser=$(ask_cluster "SELECT rolname FROM pg_roles WHERE oid = 10") || return
    new_cluster_arguments arguments || return
    stop_private_server "$PGDATA"
    log_info 'the old server has recovered, and is stopped' position="$position"
{{if .Patroni}}    ! is_true "$USE_PATRONI" || check_patroni_stopped "$position" || return
{{end}}
    log_info 'making an empty cluster' version="$ours" arguments="${arguments[*]}"
    in_background initdb --pgdata="$1" --username="$superuser" --auth=trust --no-instructions "${arguments[@]}" || return
    take_settings "$1" || return
    postgres -D "$1" -C data_directory >/dev/null || {
        log_error 'the new server does not take the old settings: change them in the old cluster, or in /etc/postgresql/conf.d'
        return 1
    }
    options="-c hba_file=$PRIVATE_ACCESS -c archive_mode=off -c synchronous_standby_names="
    arguments=(--old-datadir="$PGDATA" --new-datadir="$1" --old-bindir="$(programs_of "$theirs")" --new-bindir="$(programs_of "$ours")"
        --username="$superuser" --socketdir="$RUNTIME_DIRECTORY" --old-options="$options" --new-options="$options" --jobs="$(nproc)")
    log_info 'checking' from="$theirs" to="$ours"
    run_upgrade "$1" --check "${arguments[@]}" || return
    [[ $UPGRADE_METHOD == copy ]] || arguments+=("--$UPGRADE_METHOD")
    log_info 'upgrading' from="$theirs" to="$ours" method="$UPGRADE_METHOD"
    run_upgrade "$1" "${arguments[@]}"
}

# run_upgrade DIRECTORY OPTION...: pg_upgrade, with what its logs say if it fails. It writes scripts where it is started.
run_upgrade() {
    local file
    in_background pg_upgrade_privately "${@:2}" || {
        find "$1/pg_upgrade_output.d" -type f \( -name '*.log' -o -name '*.txt' \) -size +0 2>/dev/null | while read -r file; do
            log_error 'pg_upgrade says' file="${file##*/}"
            tail -n 50 "$file" >&2
        done
        return 1
    }
}

pg_upgrade_privately() {
    cd "$RUNTIME_DIRECTORY" || return
    unset PGHOST PGPORT PGDATA
    exec pg_upgrade "$@"
}

{{if .Patroni}}# forget_patroni_cluster: the store knows the old cluster's identity. The next node to start, this one, tells its own.
forget_patroni_cluster() {
    local identity
    identity=$(LC_ALL=C pg_controldata "$PGDATA" | sed -n 's/^Database system identifier: *//p')
    python3 "$SCRIPTS/runtime/patroni-node.py" forget "$identity"
}

{{end}}# ask_cluster SQL: of the private server.
ask_cluster() { run_sql --dbname=postgres --tuples-only --no-align --command="$1"; }

# new_cluster_arguments ARRAY: initdb's, so that the new cluster is as the old one. What is not told here is told by the old
# cluster's own databases.
new_cluster_arguments() {
    local -n to=$1
    local encoding collate ctype provider icu wal
    IFS='|' read -r encoding collate ctype < <(ask_cluster \
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = 'template0'") || return
    provider=$(ask_cluster "SELECT to_jsonb(d)->>'datlocprovider' FROM pg_database AS d WHERE datname = 'template0'") || return
    icu=$(ask_cluster "SELECT coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale') FROM pg_database AS d
        WHERE datname = 'template0'") || return
    to=(--encoding="$encoding" --lc-collate="$collate" --lc-ctype="$ctype"
        --wal-segsize="$(($(ask_cluster "SELECT setting::bigint / (1024 * 1024) FROM pg_settings WHERE name = 'wal_segment_size'")))")
    case $provider in
        i) to+=(--locale-provider=icu --icu-locale="$icu") ;;
        b) to+=(--locale-provider=builtin --builtin-locale="$icu") ;;
    esac
    if [[ $(ask_cluster 'SHOW data_checksums') == on ]]; then
        to+=(--data-checksums)
    elif ((ours >= 18)); then
        to+=(--no-data-checksums)
    fi
    if wal=$(readlink "$PGDATA/pg_wal"); then
        to+=(--waldir="$wal/$ours")
    fi
}

# take_settings DIRECTORY: the old cluster's settings, access rules, and what else somebody has put beside them.
take_settings() {
    local file
    for file in "$PGDATA"/*; do
        case ${file##*/} in
            PG_VERSION | postmaster.* | *.signal | backup_* | tablespace_map* | current_logfiles | recovery.* | pgsql_tmp*) continue ;;
        esac
        [[ ! -f $file ]] || cp --preserve=mode,timestamps "$file" "$1/" || return
    done
{{if .Patroni}}    undo_patroni_configuration "$1"
{{end}}}

# change_places: the old cluster moves away, PG_VERSION last, and the new one up. Of directories with this name neither
# pg_basebackup nor pgBackRest takes a copy.
change_places() {
    local old=$PGDATA/pgsql_tmp.$theirs
    [[ -d $finished ]] || return 0
    if cluster_exists; then
        mkdir -p "$old"
        find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name PG_VERSION ! -name .initialized ! -name 'pgsql_tmp*' -exec mv -t "$old" {} +
        mv "$PGDATA/PG_VERSION" "$old"
    fi
    move_up "$finished"
}

# complete_upgrade: what pg_upgrade leaves to do. It can be done again.
complete_upgrade() {
    local database old
    start_new_server
    while read -r -d '' database; do
        renew_database "$database"
    done < <(run_sql --dbname=postgres --tuples-only --no-align --record-separator-zero \
        --command='SELECT datname FROM pg_database WHERE datallowconn')
    log_info 'collecting statistics'
    in_background vacuumdb --all --analyze-in-stages --quiet --jobs="$(nproc)" --username="$POSTGRES_USER" ||
        log_warn 'statistics are missing: run vacuumdb --all --analyze-in-stages'
    stop_private_server "$PGDATA"
    for old in "$PGDATA"/pgsql_tmp.*; do
        [[ -d $old ]] || continue
        if [[ -e $old/global/pg_control.old ]]; then # its files are the new one's
            rm -rf "$PGDATA"/pg_tblspc/*/"PG_${old##*.}_"* "$old"
        else
            log_info 'the old cluster is still there: remove it when the new one has proven itself' directory="$old"
        fi
    done
}

# renew_database NAME: extensions of the new version, and indexes on text where the system sorts it in another way now.
renew_database() {
    log_info 'looking for old extensions and collations' database="$1"
    in_background run_sql --dbname="$1" --set=ON_ERROR_STOP=0 <<'SQL' || log_warn 'not all of it was renewed' database="$1"
SELECT format('ALTER EXTENSION %I UPDATE', name) FROM pg_available_extensions WHERE installed_version <> default_version \gexec
SELECT EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datcollversion <> pg_database_collation_actual_version(oid))
    OR EXISTS (SELECT FROM pg_collation WHERE collversion <> pg_collation_actual_version(oid)) AS stale \gset
\if :stale
    SELECT format('REINDEX DATABASE %I', current_database()) \gexec
    SELECT format('ALTER DATABASE %I REFRESH COLLATION VERSION', current_database()) \gexec
    SELECT format('ALTER COLLATION %I.%I REFRESH VERSION', nspname, collname) FROM pg_collation JOIN pg_namespace AS n ON n.oid = collnamespace
    WHERE collversion <> pg_collation_actual_version(pg_collation.oid) \gexec
\endif
SQL
}
