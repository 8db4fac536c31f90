#!/bin/sh
# The name under which the official image has its entry point.
exec /entrypoint.sh "$@"
