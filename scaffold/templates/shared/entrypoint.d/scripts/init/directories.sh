# shellcheck shell=bash
# The directories that a server writes to.

# prepare_runtime: the image has them; a mount can hide them (--tmpfs /run) or bring an owner of its own. Which directory the
# data is in is decided here, before anything is told of it.
prepare_runtime() {
    prepare_directory "$SOCKET_DIRECTORY" 3777
    prepare_directory "$RUNTIME_DIRECTORY" 0700
    take_account
    choose_data_directory
}

# prepare_directories: what holds the data.
prepare_directories() {
    prepare_directory "$PGDATA" 0700
    [[ -O $PGDATA ]] || refuse_owner "$PGDATA"
    [[ -z $POSTGRES_INITDB_WALDIR ]] || prepare_directory "$POSTGRES_INITDB_WALDIR" 0700
}

# prepare_directory PATH MODE
prepare_directory() {
    mkdir -p "$1" 2>/dev/null || true
    [[ -d $1 && -w $1 && -x $1 ]] || refuse_owner "$1"
    [[ ! -O $1 ]] || chmod "$2" "$1"
}

# choose_data_directory: PostgreSQL wants to own it. What a platform mounts belongs to root or to another user, and is
# open to this one by its group: then the data goes into a directory of its own below.
choose_data_directory() {
    if [[ -d $PGDATA && ! -O $PGDATA && -w $PGDATA && -x $PGDATA && ! -e $PGDATA/PG_VERSION ]]; then
        PGDATA+=/pgdata
        log_info 'the directory is not ours, but can be written to: the data is in one below' directory="$PGDATA"
    fi
}

refuse_owner() {
    die "this user cannot have it as its own. Start the container once as root (docker run --user root), which gives it to \
$(id -un), or do so by hand: chown -R $(id -u):$(id -g)" directory="$1" owner="$(stat -c %u:%g "$1" 2>/dev/null || echo nobody)"
}

# give_directories: for a container that is started as root, everything that the server writes to. Nothing has its default
# yet.
give_directories() {
    local directory directories=("$SOCKET_DIRECTORY" "$RUNTIME_DIRECTORY" "${PGDATA:-/var/lib/postgresql/data}")
{{if .Patroni}}    [[ -z ${PATRONI_POSTGRESQL_DATA_DIR-} ]] || directories+=("$PATRONI_POSTGRESQL_DATA_DIR")
{{end}}    [[ ${BACKUP-} != pgbackrest ]] || directories+=("${PGBACKREST_REPO1_PATH:-/var/lib/pgbackrest}")
    [[ -z ${POSTGRES_INITDB_WALDIR-} ]] || directories+=("$POSTGRES_INITDB_WALDIR")
    for directory in "${directories[@]}"; do
        mkdir -p "$directory"
        find "$directory" ! -user postgres -exec chown --no-dereference postgres:postgres {} + ||
            log_warn "not everything can be given to the server's user" directory="$directory"
    done
}

# check_data_directory: what is in it must be nothing, or a cluster that this image's server can run.
check_data_directory() {
    local theirs ours found
    remove_unfinished
    if cluster_exists; then
        [[ ! -d $PGDATA/.initialized ]] || die 'the upgrade of this cluster has not ended: start it once more, with MODE=upgrade' \
            directory="$PGDATA"
        theirs=$(<"$PGDATA/PG_VERSION")
        ours=$(image_major)
        [[ $theirs == "$ours" ]] ||
            die 'the data directory is of another major version: upgrade it (MODE=upgrade), or run the image of its version' \
                directory="$PGDATA" data="$theirs" image="$ours"
    elif [[ ! -d $PGDATA/.initialized && -n $(find "$PGDATA" -mindepth 1 -maxdepth 1 -print -quit) ]]; then
        die 'the data directory holds files, but no cluster; if it is a mount point, set PGDATA to one within' \
            directory="$PGDATA"
    else
        for found in "$PGDATA"/../PG_VERSION "$PGDATA"/../*/docker/PG_VERSION; do
            [[ ! -e $found ]] || die 'there is a cluster elsewhere on the volume: set PGDATA to it' \
                directory="$PGDATA" found="$(realpath "${found%/*}")"
        done
    fi
}

# remove_unfinished: what a first start has left that did not come to its end, or an upgrade, whose old cluster is as it was.
remove_unfinished() {
    local wal major
    if [[ -d $PGDATA/.initializing ]] && cluster_exists; then
        major=$(cat "$PGDATA/.initializing/PG_VERSION" 2>/dev/null || echo none)
        rm -rf "$PGDATA"/pg_tblspc/*/"PG_${major}_"*
        [[ ! -e $PGDATA/global/pg_control.old || -e $PGDATA/global/pg_control ]] ||
            mv "$PGDATA/global/pg_control.old" "$PGDATA/global/pg_control"
    fi
    if wal=$(readlink "$PGDATA/.initializing/pg_wal"); then
        find "$wal" -mindepth 1 -delete
    fi
    rm -rf "$PGDATA/.initializing"
}

# image_major: the major version of the image's server.
image_major() {
    local version
    version=$(postgres --version)
    [[ $version =~ \ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

cluster_exists() { [[ -s $PGDATA/PG_VERSION ]]; }
