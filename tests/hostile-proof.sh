#!/usr/bin/env bash
# `make hostile-proof`: a table of what each hostile image does without the one thing that holds it.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

cargo build --package molar-tests --example hostile_proof
data=$(mktemp -d /tmp/molar-proof.XXXXXX)
trap 'rm -rf "$data"' EXIT
target/debug/molar up --fast --only docker --data "$data" --run "target/debug/examples/hostile_proof $*"
