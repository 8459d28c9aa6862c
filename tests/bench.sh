#!/usr/bin/env bash
# `make bench`: figures of scoring and of the whole pipeline, each beside its floor in the same run, as tables.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

cargo run --release --quiet --package molar-volumes --example bench_scoring
cargo run --release --quiet --package molar-domain --example fair_dispatch
cargo build --package molar --bins
exec cargo run --quiet --package molar-tests --example bench
