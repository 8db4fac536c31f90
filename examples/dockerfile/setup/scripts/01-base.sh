#!/bin/bash
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends locales
echo 'en_US.UTF-8 UTF-8' >/etc/locale.gen
locale-gen
