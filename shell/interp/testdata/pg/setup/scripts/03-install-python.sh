#!/bin/sh
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../lib/common.sh"
install_packages python3 python3-pip python3-venv
python3 "$HERE/helpers/make_venv.py" --target /opt/patroni
