#!/bin/sh
# Creates the image's user and group with fixed ids: NAME UID GID HOME.
# Does nothing where the base has exactly this user already.
set -eu
name=$1 uid=$2 gid=$3 home=$4

shell=/bin/sh
[ ! -x /bin/bash ] || shell=/bin/bash

if have=$(grep "^$name:" /etc/passwd); then
    # name:password:uid:gid:comment:home:shell
    ids=$(printf '%s\n' "$have" | cut -d: -f3,4)
    if [ "$ids" != "$uid:$gid" ]; then
        echo "the base image has a user $name with the ids $ids; the build file asks for $uid:$gid" >&2
        exit 1
    fi
else
    if ! grep -q "^[^:]*:[^:]*:$gid:" /etc/group; then
        if command -v groupadd >/dev/null; then
            groupadd --gid "$gid" "$name"
        else
            addgroup -g "$gid" "$name"
        fi
    fi
    if command -v useradd >/dev/null; then
        useradd --uid "$uid" --gid "$gid" --home-dir "$home" --no-create-home --shell "$shell" "$name"
    else
        group=$(grep "^[^:]*:[^:]*:$gid:" /etc/group | cut -d: -f1)
        adduser -D -H -u "$uid" -G "$group" -h "$home" -s "$shell" "$name"
    fi
fi

if [ ! -d "$home" ]; then
    mkdir -p "$home"
    chown "$uid:$gid" "$home"
fi
