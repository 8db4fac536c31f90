# shellcheck shell=sh
# Sourced by the scripts that compile: lays out what the build file declares under setup.sources, and sets the compiler up
# so that compiling it again gives the same bytes. Then nothing that needs the result is built again, whatever the reason
# for compiling was.

# unpack_source NAME: copies the source NAME to where it can be written, and goes there. If there is a source NAME-debian,
# its patches are applied.
unpack_source() {
    cp -a "/context/sources/$1" /build/
    cd "/build/$1" || return
    if [ -d "/context/sources/$1-debian" ]; then
        cp -a "/context/sources/$1-debian/debian" .
        dpkg-source --before-build .
    fi
    reproducible
}

# reproducible: Debian's own compiler flags, which also hide where the source lies; no debugging symbols; and no day of
# the build.
reproducible() {
    export DEB_CFLAGS_STRIP=-g DEB_LDFLAGS_APPEND=-s
    CFLAGS=$(dpkg-buildflags --get CFLAGS)
    CPPFLAGS=$(dpkg-buildflags --get CPPFLAGS)
    LDFLAGS=$(dpkg-buildflags --get LDFLAGS)
    export CFLAGS CPPFLAGS LDFLAGS SOURCE_DATE_EPOCH=0
    export CCACHE_STATSLOG=/build/ccache.log
}

# report_compiler: how much of this script's compiling ccache has spared.
report_compiler() { ccache --show-log-stats; }
