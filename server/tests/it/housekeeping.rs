//! What is not kept for ever: each kind of row that only grows has a time after which the housekeeping forgets it, and what
//! something still rests on stays.

use std::time::Duration;

use ringfence::{access::Role, jobs, providers::ProviderKind};
use serde_json::json;

use crate::{
    harness::{Row, TestApp},
    placing::{agents, keys_of, moved, newest, start},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn texts(app: &TestApp, sql: &str) -> Vec<String> {
    let rows: Vec<Row> = app.sql(sql).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// X2: alerts are forgotten 90 days after their trouble has ended; one that stands stays, put aside or not, because it keeps
/// the trouble from being told again.
#[tokio::test]
async fn alerts_are_forgotten_90_days_after_their_end() {
    let app = TestApp::new().await;
    app.user(Role::Admin).await;
    let start = crate::harness::START;
    app.sql(&format!(
        "INSERT INTO alerts (id, agency_id, kind, subject, summary, raised_at, resolved_at, dismissed_at) \
         SELECT 'ended', id, 'key_invalid', 'a', 'Words.', 1, {start}, CAST(NULL AS BIGINT) FROM agencies UNION ALL \
         SELECT 'ended-later', id, 'key_invalid', 'b', 'Words.', 1, {start} + 1, CAST(NULL AS BIGINT) FROM agencies UNION ALL \
         SELECT 'aside', id, 'key_invalid', 'c', 'Words.', 1, CAST(NULL AS BIGINT), 2 FROM agencies UNION ALL \
         SELECT 'open', id, 'key_invalid', 'd', 'Words.', 1, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM agencies"
    ))
    .await;
    jobs::tidy(&app.app).await.unwrap();
    let ids = "SELECT id FROM alerts ORDER BY id";
    assert_eq!(
        texts(&app, ids).await,
        ["aside", "ended", "ended-later", "open"]
    );
    app.advance(DAY * 90);
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(texts(&app, ids).await, ["aside", "ended-later", "open"]);
}

/// X2, P3: a log-in link that nobody used is forgotten when its time is over.
#[tokio::test]
async fn log_in_links_are_forgotten_with_their_time() {
    let app = TestApp::new().await;
    app.user(Role::Admin).await;
    let start = crate::harness::START;
    let bytes = |hex: &str| {
        if app.database.is_postgres() {
            format!("'\\x{hex}'::bytea")
        } else {
            format!("X'{hex}'")
        }
    };
    let (short, long) = (bytes("01"), bytes("02"));
    app.sql(&format!(
        "INSERT INTO log_in_links (token_hash, agency_id, user_id, expires_at) \
         SELECT {short}, a.id, u.id, {start} + 1000 FROM agencies a, users u UNION ALL \
         SELECT {long}, a.id, u.id, {start} + 5000 FROM agencies a, users u"
    ))
    .await;
    let times = format!("SELECT CAST(expires_at - {start} AS TEXT) FROM log_in_links ORDER BY 1");
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(texts(&app, &times).await, ["1000", "5000"]);
    app.advance(Duration::from_secs(1));
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(texts(&app, &times).await, ["5000"]);
}

/// X2, R5: placement runs are forgotten 90 days after their end with what became of each agent; an attempt that was never
/// confirmed stays with its run, so that an import still knows the agent by its marker.
#[tokio::test]
async fn placement_runs_are_forgotten_and_unconfirmed_attempts_are_not() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    start(&admin, "VAPI").await;
    app.settle().await;
    app.sql(
        "DELETE FROM placements WHERE remote_id = (SELECT remote_id FROM placement_items WHERE id = \
         (SELECT max(id) FROM placement_items));
         UPDATE placement_items SET state = 'unconfirmed', remote_id = NULL WHERE id = (SELECT max(id) FROM placement_items);
         UPDATE placement_runs SET state = 'incomplete', created_count = 39, unconfirmed_count = 1",
    )
    .await;
    // Without a key nothing is imported meanwhile.
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    let states = "SELECT DISTINCT state FROM placement_items ORDER BY 1";
    app.app.clock.advance(DAY * 89);
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    assert_eq!(texts(&app, states).await, ["created", "unconfirmed"]);
    app.app.clock.advance(DAY);
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    assert_eq!(texts(&app, states).await, ["unconfirmed"]);
    let admin = app.user(Role::Admin).await;
    assert_eq!(newest(&admin).await["state"], "INCOMPLETE");
    let second = keys_of(ProviderKind::Vapi).1;
    admin.save_key(second, None).await.ok();
    app.settle().await;
    assert_eq!(crate::sync::newest(&admin).await["addedCount"], 0);
    assert_eq!(agents(&admin).await, (52, 0));
    assert_eq!(texts(&app, states).await, ["created"]);
    app.app.clock.advance(DAY * 91);
    jobs::tidy(&app.app).await.unwrap();
    app.settle().await;
    assert_eq!(texts(&app, states).await, Vec::<String>::new());
    let runs = app.sql("SELECT count(*) FROM placement_runs").await;
    assert_eq!(runs[0].get::<i64>(0), 0);
}
