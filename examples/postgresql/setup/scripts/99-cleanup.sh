#!/bin/sh
# Deletes what nothing in a container reads. apt's archives and lists are not part of the image, so they stay where they
# are, for the next build.
set -eu

# Documentation, but for the licences. Directories stay: packages that a later image installs expect some of them.
find /usr/share/doc ! -type d ! -name copyright -delete
for directory in /usr/share/doc-base /usr/share/info /usr/share/lintian /usr/share/man; do
    [ ! -d "$directory" ] || find "$directory" ! -type d -delete
done

# What package scripts left behind, some of it with the time of day in it.
find /var/log -type f -delete
rm -f /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old
rm -f /etc/group- /etc/gshadow- /etc/passwd- /etc/shadow-
