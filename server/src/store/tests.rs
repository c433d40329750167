//! The settings that durability and shredding rest on, on every connection of both pools, and the indexes that the lists
//! are walked by. What is about PostgreSQL stands in `postgres` and runs where `TEST_DATABASE_URL` names a server.

mod postgres;

use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use tempfile::TempDir;

use super::{
    DatabaseLocation, Db, Pools, agents, alerts, audit, clients, keyset::KeysetSql, phone_numbers,
    placements, sync_changes, sync_runs, voices, webhook_deliveries, webhook_endpoints,
};

/// Each list's text, and the index that it walks along.
const LISTS: [(&str, &KeysetSql); 14] = [
    ("agents_by_name", &agents::BY_NAME),
    ("agents_by_status", &agents::BY_STATUS),
    ("agents_by_created", &agents::BY_CREATED),
    ("agents_by_updated", &agents::BY_UPDATED),
    ("clients_by_name", &clients::BY_NAME),
    ("phone_numbers_by_number", &phone_numbers::BY_NUMBER),
    ("phone_numbers_by_created", &phone_numbers::BY_CREATED),
    ("sync_runs_by_agency", &sync_runs::BY_CREATED),
    ("sync_changes_by_name", &sync_changes::BY_NAME),
    ("voices_by_agency", &voices::BY_ENGINE),
    ("audit_entries_by_agency", &audit::BY_SEQUENCE),
    ("alerts_by_agency", &alerts::BY_ID),
    ("webhook_endpoints_by_agency", &webhook_endpoints::BY_ID),
    (
        "webhook_deliveries_by_endpoint",
        &webhook_deliveries::BY_ENDPOINT,
    ),
];

async fn database() -> (TempDir, Db) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("ringfence.db");
    let db = Db::connect(&DatabaseLocation::Sqlite(file))
        .await
        .expect("a database");
    (folder, db)
}

fn pools(db: &Db) -> (&SqlitePool, &SqlitePool) {
    match &db.pools {
        Pools::Sqlite { read, write } => (read, write),
        Pools::Postgres(_) => panic!("not SQLite"),
    }
}

async fn value(pool: &SqlitePool, sql: &'static str) -> String {
    let row: SqliteRow = sqlx::query(sql).fetch_one(pool).await.expect(sql);
    row.try_get::<i64, _>(0)
        .map(|number| number.to_string())
        .or_else(|_| row.try_get(0))
        .expect(sql)
}

/// X1: the bundled SQLite has no WAL-reset bug, which 3.51.3 mended.
#[tokio::test]
async fn sqlite_is_new_enough() {
    let (_folder, db) = database().await;
    let version = value(pools(&db).0, "SELECT sqlite_version()").await;
    let parts: Vec<u32> = version
        .split('.')
        .map(|part| part.parse().expect("a number"))
        .collect();
    assert!(parts >= vec![3, 51, 3], "{version}");
}

/// X1, K10, S5: each connection of either pool logs ahead, keeps references whole, overwrites what is deleted and waits
/// for a lock; the reading ones cannot write.
#[tokio::test]
async fn every_connection_has_the_settings_that_durability_rests_on() {
    let (_folder, db) = database().await;
    let (read, write) = pools(&db);
    for (pool, is_reading) in [(read, true), (write, false)] {
        for (pragma, expected) in [
            ("PRAGMA journal_mode", "wal"),
            ("PRAGMA foreign_keys", "1"),
            ("PRAGMA secure_delete", "1"),
            ("PRAGMA busy_timeout", "5000"),
            ("PRAGMA synchronous", "1"),
        ] {
            assert_eq!(value(pool, pragma).await, expected, "{pragma} {is_reading}");
        }
        let written = sqlx::query("INSERT INTO instance_facts (name, value) VALUES ('a', 'b')")
            .execute(pool)
            .await;
        assert_eq!(written.is_err(), is_reading);
    }
    let orphan = "INSERT INTO memberships (agency_id, user_id, role, created_at) VALUES ('x', 'y', 'owner', 0)";
    let refused = sqlx::query(orphan).execute(write).await;
    let refused = refused.expect_err("an orphan").into_database_error();
    assert!(refused.expect("the database's").is_foreign_key_violation());
}

/// How SQLite would answer a page of a list.
async fn plan(pool: &SqlitePool, sql: &str) -> String {
    let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(sql).fetch_all(pool).await.expect("a plan");
    let lines: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    lines.join("\n")
}

/// S7: each list walks along an index in its order, whatever the direction and wherever the page begins, and sorts nothing.
#[tokio::test]
async fn lists_walk_along_their_index() {
    let (_folder, db) = database().await;
    let mut problems = Vec::new();
    for (index, list) in LISTS {
        for sql in [
            list.first_asc,
            list.first_desc,
            list.next_asc,
            list.next_desc,
        ] {
            let plan = plan(pools(&db).0, sql).await;
            if !plan.contains(&format!("INDEX {index} ")) || plan.contains("TEMP B-TREE") {
                problems.push(format!("{index}:\n{plan}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// S7: rows that are asked for by their ids are found by them, and not by walking through the agency's.
#[tokio::test]
async fn rows_are_found_by_their_ids() {
    let (_folder, db) = database().await;
    for sql in [
        agents::BY_IDS,
        phone_numbers::BY_IDS,
        phone_numbers::MARK_SEEN,
        placements::MARK_SEEN,
        placements::MARK_DETAILS_DUE,
    ] {
        let plan = plan(pools(&db).0, sql).await;
        let first = plan.lines().next().expect("a step");
        assert!(first.ends_with("(id=?)"), "{sql}:\n{plan}");
    }
}
