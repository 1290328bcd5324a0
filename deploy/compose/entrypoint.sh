#!/bin/sh
# What a container alone knows: its own name, under which the others reach it. Everything else comes from TRELLIS_* variables.
set -eu
: "${TRELLIS_NAME:=$(hostname)}"
: "${TRELLIS_ADVERTISE:=$(hostname):7400}"
export TRELLIS_NAME TRELLIS_ADVERTISE
exec "$@"
