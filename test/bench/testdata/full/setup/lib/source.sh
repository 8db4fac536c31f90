# shellcheck shell=sh
# Sourced by the scripts that compile: brings a Debian source package, and sets the compiler up so that compiling it again
# gives the same bytes. Then nothing that needs the result is built again, whatever the reason for compiling was.

# unpack_source NAME [WHICH]: fetches the source package NAME, unpacks it with Debian's patches and goes to it. WHICH is
# one of the releases below, for the version that it has, its security updates among them, or a version, with or without
# Debian's revision; without it the newest version counts.
#
# apt checks signatures and hashes. Its lists and the downloads are kept in a cache of the package's own, which the build
# file names; the system's are left alone.
unpack_source() {
    name=$1 which=${2-} cache=/var/cache/sources/$1
    releases='bookworm trixie'
    case " $releases " in
        *" $which "*) releases=$which which= ;;
    esac

    mkdir -p "$cache/lists/partial"
    cd "$cache" || return
    exec 9>lock
    flock 9 # several extensions come from one source, at the same time
    for release in $releases; do
        for archive in "debian $release" "debian $release-updates" "debian-security $release-security"; do
            echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/$archive main"
        done
    done >sources.list
    cat >apt.conf <<CONF
Dir::Etc::SourceList "$cache/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$cache/lists";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$cache/apt.conf"

    apt-get update
    versions=$(apt-cache showsrc --only-source "$name" | sed -n 's/^Version: //p')
    missing=
    until
        version=$(newest_version "$which")
        if [ -z "$version" ]; then
            echo "$name has no version $which in $releases that can be fetched; there is:" "${versions:-none}" >&2
            return 1
        fi
        apt-get source --download-only "$name=$version"
    do # a mirror can be late
        echo "WARNING: $name $version is listed, and cannot be fetched: an older one takes its place" >&2
        missing="$missing $version "
    done

    # Unpacked once: for PostgreSQL that takes longer than to compile an extension, and each of them wants it.
    unpacked=${name}_$version.tar.zst
    if [ -e "$unpacked" ]; then
        tar --extract --zstd --file="$unpacked" --directory=/build
    else
        dpkg-source --no-check --extract "${name}_${version#*:}.dsc" "/build/$name"
        tar --create --zstd --file="$unpacked.new" --directory=/build "$name"
        mv "$unpacked.new" "$unpacked"
    fi
    exec 9>&-
    cd "/build/$name" || return
    reproducible
}

# newest_version WHICH: the newest of $versions that is WHICH, with or without Debian's revision, and not $missing.
newest_version() {
    best=
    for candidate in $versions; do
        case $missing in
            *" $candidate "*) continue ;;
        esac
        case $candidate in
            "${1:-$candidate}" | "$1"-*)
                if [ -z "$best" ] || dpkg --compare-versions "$candidate" gt "$best"; then best=$candidate; fi
                ;;
        esac
    done
    echo "$best"
}

# reproducible: Debian's own compiler flags, which also hide where the source lies; no debugging symbols; and the day of
# the source's last change in place of today's.
reproducible() {
    export DEB_CFLAGS_STRIP=-g DEB_LDFLAGS_APPEND=-s
    CFLAGS=$(dpkg-buildflags --get CFLAGS)
    CPPFLAGS=$(dpkg-buildflags --get CPPFLAGS)
    LDFLAGS=$(dpkg-buildflags --get LDFLAGS)
    SOURCE_DATE_EPOCH=$(dpkg-parsechangelog --show-field Timestamp)
    export CFLAGS CPPFLAGS LDFLAGS SOURCE_DATE_EPOCH
    export CCACHE_STATSLOG=/build/ccache.log
}

# report_compiler: how much of this script's compiling ccache has spared.
report_compiler() { ccache --show-log-stats; }
