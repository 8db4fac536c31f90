#!/bin/bash
set -e
source "$(dirname "$(readlink -f "$0")")/../lib/common.sh"
sudo -u postgres env PIP_CACHE_DIR=/var/cache/pip /opt/patroni/bin/pip install "patroni[etcd3]==${PATRONI_VERSION}"
su - postgres -c 'patroni --version && echo ok > /tmp/ok'
