#!/usr/bin/env bash
# `make sqlx`: writes .sqlx anew from a database with the migrations applied (DATABASE_URL).
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${DATABASE_URL:?names a database that has the migrations applied}"
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
