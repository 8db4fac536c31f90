# shellcheck shell=bash
# Configuration made from templates at every start, so that it always tells what the environment tells, and kept in a
# directory that only the server's user can read.

# render_template TEMPLATE TARGET: replaces each ${NAME} by the variable's value, once and literally: no value is ever
# evaluated. Single quotes in values are doubled, as both YAML and PostgreSQL write them between single quotes.
render_template() {
    local line text name value
    while IFS= read -r line || [[ -n $line ]]; do
        text=
        while [[ $line == *"\${"*"}"* ]]; do
            text+=${line%%"\${"*}
            line=${line#*"\${"}
            name=${line%%"}"*}
            line=${line#*"}"}
            [[ $name =~ ^[A-Z][A-Z0-9_]*$ && -v $name ]] || die 'unknown name in a template' template="$1" name="$name"
            value=${!name}
            text+=${value//\'/\'\'}
        done
        printf '%s\n' "$text$line"
    done <"$1" >"$2"
}

# configure_access: who may connect, and how. Both kinds of server read these two files where they lie.
configure_access() {
    render_template /etc/postgresql/pg_hba.conf.template "$RUNTIME_DIRECTORY/pg_hba.conf"
    render_template /etc/postgresql/pg_ident.conf.template "$RUNTIME_DIRECTORY/pg_ident.conf"
}

# configure_patroni: Patroni, and patronictl, read every file of the directory in the order of their names, later ones
# over earlier ones: the template's, the operator's, the passwords.
configure_patroni() {
    local file
    : "${NODE_ADDRESS:=$(own_address)}"

    rm -rf "$PATRONI_CONFIGURATION"
    mkdir -m 0700 "$PATRONI_CONFIGURATION"
    render_template /etc/patroni/patroni.yml.template "$PATRONI_CONFIGURATION/10-image.yml"
    for file in /etc/patroni/conf.d/*.yml; do
        [[ ! -e $file ]] || cp "$file" "$PATRONI_CONFIGURATION/50-${file##*/}"
    done
    patroni_secrets >"$PATRONI_CONFIGURATION/90-secrets.yml"
}

# patroni_secrets: users and passwords as YAML; one that is not set is left out.
patroni_secrets() {
    printf 'postgresql:\n  authentication:\n'
    patroni_account '    ' superuser "$POSTGRES_USER" "$POSTGRES_PASSWORD"
    patroni_account '    ' replication "$REPLICATION_USER" "$REPLICATION_PASSWORD"
    if [[ -n $PATRONI_RESTAPI_USERNAME ]]; then
        printf 'restapi:\n'
        patroni_account '  ' authentication "$PATRONI_RESTAPI_USERNAME" "$PATRONI_RESTAPI_PASSWORD"
    fi
    [[ -z $ETCD_USERNAME ]] || patroni_account '' etcd3 "$ETCD_USERNAME" "$ETCD_PASSWORD"
}

# patroni_account INDENT KEY USERNAME PASSWORD
patroni_account() {
    printf "%s%s:\n%s  username: '%s'\n" "$1" "$2" "$1" "${3//\'/\'\'}"
    [[ -z $4 ]] || printf "%s  password: '%s'\n" "$1" "${4//\'/\'\'}"
}

# own_address: the first address of the container that is not the loopback's.
own_address() {
    local addresses=()
    read -ra addresses < <(hostname -I) || true
    case ${addresses[0]-} in
        '') echo 127.0.0.1 ;;
        *:*) echo "[${addresses[0]}]" ;;
        *) echo "${addresses[0]}" ;;
    esac
}
