# shellcheck shell=bash
# The directories that a server writes to.

# prepare_directories: the image has all of them; a mount can hide them (--tmpfs /run) or bring an owner of its own.
prepare_directories() {
    prepare_directory "$SOCKET_DIRECTORY" 2775
    prepare_directory "$RUNTIME_DIRECTORY" 0700
    prepare_directory "$PGDATA" 0700
    [[ -O $PGDATA ]] ||
        die "PostgreSQL refuses a data directory of another owner: let $(id -un) own it, or set PGDATA to one within" \
            directory="$PGDATA" owner="$(stat -c %u:%g "$PGDATA")" wanted="$(id -u):$(id -g)"
}

# prepare_directory PATH MODE
prepare_directory() {
    mkdir -p "$1" 2>/dev/null || true
    [[ -d $1 && -w $1 && -x $1 ]] ||
        die "a directory cannot be written to: let $(id -un) own it" directory="$1" wanted="$(id -u):$(id -g)"
    [[ ! -O $1 ]] || chmod "$2" "$1"
}

# check_data_directory: what is in it must be nothing, or a cluster that this image's server can run.
check_data_directory() {
    local theirs ours
    rm -rf "$PGDATA/.initializing" # a first start that did not come to its end
    if cluster_exists; then
        theirs=$(<"$PGDATA/PG_VERSION")
        ours=$(postgres --version)
        [[ $ours =~ \ ([0-9]+) ]] && ours=${BASH_REMATCH[1]}
        [[ $theirs == "$ours" ]] ||
            die 'the data directory is of another major version: upgrade it, or run the image of its version' \
                directory="$PGDATA" data="$theirs" image="$ours"
    elif [[ ! -d $PGDATA/.initialized && -n $(find "$PGDATA" -mindepth 1 -maxdepth 1 -print -quit) ]]; then
        die 'the data directory holds files, but no cluster; if it is a mount point, set PGDATA to one within' \
            directory="$PGDATA"
    fi
}

cluster_exists() { [[ -s $PGDATA/PG_VERSION ]]; }
