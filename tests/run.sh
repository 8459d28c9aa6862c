#!/usr/bin/env bash
# `make test`: builds, starts the servers that the tests stand on, runs every tier, stops the servers.
#
# The last line is `N passed, N failed, N skipped`. A test that skips because the folder of reference
# data is absent, or a server, prints a line `SKIPPED <what>: <test>`; where the reference folder exists
# a skip for its absence is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
export SQLX_OFFLINE=true

# Builds the binaries as well: the tests of their packages need them.
cargo test --workspace --no-run || exit 1
deploy/example-algorithm/build-image.sh || exit 1

log=$(mktemp)
data=$(mktemp -d /tmp/molar-test.XXXXXX)
trap 'rm -rf "$log" "$data"' EXIT
target/debug/molar up --fast --only postgres,rabbitmq,docker --data "$data" --run \
    'cargo test --workspace --no-fail-fast -- --nocapture' 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

passed=$(awk '/^test result:/ {n += $4} END {print n + 0}' "$log")
failed=$(awk '/^test result:/ {n += $6} END {print n + 0}' "$log")
skipped=$(grep -c '^SKIPPED ' "$log")
[ "$skipped" -gt 0 ] && { echo; echo "skipped:"; grep '^SKIPPED ' "$log" | sort | uniq; }
if [ -d ../shared/reference ] && grep -q '^SKIPPED reference' "$log"; then
    echo "tests skipped for want of reference data that is there"
    status=1
fi
[ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
# What failed once more, at the end, where whoever reads only that finds it: what a scenario says, and the panic of
# each test that is named as failed.
if [ "$failed" -gt 0 ]; then
    echo
    echo "failures:"
    grep -A 12 -E '^test .* FAILED( |$)' "$log" | grep -v -E '^(test .* ok|--$|$)' | cut -c 1-2000
    names=$(sed -nE 's/^test (.*) \.\.\. FAILED$/\1/p' "$log")
    for name in $names; do grep -F -A 6 "thread '$name' " "$log" | cut -c 1-2000; done
fi
echo
echo "$((passed - skipped)) passed, $failed failed, $skipped skipped"
exit "$status"
