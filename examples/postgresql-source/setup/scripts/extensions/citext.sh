#!/bin/sh
# Text that does not tell capitals from small letters.
set -eu
# shellcheck source=../../lib/extension.sh
. /context/setup/lib/extension.sh

build_contrib citext
