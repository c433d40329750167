//! What holds on PostgreSQL alone: its planner walks the lists along their indexes, too. Runs where `TEST_DATABASE_URL`
//! names a server (`.ci/postgres`), in a database that it makes and removes.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{Connection, PgConnection, Row, postgres::PgConnectOptions};

use super::{DatabaseLocation, Db, KeysetSql, LISTS, clients};
use crate::{
    error::{Code, Error},
    id::{AgencyId, ClientId},
};

/// An agency with thousands of everything beside others, so that the planner has something to choose from.
const ROWS: &str = "
    INSERT INTO agencies (id, slug, name, plan, created_at)
        SELECT 'agency-' || n, 'agency-' || n, 'Agency', 'agency', 0 FROM generate_series(1, 150) n;
    INSERT INTO provider_accounts (id, agency_id, provider, remote_id, created_at)
        SELECT 'account-' || n, 'agency-' || n, 'vapi', 'remote', 0 FROM generate_series(1, 3) n;
    INSERT INTO provider_keys (id, agency_id, scope_kind, scope_id, provider, active_version, last_version, health, created_at)
        SELECT 'key-' || n, 'agency-' || n, 'agency', 'agency-' || n, 'vapi', 1, 1, 'valid', 0 FROM generate_series(1, 3) n;
    INSERT INTO provider_key_versions (key_id, version, agency_id, account_id, region, capabilities, last_four, fingerprint,
        cipher, master_key_id, saved_at)
        SELECT 'key-' || n, 1, 'agency-' || n, 'account-' || n, 'default', '{}', 'abcd', '', 'c', 'm', 0
        FROM generate_series(1, 3) n;
    INSERT INTO agents (id, agency_id, provider, name, name_key, status, definition, definition_hash, created_at, updated_at)
        SELECT 'agent-' || n, 'agency-' || n % 3 + 1, 'vapi', 'Agent ' || n % 1000, 'agent ' || n % 1000,
            CASE WHEN n % 10 = 0 THEN 'inactive' ELSE 'active' END, '{}', '', n / 5, n / 7 FROM generate_series(1, 9000) n;
    INSERT INTO placements (id, agency_id, agent_id, account_id, provider, remote_id, status, last_seen_at, last_seen_run)
        SELECT 'placement-' || n, 'agency-' || n % 3 + 1, 'agent-' || n, 'account-' || n % 3 + 1, 'vapi', 'remote-' || n,
            'active', 0, '' FROM generate_series(1, 9000) n;
    INSERT INTO phone_numbers (id, agency_id, account_id, provider, remote_id, number, sort_key, carrier, status,
        agent_remote_id, is_answering, created_at, last_seen_at, last_seen_run)
        SELECT 'number-' || n, 'agency-' || n % 3 + 1, 'account-' || n % 3 + 1, 'vapi', 'remote-' || n, '+1' || n, '+1' || n,
            'twilio', 'active', 'remote-' || n, true, n / 5, 0, '' FROM generate_series(1, 9000) n;
    INSERT INTO voices (id, agency_id, account_id, provider, engine, voice_id, agent_count, last_seen_run)
        SELECT 'voice-' || n, 'agency-' || n % 3 + 1, 'account-' || n % 3 + 1, 'vapi', 'engine-' || n % 7, 'v' || n, 0, ''
        FROM generate_series(1, 9000) n;
    INSERT INTO sync_runs (id, agency_id, key_id, key_version, account_id, provider, trigger_kind, state, is_list_complete,
        done, agent_count, phone_number_count, voice_count, added_count, changed_count, gone_count, returned_count,
        pending_removal_count, failures_in_a_row, created_at)
        SELECT 'run-' || n, 'agency-' || n % 3 + 1, 'key-' || n % 3 + 1, 1, 'account-' || n % 3 + 1, 'vapi', 'manual',
            'succeeded', true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n / 5 FROM generate_series(1, 9000) n;
    INSERT INTO sync_changes (run_id, agency_id, subject, subject_id, kind, name, name_key, fields, at)
        SELECT 'run-' || n % 3 + 1, 'agency-1', 'agent', 'agent-' || n, 'added', 'Agent ' || n, 'agent ' || n, '', 0
        FROM generate_series(1, 9000) n;
    INSERT INTO audit_entries (sequence, agency_id, at, actor, action, subject, summary, mac)
        SELECT n, 'agency-' || n % 150 + 1, 0, 'a', 'b', 'c', 'd', '' FROM generate_series(1, 60000) n;
    INSERT INTO clients (id, agency_id, name, name_key, created_at, updated_at)
        SELECT 'client-' || n, 'agency-' || n % 3 + 1, 'Client ' || n, 'client ' || n, 0, 0 FROM generate_series(1, 9000) n;
    INSERT INTO alerts (id, agency_id, kind, subject, summary, raised_at, resolved_at)
        SELECT 'alert-' || n, 'agency-' || n % 150 + 1, 'sync_failed', 'key', 'words', 0, 1 FROM generate_series(1, 60000) n;
    INSERT INTO webhook_endpoints (id, agency_id, url, description, events, is_enabled, failures_in_a_row, secret_version,
        cipher, master_key_id, wrapped_key, sealed, created_at, updated_at)
        SELECT 'endpoint-' || n, 'agency-' || n % 150 + 1, 'https://example.com', '', '', true, 0, 1, 'c', 'm', '', '', 0, 0
        FROM generate_series(1, 60000) n;
    INSERT INTO webhook_deliveries (id, agency_id, endpoint_id, event_id, event, payload, state, attempts, created_at)
        SELECT 'delivery-' || n, 'agency-1', 'endpoint-' || n % 150 + 1, 'e', 'sync.failed', '{}', 'delivered', 1, 0
        FROM generate_series(1, 60000) n;
    ANALYZE";

