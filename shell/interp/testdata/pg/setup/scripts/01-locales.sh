#!/bin/bash
set -e
. "$(dirname "$0")/../lib/common.sh"

install_packages locales
cat > /etc/locale.gen <<LOCALES
en_US.UTF-8 UTF-8
${EXTRA_LOCALE:-de_DE.UTF-8} UTF-8
LOCALES
locale-gen
