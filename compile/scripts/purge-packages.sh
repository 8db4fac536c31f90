#!/bin/sh
# Removes the build packages, whose names are in the file that is its argument,
# but for those that a setup script came to need: it asked for them by name,
# or a package that it installed depends on them. The package database then
# tells the truth about the image.
set -eu
record=$1

if [ -s "$record" ]; then
    apt-get --simulate autoremove \
        -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false |
        awk '$1 == "Remv" {print $2}' | sort >/tmp/packages.unneeded
    # dpkg names a foreign or shared architecture; apt's simulation does not
    sed 's/:.*//' "$record" | sort | comm -12 - /tmp/packages.unneeded >/tmp/packages.purge
    [ ! -s /tmp/packages.purge ] || xargs apt-get purge --yes </tmp/packages.purge
    rm /tmp/packages.unneeded /tmp/packages.purge
fi
rm "$record"
rmdir --ignore-fail-on-non-empty "$(dirname "$record")"
