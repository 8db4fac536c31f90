#!/bin/sh
# Installs the packages that are its arguments: `name` or `name=version`; one that is `!name` is kept out.
# With RECORD set, they are build packages: the names of all that came in go to
# that file, and apt takes them for dependencies that nobody asked for. A script
# that installs one of them by name makes it the image's own.
# With UNLESS set, that file says that they are there.
set -eu
[ ! -e "${UNLESS:-/nonexistent}" ] || exit 0

packages() { dpkg-query --show --showformat '${binary:Package}\n' | sort; }

if ! command -v apt-get >/dev/null; then
    echo "setup.dependencies are installed with apt-get, which this base image does not have" >&2
    exit 1
fi

# Without that option apt would go on with what it has: no package, or an old one without its security update.
apt-get update -o APT::Update::Error-Mode=any || {
    echo "the package archive does not answer; repeat the build when the daemon can reach it, by HTTP_PROXY where it needs one" >&2
    exit 100
}

# A pin that the archive lacks gets an answer, not just "not found".
missing=
for package; do
    case $package in
    *=*)
        name=${package%%=*} version=${package#*=}
        have=$(apt-cache madison "$name" | awk -F'|' '{gsub(/ /, "", $2); print $2}' | sort -u)
        found=
        for v in $have; do
            # shellcheck disable=SC2254 # a pin may end in *, as apt allows
            case $v in $version) found=yes ;; esac
        done
        if [ -z "$found" ]; then
            echo "$name has no version $version; the archive has: $(echo "${have:-none}" | tr '\n' ' ')" >&2
            missing=yes
        fi
        ;;
    esac
done
[ -z "$missing" ] || exit 1

for package; do
    shift
    case $package in
    !*) set -- "$@" "${package#!}-" ;; # as apt has it
    *) set -- "$@" "$package" ;;
    esac
done

[ -z "${RECORD:-}" ] || packages >/tmp/packages.before

# An image is no place for what each container has to have for itself. Debian's PostgreSQL makes a cluster when it is
# installed, with its own system identifier, and ssl-cert a private key.
clusters=/etc/postgresql-common/createcluster.d
mkdir -p "$clusters"
echo "create_main_cluster = false" >"$clusters/pgstrata.conf"
key=/etc/ssl/private/ssl-cert-snakeoil.key certificate=/etc/ssl/certs/ssl-cert-snakeoil.pem
had_key=
[ ! -e "$key" ] || had_key=yes

apt-get install --yes --no-install-recommends -- "$@"

rm "$clusters/pgstrata.conf"
rmdir --ignore-fail-on-non-empty "$clusters" "${clusters%/*}" 2>/dev/null || true
if [ -e "$key" ] && [ -z "$had_key" ]; then
    echo "pgstrata: the private key $key, the same in each container, is not left in the image; make-ssl-cert generate-default-snakeoil makes one" >&2
    for link in /etc/ssl/certs/*; do
        [ "$(readlink "$link" || true)" != "${certificate##*/}" ] || rm "$link"
    done
    rm -f "$key" "$certificate"
fi
# These would tell the time of the build, and nothing that anybody needs.
rm -f /var/log/dpkg.log /var/log/alternatives.log /var/log/apt/* /var/cache/ldconfig/aux-cache
if [ -n "${RECORD:-}" ]; then
    mkdir -p "$(dirname "$RECORD")"
    packages | comm -13 /tmp/packages.before - >"$RECORD"
    rm /tmp/packages.before
    [ ! -s "$RECORD" ] || xargs apt-mark auto <"$RECORD" >/dev/null
fi
