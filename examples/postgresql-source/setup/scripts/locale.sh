#!/bin/sh
# Generates the locales that clusters can be created with; the image's LANG names one of them. Debian's locales, with the
# definitions of all others, is a build package.
set -eu

for locale in en_US.UTF-8 $LOCALES; do
    charset=${locale#*.}
    localedef --no-archive --inputfile="${locale%.*}" --charmap="$charset" --alias-file=/usr/share/locale/locale.alias "$locale"
done
