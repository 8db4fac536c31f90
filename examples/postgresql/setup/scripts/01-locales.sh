#!/bin/sh
# Generates the locales that clusters can be created with; the image's LANG names one of them.
set -eu

for locale in en_US.UTF-8 $LOCALES; do
    echo "$locale ${locale#*.}"
done | sort -u >/etc/locale.gen
locale-gen
