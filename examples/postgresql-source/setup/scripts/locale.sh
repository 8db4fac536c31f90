#!/bin/sh
# Generates the one locale that the image's LANG names and that clusters are created with. Debian's locales, with the
# definitions of all others, is a build package.
set -eu

localedef --no-archive --inputfile=en_US --charmap=UTF-8 --alias-file=/usr/share/locale/locale.alias en_US.UTF-8
