#!/usr/bin/env bash
# `make sqlx`: writes .sqlx anew. Without DATABASE_URL, a database that has the migrations applied, it
# starts one of its own for the while: with PostgreSQL's own programs, because no binary of ours can be
# built while a query has no answer yet.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d /tmp/molar-sqlx.XXXXXX)
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd /tmp && setpriv --reuid=postgres --regid=postgres --clear-groups "$@")
    else
        "$@"
    fi
}

end() {
    [ -f "$scratch/D/postmaster.pid" ] && as_postgres "$bin/pg_ctl" -D "$scratch/D" -m immediate stop >/dev/null
    rm -rf "$scratch"
}
trap end EXIT

if [ -z "${DATABASE_URL:-}" ]; then
    [ "$(id -u)" = 0 ] && chown postgres: "$scratch"
    as_postgres "$bin/initdb" -D "$scratch/D" -U owner --auth=trust -E UTF8 --locale=C.UTF-8 >/dev/null
    as_postgres "$bin/pg_ctl" -D "$scratch/D" -l "$scratch/log" -w \
        -o "-k $scratch -c listen_addresses='' -c fsync=off" start >/dev/null
    ask() { psql --quiet -h "$scratch" -U owner -v ON_ERROR_STOP=1 -d "$@"; }
    for role in registration tracks submission execution scoring leaderboard; do
        ask postgres -c "CREATE ROLE molar_$role LOGIN"
    done
    ask postgres -c 'CREATE DATABASE molar'
    # As the migrator makes it: a migration grants it.
    ask molar -c 'CREATE TABLE public._sqlx_migrations (
        version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)'
    for file in migrations/*.sql; do
        ask molar --single-transaction -f "$file"
    done
    export DATABASE_URL="postgres://owner@localhost/molar?host=$scratch"
fi
unset SQLX_OFFLINE
mkdir "$scratch/answers"
# The macros write their answers while they are expanded, so every crate with queries is compiled again.
git grep -lE 'sqlx::query' -- '*.rs' | sed -E 's,/(src|tests)/.*,,' | sort -u | while read -r crate; do
    find "$crate" -name '*.rs' -exec touch {} +
done
SQLX_OFFLINE_DIR=$scratch/answers cargo check --workspace --all-targets
rm -rf .sqlx
mkdir .sqlx
cp "$scratch/answers"/*.json .sqlx/
echo "$(find .sqlx -name '*.json' | wc -l) queries in .sqlx"
