#!/usr/bin/env bash
# `make bench`: figures of the whole pipeline, each beside its floor in the same run, as a table.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

cargo build --package molar --bins
exec cargo run --quiet --package molar-tests --example bench
