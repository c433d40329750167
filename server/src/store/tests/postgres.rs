//! What holds on PostgreSQL alone: its planner walks the lists along their indexes, too. Runs where `TEST_DATABASE_URL`
//! names a server (`.ci/postgres`), in a database that it makes and removes.

use std::str::FromStr;

use sqlx::{Connection, PgConnection, Row, postgres::PgConnectOptions};

use super::{DatabaseLocation, Db, KeysetSql, LISTS};

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

/// S7, X1: the planner of PostgreSQL walks each list along an index in its order, whatever the direction and wherever the
/// page begins, and sorts nothing.
#[tokio::test]
async fn lists_walk_along_their_index() {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests")]
    let server = std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL names a server");
    let name = format!("store_{}", std::process::id());
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    let options = PgConnectOptions::from_str(&server).expect("options");
    let mut admin = PgConnection::connect_with(&options)
        .await
        .expect("a server");
    run(&mut admin, format!("CREATE DATABASE {name}")).await;
    let location = DatabaseLocation::Postgres(url.to_string());
    let db = Db::connect(&location).await.expect("migrated");
    db.close().await;

    let mut conn = PgConnection::connect(url.as_str())
        .await
        .expect("a database");
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
    run(&mut admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
