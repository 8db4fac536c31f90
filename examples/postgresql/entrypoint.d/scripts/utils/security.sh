# shellcheck shell=bash
# Secrets, identity, and the guard against two servers on one data directory.

# load_secret NAME: takes a password from NAME, or from the file that NAME_FILE names (a Docker or Kubernetes secret),
# and keeps it in a variable that no child process inherits. Whoever needs it gets it handed, and never as an argument,
# which everybody could read in the process list.
load_secret() {
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
    export -n "${name?}"
    [[ ${!name} != *[[:cntrl:]]* ]] ||
        problem "$name must not hold line breaks, but for those at the end of a file, or other control characters"
}

# require_ordinary_user: PostgreSQL refuses root, and so does this image before anything is owned by it.
require_ordinary_user() {
    local uid
    uid=$(id -u)
    ((uid != 0)) || die 'this container does not run as root: leave its user as the image sets it'
    id -un >/dev/null 2>&1 || die 'the user of the process has no account in this image' uid="$uid"
}

# lock_data_directory: holds an advisory lock on the directory itself for as long as this process lives. PostgreSQL's
# own lock file does not see a server in another container, which has other process ids; and two destroy the data.
lock_data_directory() {
    local lock status=0
    exec {lock}<"$PGDATA"
    flock --nonblock --conflict-exit-code 75 "$lock" || status=$?
    case $status in
        0) ;;
        75) die 'another container on this machine runs a server on this data directory' directory="$PGDATA" ;;
        *) log_warn 'the file system cannot lock: see to it yourself that no other container uses this data directory' \
            directory="$PGDATA" ;;
    esac
}
