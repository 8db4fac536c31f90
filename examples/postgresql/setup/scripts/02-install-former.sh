#!/bin/sh
# Installs the server of an older major version, UPGRADE_FROM, for MODE=upgrade. Debian's releases have one version each: what
# the base's release has not comes from the one that has it, and of that one only what no other has.
set -eu

apt-get update
if ! apt-cache show "postgresql-$UPGRADE_FROM" >/dev/null 2>&1; then
    case $UPGRADE_FROM in
        13) release=bullseye ;;
        15) release=bookworm ;;
        17) release=trixie ;;
        *)
            echo "no release of Debian has PostgreSQL $UPGRADE_FROM: POSTGRESQL_FROM=pgdg has it" >&2
            exit 1
            ;;
    esac
    cat >/etc/apt/sources.list.d/former.sources <<SOURCES
Types: deb
URIs: http://deb.debian.org/debian
Suites: $release
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: $release-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    for suite in "$release" "$release-security"; do
        printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n\n' "$suite"
    done >/etc/apt/preferences.d/former
    apt-get update
fi
apt-get install -y --no-install-recommends "postgresql-$UPGRADE_FROM"
"/usr/lib/postgresql/$UPGRADE_FROM/bin/postgres" --version
