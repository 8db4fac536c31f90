# shellcheck shell=bash
# Checks of what the operator set. Each adds a sentence for what is wrong; report_problems shows all of them at once, so
# that nobody has to start a container five times to learn of five mistakes. No secret is ever repeated.

problems=()

problem() { problems+=("$1"); }

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

# require_choice NAME CHOICE...
require_choice() {
    local name=$1 choice
    for choice in "${@:2}"; do
        [[ ${!name} != "$choice" ]] || return 0
    done
    problem "$name must be one of: ${*:2}; not '${!name}'"
}

# require_match NAME PATTERN DESCRIPTION: PATTERN is an extended regular expression for the whole value.
require_match() {
    [[ ${!1} =~ ^($2)$ ]] || problem "$1 must be $3, not '${!1}'"
}

# require_identifier NAME...: roles, databases and members of a cluster. Less than PostgreSQL allows, and nothing that
# needs quoting in SQL, in a configuration file or on a command line.
require_identifier() {
    local name
    for name in "$@"; do
        require_match "$name" '[A-Za-z_][A-Za-z0-9_.-]{0,62}' \
            "up to 63 letters, digits, dots, dashes and underscores that start with a letter"
    done
}

# require_password NAME: unless the operator says that none is wanted.
require_password() {
    local file=$1_FILE
    [[ $POSTGRES_HOST_AUTH_METHOD == trust || -n ${!1}${!file-} ]] ||
        problem "$1 is not set: give the password in $1, or in a file that $1_FILE names. \
POSTGRES_HOST_AUTH_METHOD=trust would do without, and let everybody in"
}

# require_both NAME NAME
require_both() {
    [[ -n ${!1} && -n ${!2} || -z ${!1}${!2} ]] || problem "$1 and $2 belong together: set both, or neither"
}

# check_settings: what every server needs.
check_settings() {
    load_secret POSTGRES_PASSWORD
    load_secret REPLICATION_PASSWORD
    require_choice POSTGRES_HOST_AUTH_METHOD scram-sha-256 md5 cert trust
    require_identifier POSTGRES_USER POSTGRES_DB REPLICATION_USER
    [[ $POSTGRES_USER != "$REPLICATION_USER" ]] || problem 'POSTGRES_USER and REPLICATION_USER must differ'
    require_match PGDATA '/[^[:cntrl:]]+' 'an absolute path'
    require_match POSTGRES_LISTEN_ADDRESSES '[][A-Za-z0-9.:,*_ -]+' 'a list of addresses'
    require_number PGPORT 1 65535
    require_number SHUTDOWN_TIMEOUT 1 86400
    [[ $POSTGRES_HOST_AUTH_METHOD != trust ]] ||
        log_warn 'POSTGRES_HOST_AUTH_METHOD=trust: whoever reaches the port is let in as any user, without a password'
}

# check_patroni_settings: what a node of a cluster needs besides.
check_patroni_settings() {
    load_secret PATRONI_RESTAPI_PASSWORD
    load_secret ETCD_PASSWORD
    require_identifier PATRONI_SCOPE
    require_match PATRONI_NAME '[A-Za-z0-9][A-Za-z0-9_.-]*' 'letters, digits, dots, dashes and underscores'
    require_match PATRONI_NAMESPACE '/[A-Za-z0-9_./-]+' 'a path in etcd'
    require_match ETCD_HOSTS '[^],:/[:space:][]+:[0-9]+(, *[^],:/[:space:][]+:[0-9]+)*' \
        'host:port, or several with commas between them'
    require_match PATRONI_RESTAPI_LISTEN '[][A-Za-z0-9.:*_-]+:[0-9]+' 'address:port'
    [[ -z $NODE_ADDRESS ]] || require_match NODE_ADDRESS '[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]' \
        'a host name or an address, without a port'
    require_number PATRONI_RESTAPI_PORT 1 65535
    require_number PATRONI_TTL 1 86400
    require_number PATRONI_LOOP_WAIT 1 86400
    require_number PATRONI_RETRY_TIMEOUT 1 86400
    require_both PATRONI_RESTAPI_USERNAME PATRONI_RESTAPI_PASSWORD
    require_both ETCD_USERNAME ETCD_PASSWORD
}
