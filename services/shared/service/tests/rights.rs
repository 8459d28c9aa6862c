//! What each role may do with each table, view and function of every schema, tried under its own login, against
//! the written list `tests/database-rights.csv`.
//!
//! A role owns its schema: there, everything is expected and not listed. Listed is all else that is possible
//! (S elect, I nsert, U pdate, D elete, e X ecute), and what is *not* possible in the own schema, as the letters that are left.
#![expect(clippy::unwrap_used, reason = "in tests that is an assertion")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use molar_service::{Role, db};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

struct Relation {
    name: String,
    schema: String,
    columns: Vec<String>,
}

async fn relations(owner: &PgPool) -> Vec<Relation> {
    sqlx::query_as!(
        Relation,
        r#"SELECT n.nspname || '.' || c.relname AS "name!", n.nspname::text AS "schema!",
                  array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS "columns!"
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           WHERE c.relkind IN ('r', 'v', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
           GROUP BY 1, 2 ORDER BY 1"#
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

/// Whether the server would do it. `EXPLAIN` asks for the rights and does nothing.
async fn may(db: &PgPool, statement: String) -> bool {
    let asked = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN {statement}")))
        .execute(db)
        .await;
    match asked {
        Ok(_) => true,
        Err(error) => {
            let code = error.as_database_error().and_then(|e| e.code());
            // No right, or a view that takes no changes.
            let is_refusal = matches!(code.as_deref(), Some("42501" | "55000" | "0A000"));
            assert!(is_refusal, "{statement}: {error}");
            false
        }
    }
}

async fn letters(db: &PgPool, relation: &Relation) -> String {
    let Relation { name, columns, .. } = relation;
    let mut letters = String::new();
    if may(db, format!("SELECT 1 FROM {name}")).await {
        letters.push('S');
    }
    if may(db, format!("INSERT INTO {name} DEFAULT VALUES")).await {
        letters.push('I');
    }
    for column in columns {
        if may(db, format!("UPDATE {name} SET {column} = DEFAULT")).await {
            letters.push('U');
            break;
        }
    }
    if may(db, format!("DELETE FROM {name}")).await {
        letters.push('D');
    }
    letters
}

/// The cluster is shared: somebody may be at the same row, in another database.
async fn make_logins(owner: &PgPool) {
    for _ in 0..20 {
        let mut conn = owner.acquire().await.unwrap();
        if db::ensure_logins(&mut conn, |role| role.as_str().into())
            .await
            .is_ok()
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the logins could not be made");
}

async fn login(owner: &PgPool, role: Role) -> PgPool {
    let options = (*owner.connect_options()).clone();
    let options = options.username(&role.login()).password(role.as_str());
    PgPoolOptions::new()
        .max_connections(1)
        .connect_with(db::options(options, role))
        .await
        .unwrap()
}

async fn functions(owner: &PgPool, role: Role) -> Vec<String> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT n.nspname || '.' || p.proname AS "name!"
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
           WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
             AND has_function_privilege($1::text, p.oid, 'EXECUTE') ORDER BY 1"#,
        role.login(),
    )
    .fetch_all(owner)
    .await
    .unwrap()
}

/// To make things, or to empty a table at once: nobody but the owner.
async fn require_no_more(owner: &PgPool, role: Role) {
    let more = sqlx::query_scalar!(
        r#"SELECT n.nspname::text AS "name!" FROM pg_namespace n
           WHERE n.nspname NOT LIKE 'pg\_%' AND has_schema_privilege($1::text, n.oid, 'CREATE')
           UNION ALL
           SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND has_table_privilege($1::text, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')
           UNION ALL
           SELECT rolname::text FROM pg_roles WHERE rolname = $1::text
             AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"#,
        role.login(),
    )
    .fetch_all(owner)
    .await
    .unwrap();
    assert_eq!(
        more,
        Vec::<String>::new(),
        "{role} may do more than work with rows"
    );
}

#[sqlx::test(migrator = "molar_service::MIGRATOR")]
async fn each_login_may_do_what_is_written_and_is_refused_all_else(owner: PgPool) {
    make_logins(&owner).await;
    let relations = relations(&owner).await;
    let mut observed = BTreeSet::new();
    for role in Role::ALL {
        let own = login(&owner, *role).await;
        for relation in &relations {
            let letters = letters(&own, relation).await;
            let is_own = relation.schema == role.as_str();
            if letters != if is_own { "SIUD" } else { "" } {
                observed.insert(format!("{role},{},{letters}", relation.name));
            }
        }
        own.close().await;
        for function in functions(&owner, *role).await {
            observed.insert(format!("{role},{function},X"));
        }
        require_no_more(&owner, *role).await;
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/database-rights.csv");
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().skip(1).map(str::trim);
    let written: BTreeSet<String> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let list = |from: &BTreeSet<String>, other| {
        from.difference(other)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert!(
        observed == written,
        "tests/database-rights.csv does not fit.\nPossible, and not written; to be judged and pasted:\n{}\n\
         Written, and not possible:\n{}",
        list(&observed, &written),
        list(&written, &observed),
    );
}
