#!/bin/bash
apt-get purge -y --auto-remove build-essential
apt-get clean
rm -rf /var/lib/apt/lists/* /tmp/* /temp
find / -name '*.pyc' -exec rm -f {} +
