#!/usr/bin/env bash
# `make sqlx`: writes .sqlx anew. Without DATABASE_URL, a database that has the migrations applied, it
# starts one of its own for the while.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${DATABASE_URL:-}" ]; then
    SQLX_OFFLINE=true cargo build --package molar --bin molar
    data=$(mktemp -d /tmp/molar-sqlx.XXXXXX)
    trap 'rm -rf "$data"' EXIT
    target/debug/molar up --fast --only postgres --data "$data" --run "$0 migrate"
    exit
fi
if [ "${1:-}" = migrate ]; then
    passwords=$(env | sed -nE 's/^MOLAR_TEST_DATABASE_PASSWORD_([A-Z]+)=(.*)/"\L\1\E":"\2"/p' | paste -sd,)
    target/debug/molar migrate --database-url "$DATABASE_URL" --passwords "{$passwords}"
fi
unset SQLX_OFFLINE
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# The macros write their answers while they are expanded, so every crate with queries is compiled again.
git grep -lE 'sqlx::query' -- '*.rs' | sed -E 's,/(src|tests)/.*,,' | sort -u | while read -r crate; do
    find "$crate" -name '*.rs' -exec touch {} +
done
SQLX_OFFLINE_DIR=$fresh cargo check --workspace --all-targets
rm -rf .sqlx
mkdir .sqlx
cp "$fresh"/*.json .sqlx/
echo "$(find .sqlx -name '*.json' | wc -l) queries in .sqlx"
