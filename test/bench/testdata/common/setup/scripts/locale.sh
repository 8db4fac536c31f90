#!/bin/sh
# Generates the locale that the image's LANG names.
set -eu

localedef --no-archive --inputfile=en_US --charmap=UTF-8 --alias-file=/usr/share/locale/locale.alias en_US.UTF-8
