# shellcheck shell=bash
# The call of initdb: what the image wants, then what the operator wants.

# run_initdb DIRECTORY: the password comes through standard input.
run_initdb() {
    local more=()
    initdb_arguments more
    [[ -z $POSTGRES_INITDB_WALDIR ]] || more+=(--waldir="$POSTGRES_INITDB_WALDIR")
    [[ -z $POSTGRES_PASSWORD ]] || more+=(--pwfile=/dev/stdin)
    initdb --pgdata="$1" --username="$POSTGRES_USER" --encoding=UTF8 --locale="$LANG" --data-checksums \
        --auth-local=peer --auth-host=scram-sha-256 --no-instructions "${more[@]}" <<<"$POSTGRES_PASSWORD"
}

# initdb_arguments ARRAY: the words of POSTGRES_INITDB_ARGS, in one line or several, with quotes as a shell has them;
# nothing is evaluated.
initdb_arguments() {
    [[ -n ${POSTGRES_INITDB_ARGS//[[:space:]]/} ]] || return 0
    mapfile -d '' "$1" < <(xargs printf '%s\0' <<<"$POSTGRES_INITDB_ARGS" 2>/dev/null)
}

# configure_server DIRECTORY: initdb's own file stays, so that what scripts and operators edit in it is in force. The
# image's settings come before it, the operator's after it.
configure_server() {
    local file=$1/postgresql.conf
    {
        echo '# The image'"'"'s settings, then those below, then those of /etc/postgresql/conf.d, then what follows them.'
        echo "include '/etc/postgresql/postgresql.conf'"
        echo
        cat "$file"
        echo
        echo "include_dir '/etc/postgresql/conf.d'"
    } >"$file.new"
    mv "$file.new" "$file"
}
