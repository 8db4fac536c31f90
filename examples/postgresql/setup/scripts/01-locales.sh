#!/bin/sh
# Generates the one locale that the image's LANG names and that clusters are created with.
set -eu

echo 'en_US.UTF-8 UTF-8' >/etc/locale.gen
locale-gen
