# shellcheck shell=bash
# Secrets, identity, and the guard against two servers on one data directory.

# load_files: what can come from files, before anything has a default.
load_files() {
    local name
    for name in POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS REPLICATION_USER; do
        load_file "$name"
    done
    load_secret POSTGRES_PASSWORD
    load_secret REPLICATION_PASSWORD
    load_secret PGBOUNCER_PASSWORD
}

# load_secret NAME: keeps a password in a variable that no child process inherits. Whoever needs it gets it handed, and
# never as an argument, which everybody could read in the process list.
load_secret() {
    load_file "$1"
    export -n "${1?}"
    [[ ${!1} != *[[:cntrl:]]* ]] ||
        problem "$1 must not hold line breaks, but for those at the end of a file, or other control characters"
}

# load_file NAME: takes a value from NAME, or from the file that NAME_FILE names (a Docker or Kubernetes secret).
load_file() {
    local name=$1 file=$1_FILE
    if [[ -n ${!file-} ]]; then
        if [[ -n ${!name-} ]]; then
            problem "$name and $file are both set; one of them is enough"
        elif [[ ! -f ${!file} || ! -r ${!file} ]]; then
            problem "$file names a file that $(id -un) cannot read: ${!file}"
        else
            printf -v "$name" '%s' "$(<"${!file}")" # newlines at the end are not part of it
            [[ -n ${!name} ]] || problem "$file names an empty file: ${!file}"
        fi
    fi
    printf -v "$name" '%s' "${!name-}"
}

# step_down ARGUMENT...: a container that is started as root gives what it writes to to the server's user, and goes on as
# that user. PostgreSQL refuses root.
step_down() {
    (($(id -u) == 0)) || return 0
    is_true "${SLEEP_MODE-}" || give_directories
    HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
}

# take_account: a platform may start the container with a user that the image does not know. Programs ask for its name,
# and the access rules name the server's user: it gets that name, for this process and its children.
take_account() {
    local uid library
    uid=$(id -u)
    ! id -un >/dev/null 2>&1 || return 0
    library=$(echo /usr/lib/*/libnss_wrapper.so)
    [[ -e $library ]] || die 'the user of the process has no account in this image' uid="$uid"
    {
        grep -v '^postgres:' /etc/passwd || true
        echo "postgres:x:$uid:$(id -g):PostgreSQL:/var/lib/postgresql:/bin/bash"
    } >"$RUNTIME_DIRECTORY/passwd"
    export LD_PRELOAD=$library NSS_WRAPPER_PASSWD=$RUNTIME_DIRECTORY/passwd NSS_WRAPPER_GROUP=/etc/group
}

# lock_data_directory: holds advisory locks for as long as this process lives. PostgreSQL's own lock file does not see a
# server in another container, which has other process ids; and two destroy the data.
#
# The directory itself is locked, and, below a mount, a file beside it: whoever copies a replica makes the directory anew. A
# mount point cannot be removed, nor a directory whose parent is closed: there is no other then.
lock_data_directory() {
    lock_file "$PGDATA"
    local beside=$PGDATA/../.${PGDATA##*/}.lock
    if ! mountpoint --quiet "$PGDATA" && : 2>/dev/null >>"$beside"; then
        lock_file "$beside"
    fi
}

# lock_file PATH
lock_file() {
    local lock status=0
    exec {lock}<"$1"
    flock --nonblock --conflict-exit-code 75 "$lock" || status=$?
    case $status in
        0) ;;
        75) die 'another container on this machine runs a server on this data directory' directory="$PGDATA" ;;
        *) log_warn 'the file system cannot lock: see to it yourself that no other container uses this data directory' \
            directory="$PGDATA" ;;
    esac
}
