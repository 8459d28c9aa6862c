#!/bin/sh
# Started once for every case: one image in /inputs, an empty /outputs.
set -eu
exec /opt/algorithm/segment --inputs /inputs --outputs /outputs