async fn run(conn: &mut PgConnection, sql: String) {
    let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.as_str())).execute(conn);
    ran.await.expect(&sql);
}

/// How PostgreSQL answers a page of the first agency: without a filter, 51 rows, from the start or from the middle on.
async fn plan(conn: &mut PgConnection, index: &str, sql: &'static str) -> String {
    let middle = match index {
        "agents_by_name"
        | "agents_by_status"
        | "phone_numbers_by_number"
        | "sync_changes_by_name"
        | "voices_by_agency" => "'engine-3'",
        "audit_entries_by_agency" => "'30000'",
        "alerts_by_agency" => "'alert-5'",
        "clients_by_name" => "'client 5'",
        "webhook_endpoints_by_agency" => "'endpoint-5'",
        "webhook_deliveries_by_endpoint" => "'delivery-5'",
        _ => "'900'",
    };
    let count = (1..=20)
        .rfind(|number| sql.contains(&format!("${number}")))
        .expect("parameters");
    // The last three are limit, key and id; the first is the agency.
    let mut values = vec!["''"; count];
    values[0] = "'agency-1'";
    match index {
        "sync_changes_by_name" => values[1] = "'run-1'",
        "webhook_deliveries_by_endpoint" => values[1] = "'endpoint-1'",
        _ => {}
    }
    values[count - 3] = "'51'";
    values[count - 2] = middle;
    values[count - 1] = "'middle'";
    run(conn, format!("PREPARE page AS {sql}")).await;
    let explain = format!("EXPLAIN EXECUTE page({})", values.join(", "));
    let lines = sqlx::raw_sql(sqlx::AssertSqlSafe(explain))
        .fetch_all(&mut *conn)
        .await
        .expect("a plan");
    run(conn, "DEALLOCATE page".to_owned()).await;
    let lines: Vec<String> = lines.iter().map(|row| row.get(0)).collect();
    lines.join("\n")
}

/// A database of the test's own.
struct Database {
    admin: PgConnection,
    name: String,
    url: url::Url,
    db: Db,
}

impl Database {
    async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
        let server = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a server");
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("store_{}_{number}", std::process::id());
        let mut url = url::Url::parse(&server).expect("a URL");
        url.set_path(&name);
        let options = PgConnectOptions::from_str(&server).expect("options");
        let mut admin = PgConnection::connect_with(&options)
            .await
            .expect("a server");
        run(&mut admin, format!("CREATE DATABASE {name}")).await;
        let location = DatabaseLocation::Postgres(url.to_string());
        let db = Db::connect(&location).await.expect("migrated");
        Self {
            admin,
            name,
            url,
            db,
        }
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url.as_str())
            .await
            .expect("a database")
    }

    async fn remove(&mut self) {
        self.db.close().await;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        run(&mut self.admin, drop).await;
    }
}

/// S7, X1: the planner of PostgreSQL walks each list along an index in its order, whatever the direction and wherever the
/// page begins, and sorts nothing.
#[tokio::test]
async fn lists_walk_along_their_index() {
    let mut database = Database::new().await;
    let mut conn = database.connect().await;
    run(&mut conn, ROWS.to_owned()).await;
    let mut problems = Vec::new();
    for (index, list) in LISTS {
        let KeysetSql {
            first_asc,
            first_desc,
            next_asc,
            next_desc,
        } = list;
        for sql in [first_asc, first_desc, next_asc, next_desc] {
            let plan = plan(&mut conn, index, sql).await;
            if !plan.contains(&format!("using {index} on")) || plan.contains("Sort") {
                problems.push(format!("{index}:\n{plan}"));
            }
        }
    }
    conn.close().await.expect("closed");
    database.remove().await;
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// X1: of two transactions that wait for each other PostgreSQL gives one up. Whoever sent that one reads that it can be sent
/// again, and the other goes on.
#[tokio::test]
async fn a_transaction_that_is_given_up_is_a_conflict_and_no_fault() {
    let mut database = Database::new().await;
    let mut conn = database.connect().await;
    let rows = "INSERT INTO agencies (id, slug, name, plan, created_at) VALUES ('a', 'a', 'A', 'agency', 0);
        INSERT INTO clients (id, agency_id, name, name_key, created_at, updated_at)
        VALUES ('one', 'a', 'One', 'one', 0, 0), ('two', 'a', 'Two', 'two', 0, 0)";
    run(&mut conn, rows.to_owned()).await;
    conn.close().await.expect("closed");
    let agency = AgencyId::from("a");
    let (one, two) = (ClientId::from("one"), ClientId::from("two"));
    let mut left = database.db.begin().await.expect("begun");
    let mut right = database.db.begin().await.expect("begun");
    clients::lock(&mut left, &agency, &one)
        .await
        .expect("locked");
    clients::lock(&mut right, &agency, &two)
        .await
        .expect("locked");
    // Whichever is given up has to end before the other can go on.
    let left = async {
        let locked = clients::lock(&mut left, &agency, &two).await;
        drop(left);
        locked
    };
    let right = async {
        let locked = clients::lock(&mut right, &agency, &one).await;
        drop(right);
        locked
    };
    let (left, right) = tokio::join!(left, right);
    let given_up = [left.err(), right.err()];
    let [error] = &given_up.iter().flatten().collect::<Vec<_>>()[..] else {
        panic!("one goes on: {given_up:?}")
    };
    assert!(matches!(error, Error::Busy(_)), "{error:?}");
    assert_eq!(error.code(), Code::Conflict);
    database.remove().await;
}
