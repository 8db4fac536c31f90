# shellcheck shell=bash
# Checks of what the operator set. Each adds a sentence for what is wrong; report_problems shows all of them at once, so
# that nobody has to start a container five times to learn of five mistakes. No secret is ever repeated.

problems=()

{{if .Patroni}}# One of etcd's members: a name, an IPv4 address, or an IPv6 address in brackets.
readonly ETCD_HOST='(https?://)?([^],:/[:space:][]+|\[[0-9A-Fa-f:.]+\]):[0-9]+/?'

{{end}}problem() { problems+=("$1"); }

# report_problems: ends the container if there are any.
report_problems() {
    local text
    ((${#problems[@]})) || return 0
    for text in "${problems[@]}"; do
        log_error "$text"
    done
    exit 1
}

# require_boolean NAME...
require_boolean() {
    local name
    for name in "$@"; do
        is_true "${!name}" || is_false "${!name}" || problem "$name must be true or false, not '${!name}'"
    done
}

# require_number NAME LEAST MOST
require_number() {
    if ! [[ ${!1} =~ ^[0-9]{1,9}$ ]] || ((10#${!1} < $2 || 10#${!1} > $3)); then
        problem "$1 must be a number from $2 to $3, not '${!1}'"
    fi
}

# require_match NAME PATTERN DESCRIPTION: PATTERN is an extended regular expression for the whole value.
require_match() {
    [[ ${!1} =~ ^($2)$ ]] || problem "$1 must be $3, not '${!1}'"
}

# require_name NAME...: roles and databases, which are quoted wherever they stand. Some beginnings mean other things than
# a name in PostgreSQL's access rules, and $$ would end the body of SQL that a name stands in.
require_name() {
    local name
    for name in "$@"; do
        if [[ ${!name} == *[[:cntrl:]]* || ${!name} == [/+@]* || ${!name} == *'$$'* ]] ||
            (($(printf %s "${!name}" | wc --bytes) > 63)); then
            problem "$name must be a name of at most 63 bytes, without control characters or \$\$, that does not begin with / + @"
        fi
    done
}

# require_password NAME: unless the operator says that none is wanted.
require_password() {
    local file=$1_FILE
    [[ $POSTGRES_HOST_AUTH_METHOD == trust || -n ${!1}${!file-} ]] ||
        problem "$1 is not set: give the password in $1, or in a file that $1_FILE names. \
POSTGRES_HOST_AUTH_METHOD=trust would do without, and let everybody in"
}

{{if .Patroni}}# require_both NAME NAME
require_both() {
    [[ -n ${!1} && -n ${!2} || -z ${!1}${!2} ]] || problem "$1 and $2 belong together: set both, or neither"
}

{{end}}# check_settings: what every server needs.
check_settings() {
    require_match POSTGRES_HOST_AUTH_METHOD \
        '(trust|reject|scram-sha-256|md5|password|gss|ident|peer|ldap|radius|cert|pam|oauth)( [^[:cntrl:]]+)?' \
        "one of PostgreSQL's authentication methods, and its options"
    require_name POSTGRES_USER POSTGRES_DB REPLICATION_USER
    xargs printf '' <<<"$POSTGRES_INITDB_ARGS" >/dev/null 2>&1 || problem 'POSTGRES_INITDB_ARGS has a quote without its other half'
    [[ -z $POSTGRES_INITDB_WALDIR ]] || require_match POSTGRES_INITDB_WALDIR '/[^[:cntrl:]]+' 'an absolute path'
    [[ $POSTGRES_USER != "$REPLICATION_USER" ]] || problem 'POSTGRES_USER and REPLICATION_USER must differ'
    require_match PGDATA '/[^[:cntrl:]]+' 'an absolute path'
    require_match POSTGRES_LISTEN_ADDRESSES '[][A-Za-z0-9.:,*_ -]+' 'a list of addresses'
    require_number PGPORT 1 65535
    require_number SHUTDOWN_TIMEOUT 1 86400
    check_backup_settings
    [[ $POSTGRES_HOST_AUTH_METHOD != trust ]] ||
        log_warn 'POSTGRES_HOST_AUTH_METHOD=trust: whoever reaches the port is let in as any user, without a password'
}

# check_backup_settings: what backups need, and a cluster that is made from one.
check_backup_settings() {
    local name
    require_match BACKUP 'none|pgbackrest' 'none or pgbackrest'
    wants_backup || [[ -n $RESTORE ]] || return 0
    require_match PGBACKREST_STANZA '[A-Za-z0-9][A-Za-z0-9_.-]*' 'letters, digits, dots, dashes and underscores'
    require_match RESTORE_STANZA '[A-Za-z0-9][A-Za-z0-9_.-]*' 'letters, digits, dots, dashes and underscores'
    require_number BACKUP_ARCHIVE_TIMEOUT 0 86400
    for name in BACKUP_FULL_EVERY BACKUP_DIFF_EVERY BACKUP_INCR_EVERY; do
        require_match "$name" '([0-9]{1,6}(s|min|h|d|w))?' 'a number and its unit (s, min, h, d or w), or empty for never'
    done
    [[ -z $RESTORE ]] || require_match RESTORE \
        'latest|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?[+-][0-9]{2}(:?[0-9]{2})?' \
        'latest, or a time with its zone, such as 2026-01-31 12:00:00+00'
}

{{if .Patroni}}# check_patroni_settings: what a node of a cluster needs besides, before Patroni itself reads its configuration.
check_patroni_settings() {
    load_secret PATRONI_RESTAPI_PASSWORD
    load_secret PATRONI_SUPERUSER_PASSWORD
    load_secret PATRONI_REPLICATION_PASSWORD
    load_secret ETCD_PASSWORD
    require_match PATRONI_SCOPE '[^/[:cntrl:]]+' 'a name without slashes'
    require_match PATRONI_NAME '[A-Za-z0-9][A-Za-z0-9_.-]*' 'letters, digits, dots, dashes and underscores'
    require_match PATRONI_NAMESPACE '/?[A-Za-z0-9_./-]+' 'a path in the store'
    [[ -z $ETCD_HOSTS ]] || require_match ETCD_HOSTS "$ETCD_HOST(, *$ETCD_HOST)*" \
        'host:port, http://host:port or https://host:port, or several with commas between them'
    [[ $ETCD_HOSTS != *http://* || $ETCD_HOSTS != *https://* ]] || problem 'ETCD_HOSTS must be all http, or all https'
    require_match PATRONI_RESTAPI_LISTEN '[][A-Za-z0-9.:*_-]+:[0-9]+' 'address:port'
    [[ -z $NODE_ADDRESS ]] || require_match NODE_ADDRESS '[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]' \
        'a host name or an address, without a port'
    require_number PATRONI_RESTAPI_PORT 1 65535
    require_number PATRONI_TTL 20 86400
    require_number PATRONI_LOOP_WAIT 1 86400
    require_number PATRONI_RETRY_TIMEOUT 3 86400
    require_number PATRONI_SYNCHRONOUS_NODE_COUNT 1 1000
    require_match PATRONI_SYNCHRONOUS_MODE 'true|false|on|off|quorum' 'true, false or quorum'
    require_boolean PATRONI_SYNCHRONOUS_MODE_STRICT PATRONI_FAILSAFE_MODE
    require_match PATRONI_WATCHDOG_MODE 'off|automatic|required' 'off, automatic or required'
    require_both PATRONI_RESTAPI_USERNAME PATRONI_RESTAPI_PASSWORD
    require_both ETCD_USERNAME ETCD_PASSWORD
}

# check_patroni_node: what Patroni has read, whoever wrote it: variables, templates, the operator's files.
check_patroni_node() {
    [[ -n $PATRONI_STORE ]] || problem "no store is named: give etcd's members in ETCD_HOSTS, or another store in \
Patroni's own variables (PATRONI_ETCD3_SRV, PATRONI_KUBERNETES_LABELS, PATRONI_CONSUL_HOST, …)"
    [[ $PATRONI_STORE != *' '* ]] || problem "more than one store is named: $PATRONI_STORE"
    require_name POSTGRES_USER REPLICATION_USER
    [[ $POSTGRES_USER != "$REPLICATION_USER" ]] || problem 'POSTGRES_USER and REPLICATION_USER must differ'
    require_password POSTGRES_PASSWORD
    require_password REPLICATION_PASSWORD
}

{{end}}# warn_of_foreign_variables: names to which another image gives a meaning, and this one does not. They are no mistake for
# certain, so the container starts. A star stands for any end.
warn_of_foreign_variables() {
    local name instead variable
    while IFS=$'\t' read -r name instead; do
        [[ $name != '#'* ]] || continue
        for variable in $(compgen -e "${name%'*'}"); do
            # shellcheck disable=SC2053 # the name is a pattern
            [[ $variable != $name || -z ${!variable} ]] ||
                log_warn "$variable is not a setting of this image, and changes nothing: use $instead"
        done
    done <"$SCRIPTS/utils/foreign.tsv"
}
