# shellcheck shell=bash
# MODE=pgbouncer: the image as a pool of connections to a server elsewhere. Who may connect is the server's to say: PgBouncer
# asks it for each user's secret, by a function that a cluster of this image has if it was made with PGBOUNCER_PASSWORD.

# start_pgbouncer: its own variables (PGBOUNCER_POOL_MODE, …) come over the image's defaults.
start_pgbouncer() {
    local signal=INT # waits for what is going on
    command -v pgbouncer >/dev/null || die 'the image has no PgBouncer: build it with PGBOUNCER=true'
    check_pgbouncer_settings
    report_problems
    prepare_runtime
    configure_pgbouncer
    report_problems
    ! grep -qx 'pool_mode = session' "$POOLER_CONFIGURATION" || signal=QUIT # clients go when they want to
    log_info 'starting PgBouncer' port="$PGBOUNCER_LISTEN_PORT" upstream="$PGBOUNCER_UPSTREAM"
    supervise "$signal" pgbouncer "$POOLER_CONFIGURATION"
}

check_pgbouncer_settings() {
    require_match PGBOUNCER_UPSTREAM '[A-Za-z0-9._,/-]+(:[0-9]+)?' 'host or host:port of the server'
    require_match PGBOUNCER_AUTH_USER '[^"[:cntrl:]]+' 'the name of a role'
    require_number PGBOUNCER_LISTEN_PORT 1 65535
    [[ -n $PGBOUNCER_PASSWORD ]] ||
        problem 'PGBOUNCER_PASSWORD is not set: give the password of the role that asks the server for secrets, or a file in PGBOUNCER_PASSWORD_FILE'
}

# configure_pgbouncer: one file, and one with the password that it begins with. What the operator puts into
# /etc/pgbouncer/conf.d comes after both.
configure_pgbouncer() {
    local variable name file users=$RUNTIME_DIRECTORY/pgbouncer-users
    local -A options=(
        [listen_addr]='*' [unix_socket_dir]=$SOCKET_DIRECTORY [pool_mode]=session [auth_type]=scram-sha-256 [auth_file]=$users
        [auth_query]="SELECT username, secret FROM pgbouncer.user_lookup(\$1)" [ignore_startup_parameters]=extra_float_digits
    )
    for variable in $(compgen -v PGBOUNCER_); do
        name=${variable#PGBOUNCER_}
        case $name in
            UPSTREAM | PASSWORD | PASSWORD_FILE) continue ;;
        esac
        require_match "$variable" '[^[:cntrl:]]*' 'one line'
        [[ -z ${!variable} ]] || options[${name,,}]=${!variable}
        export -n "${variable?}"
    done
    {
        echo '[databases]'
        printf '* = host=%s' "${PGBOUNCER_UPSTREAM%:*}"
        [[ $PGBOUNCER_UPSTREAM != *:* ]] || printf ' port=%s' "${PGBOUNCER_UPSTREAM##*:}"
        printf '\n\n[pgbouncer]\n'
        for name in "${!options[@]}"; do
            printf '%s = %s\n' "$name" "${options[$name]}"
        done | sort
        for file in /etc/pgbouncer/conf.d/*.ini; do
            [[ ! -e $file ]] || printf '%%include %s\n' "$file"
        done
    } >"$POOLER_CONFIGURATION"
    printf '"%s" "%s"\n' "$PGBOUNCER_AUTH_USER" "${PGBOUNCER_PASSWORD//\"/\"\"}" >"$users"
}

# create_pooler_role: on the server's side: a role that can do nothing but ask for the secret of a user. In template1, so that
# databases made later have the function as well.
create_pooler_role() {
    local database
    for database in template1 postgres; do
        PGBOUNCER_PASSWORD=$PGBOUNCER_PASSWORD run_sql --dbname="$database" --set=name="$PGBOUNCER_AUTH_USER" <<'SQL'
\getenv password PGBOUNCER_PASSWORD
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SELECT format('CREATE ROLE %I WITH LOGIN PASSWORD %L', :'name', :'password')
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :'name') \gexec
CREATE SCHEMA pgbouncer;
CREATE FUNCTION pgbouncer.user_lookup(wanted text, OUT username text, OUT secret text) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
AS 'SELECT usename, CASE WHEN valuntil < now() THEN NULL ELSE passwd END FROM pg_shadow WHERE usename = wanted';
REVOKE ALL ON FUNCTION pgbouncer.user_lookup(text) FROM PUBLIC;
GRANT USAGE ON SCHEMA pgbouncer TO :"name";
GRANT EXECUTE ON FUNCTION pgbouncer.user_lookup(text) TO :"name";
SQL
    done
}
