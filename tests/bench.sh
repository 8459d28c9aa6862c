#!/usr/bin/env bash
# `make bench`: figures of scoring, of ranking, of the sandbox, of open pages and of the whole pipeline, each beside its floor in the same run, as tables.
set -euo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

# Its goals are those of one core.
RAYON_NUM_THREADS=1 cargo run --release --quiet --package molar-volumes --example bench_scoring
cargo run --release --quiet --package molar-domain --example fair_dispatch
RAYON_NUM_THREADS=2 cargo run --release --quiet --package molar-ranking --example bench_ranking
cargo build --package molar --bins
cargo build --release --quiet --package molar-sandbox --example bench_measurement
cargo build --quiet --package molar-tests --examples
data=$(mktemp -d /tmp/molar-bench.XXXXXX)
trap 'rm -rf "$data"' EXIT
target/debug/molar up --fast --only docker --data "$data" --run \
    'target/release/examples/bench_measurement && target/debug/examples/bench_sandbox'
# The platform as it is deployed: the memory of a worker is largely the pages of its binary.
cargo build --release --quiet --package molar --bins
MOLAR_BIN=$PWD/target/release/molar cargo run --quiet --package molar-tests --example bench
MOLAR_BIN=$PWD/target/release/molar target/debug/examples/bench_uploads throughput rush
# A million submissions take some minutes to seed, and 4 GB of disk.
# Its readers are optimised too: they share the cores with what they measure.
cargo build --release --quiet --package molar-tests --example bench_boards
MOLAR_BIN=$PWD/target/release/molar target/release/examples/bench_boards
MOLAR_BIN=$PWD/target/release/molar target/debug/examples/bench_live
# Takes three times its size on the disk, and minutes.
if [ -n "${MOLAR_BENCH_KILLED_MIB:-}" ]; then
    MOLAR_BIN=$PWD/target/release/molar target/debug/examples/bench_uploads killed
fi
