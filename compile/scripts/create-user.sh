#!/bin/sh
# Creates a user and its groups with fixed ids: NAME UID GID HOME SHELL [GROUP[:GID]...].
# Does nothing where the base has exactly this user already. Without SHELL ("") it is bash, where there is one.
set -eu
name=$1 uid=$2 gid=$3 home=$4 shell=$5
shift 5

if [ -z "$shell" ]; then
    shell=/bin/sh
    [ ! -x /bin/bash ] || shell=/bin/bash
fi

# field FILE N NAME: the N-th field of the line of that name.
field() { grep "^$3:" "$1" | cut -d: -f"$2"; }

# group NAME [GID]: makes a group where there is none of that name.
group() {
    if have=$(field /etc/group 3 "$1"); [ -n "$have" ]; then
        if [ -n "${2:-}" ] && [ "$have" != "$2" ]; then
            echo "the base image has a group $1 with the id $have; the build file asks for $2" >&2
            exit 1
        fi
    elif command -v groupadd >/dev/null; then
        if [ -n "${2:-}" ]; then groupadd --gid "$2" "$1"; else groupadd --system "$1"; fi
    elif [ -n "${2:-}" ]; then
        addgroup -g "$2" "$1"
    else
        addgroup -S "$1"
    fi
}

if have=$(grep "^$name:" /etc/passwd); then
    # name:password:uid:gid:comment:home:shell
    ids=$(printf '%s\n' "$have" | cut -d: -f3,4)
    if [ "$ids" != "$uid:$gid" ]; then
        echo "the base image has a user $name with the ids $ids; the build file asks for $uid:$gid" >&2
        exit 1
    fi
else
    if ! grep -q "^[^:]*:[^:]*:$gid:" /etc/group; then
        group "$name" "$gid"
    fi
    if command -v useradd >/dev/null; then
        useradd --uid "$uid" --gid "$gid" --home-dir "$home" --no-create-home --shell "$shell" "$name"
    else
        own=$(grep "^[^:]*:[^:]*:$gid:" /etc/group | cut -d: -f1)
        adduser -D -H -u "$uid" -G "$own" -h "$home" -s "$shell" "$name"
    fi
fi

for one; do
    case $one in
    *:*) group "${one%%:*}" "${one#*:}" ;;
    *) group "$one" ;;
    esac
    case ,$(field /etc/group 4 "${one%%:*}"), in
    *",$name,"*) ;;
    *) if command -v usermod >/dev/null; then usermod --append --groups "${one%%:*}" "$name"; else addgroup "$name" "${one%%:*}"; fi ;;
    esac
done

if [ ! -d "$home" ]; then
    mkdir -p "$home"
    chown "$uid:$gid" "$home"
fi
