#!/bin/sh
# Hashes and ciphers, OpenSSL's.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib pgcrypto
