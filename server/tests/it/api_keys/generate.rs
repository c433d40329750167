//! A1, A3: making keys, who may, and what is told of them later.

use std::time::Duration;

use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
    jobs,
};
use serde_json::json;

use super::{ask, generate, listed, revoke, rotate, status, try_to_generate, try_to_rotate};
use crate::harness::TestApp;

/// A1: the key is in the answer that made it, in its form; afterwards its last four characters are told, and the database
/// holds its hash alone.
#[tokio::test]
async fn a_key_is_shown_once_and_kept_as_its_hash() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, secret) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(secret.len(), 46);
    let random = secret.strip_prefix("bvai_sk_").unwrap();
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(key["hint"], secret[42..]);
    let all = listed(&admin).await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["hint"], key["hint"]);
    assert_eq!(all[0]["state"], "ACTIVE");
    assert_eq!(
        all[0]["createdBy"]["id"],
        admin.user_id.as_ref().unwrap().as_str()
    );
    let rows = app.sql("SELECT length(key_hash) FROM api_keys").await;
    assert_eq!(
        if app.database.is_postgres() {
            32
        } else {
            rows[0].get::<i64>(0)
        },
        32
    );
    assert!(!app.keeps(random.as_bytes()).await);
    for (table, rows) in app.database.dump().await {
        assert!(!rows.contains(&random[..12]), "{table}");
    }
    assert_eq!(status(&app, &secret).await, 200);
}

/// A3: the name of a key in use, in whatever case, makes a key in its place, with its scopes where none are said; the old
/// one dies at once. Another name makes another key.
#[tokio::test]
async fn a_name_in_use_replaces_its_key_at_once() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, first) = generate(&admin, "Default", &["READ", "KEYS_MANAGE"]).await;
    let (_, other) = generate(&admin, "Zapier", &["READ"]).await;
    let made = try_to_generate(&admin, json!({ "name": " default " }))
        .await
        .ok();
    let second = made["generateApiKey"]["secret"].as_str().unwrap();
    let scopes = &made["generateApiKey"]["apiKey"]["scopes"];
    assert_eq!(*scopes, json!(["READ", "KEYS_MANAGE"]));
    let refused = ask(&app, &first, super::NAME).await;
    assert_eq!((refused.status, refused.code()), (401, "UNAUTHENTICATED"));
    assert!(
        refused.text.contains("was replaced by a newer one"),
        "{}",
        refused.text
    );
    assert_eq!(status(&app, second).await, 200);
    assert_eq!(status(&app, &other).await, 200);
    let states: Vec<_> = listed(&admin)
        .await
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    assert_eq!(states, ["ACTIVE", "ACTIVE", "REPLACED"]);
    // Without a word about scopes a new name reads and places calls.
    let made = try_to_generate(&admin, json!({ "name": "New" })).await.ok();
    assert_eq!(
        made["generateApiKey"]["apiKey"]["scopes"],
        json!(["READ", "CALLS_TRIGGER"])
    );
}

/// A3: an agency has at most twenty keys in use; one more takes the place of one, or waits for a revocation.
#[tokio::test]
async fn an_agency_has_at_most_twenty_keys() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let mut keys = Vec::new();
    for number in 0..20 {
        keys.push(generate(&admin, &format!("Key {number}"), &["READ"]).await);
    }
    let refused = try_to_generate(&admin, json!({ "name": "One more" })).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.error()["extensions"]["field"], "name");
    generate(&admin, "key 3", &["READ"]).await;
    rotate(&admin, &keys[4].0, 72).await;
    revoke(&admin, &keys[5].0).await.ok();
    generate(&admin, "One more", &["READ"]).await;
    let refused = try_to_generate(&admin, json!({ "name": "Another" })).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    // An expired one is in use no more.
    let soon = json!({ "name": "key 3", "expiresAt": "2026-01-15T12:00:01Z" });
    try_to_generate(&admin, soon).await.ok();
    app.advance(Duration::from_secs(1));
    generate(&admin, "Another", &["READ"]).await;
}

/// A3: a name, an expiry and scopes that cannot be are refused by their field, and nothing is replaced.
#[tokio::test]
async fn what_cannot_be_a_key_is_refused_by_its_field() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["READ"]).await;
    for (field, input) in [
        ("name", json!({ "name": "  " })),
        ("name", json!({ "name": "x".repeat(101) })),
        ("name", json!({ "name": "Default\u{202e}" })),
        ("scopes", json!({ "name": "Default", "scopes": [] })),
        (
            "expiresAt",
            json!({ "name": "Default", "expiresAt": "2026-01-15T12:00:00Z" }),
        ),
    ] {
        let refused = try_to_generate(&admin, input).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{field}");
        assert_eq!(refused.error()["extensions"]["field"], field);
    }
    assert_eq!(status(&app, &secret).await, 200);
    assert_eq!(listed(&admin).await.len(), 1);
}

/// P1, A4: keys are an admin's affair, and need a plan with the API; revoking needs none.
#[tokio::test]
async fn keys_are_for_admins_and_for_plans_with_the_api() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let staff = app.user(Role::Staff).await;
    let (key, secret) = generate(&admin, "Default", &["READ"]).await;
    assert_eq!(
        try_to_generate(&staff, json!({ "name": "Mine" }))
            .await
            .code(),
        "FORBIDDEN"
    );
    assert_eq!(try_to_rotate(&staff, &key, None).await.code(), "FORBIDDEN");
    assert_eq!(revoke(&staff, &key).await.code(), "FORBIDDEN");
    assert_eq!(staff.query("{ apiKeys { id } }").await.code(), "FORBIDDEN");
    admin::set_plan(&app.app, &app.agency, Plan::Starter)
        .await
        .unwrap();
    for refused in [
        try_to_generate(&admin, json!({ "name": "Default" })).await,
        try_to_rotate(&admin, &key, None).await,
    ] {
        assert_eq!(refused.code(), "PLAN_WITHOUT_API");
    }
    let told = admin.query("{ apiAccess { isOn isInPlan } }").await.ok();
    assert_eq!(
        told["apiAccess"],
        json!({ "isOn": true, "isInPlan": false })
    );
    let gone = revoke(&admin, &key).await.ok();
    assert_eq!(gone["revokeApiKey"]["apiKey"]["state"], "REVOKED");
    admin::set_plan(&app.app, &app.agency, Plan::Enterprise)
        .await
        .unwrap();
    assert_eq!(status(&app, &secret).await, 401);
    assert_eq!(app.app.guard_alarm.count(), 0);
}

/// E7: each event of a key is in the audit log with who did it; what a key did stands there under the key's name.
#[tokio::test]
async fn what_is_done_with_keys_is_written_down() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (_, secret) = generate(&admin, "Default", &["AGENTS_MANAGE"]).await;
    let create = "mutation { createClient(input: { name: \"Bayview\" }) { client { name } } }";
    assert_eq!(ask(&app, &secret, create).await.status, 200);
    let (key, _) = generate(&admin, "Default", &["READ"]).await;
    let (key, _, _) = rotate(&admin, &key, 0).await;
    revoke(&admin, &key).await.ok();
    revoke(&admin, &key).await.ok();
    super::switch(&admin, false).await;
    super::switch(&admin, false).await;
    let told = admin
        .query("{ auditEntries(first: 6) { nodes { action actor summary } } }")
        .await
        .ok();
    let entries = told["auditEntries"]["nodes"].as_array().unwrap();
    let actions: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let due = [
        "agency.api_switched",
        "api_key.revoked",
        "api_key.rotated",
        "api_key.generated",
        "client.created",
        "api_key.generated",
    ];
    assert_eq!(actions, due);
    assert_eq!(entries[4]["actor"], "API key Default");
    assert!(entries[0]["actor"].as_str().unwrap().starts_with("admin "));
    let rows = app
        .sql("SELECT actor_id FROM audit_entries WHERE action = 'client.created'")
        .await;
    assert_eq!(
        rows[0].get::<String>(0),
        admin.user_id.as_ref().unwrap().as_str()
    );
    assert!(
        entries
            .iter()
            .all(|entry| !entry.to_string().contains(&secret[8..20]))
    );
}

/// A3: a key of 90 days is pointed out by an alert, once, which somebody may put aside; rotating it ends the alert, and so
/// does its expiry. What is not in use is not pointed out.
#[tokio::test]
async fn an_old_key_is_pointed_out_until_it_is_rotated() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    generate(&admin, "Default", &["READ"]).await;
    let (gone, _) = generate(&admin, "Gone", &["READ"]).await;
    revoke(&admin, &gone).await.ok();
    let expiring = json!({ "name": "Expiring", "expiresAt": "2026-04-16T12:00:00Z" });
    try_to_generate(&admin, expiring).await.ok();
    app.advance(Duration::from_hours(90 * 24) - Duration::from_secs(1));
    jobs::tidy(&app.app).await.unwrap();
    let admin = app.user(Role::Admin).await;
    let alerts = async || {
        let query = "{ alerts { nodes { id kind state summary } } }";
        let told = admin.query(query).await.ok();
        told["alerts"]["nodes"].as_array().unwrap().clone()
    };
    assert!(alerts().await.is_empty());
    app.advance(Duration::from_secs(1));
    for _ in 0..2 {
        jobs::tidy(&app.app).await.unwrap();
    }
    let raised = alerts().await;
    assert_eq!(raised.len(), 2, "{raised:?}");
    assert!(raised.iter().all(|alert| alert["kind"] == "API_KEY_OLD"));
    let due = listed(&admin).await;
    assert_eq!(
        due.iter()
            .filter(|key| key["isDueForRotation"] == true)
            .count(),
        2
    );
    let key = due.iter().find(|key| key["name"] == "Default").unwrap();
    let of = |name: &str, alerts: &[serde_json::Value]| {
        let is_of = |alert: &&serde_json::Value| alert["summary"].as_str().unwrap().contains(name);
        alerts.iter().find(is_of).unwrap().clone()
    };
    let dismiss =
        "mutation($id: ID!) { dismissAlert(input: { alertId: $id }) { alert { state } } }";
    admin
        .graphql(dismiss, json!({ "id": of("Default", &raised)["id"] }))
        .await
        .ok();
    jobs::tidy(&app.app).await.unwrap();
    assert_eq!(alerts().await.len(), 2);
    rotate(&admin, key, 1).await;
    app.advance(Duration::from_hours(24));
    jobs::tidy(&app.app).await.unwrap();
    let ended = alerts().await;
    assert_eq!(ended.len(), 2);
    assert!(
        ended.iter().all(|alert| alert["state"] == "RESOLVED"),
        "{ended:?}"
    );
}

/// X2: a key is forgotten 90 days behind its end, with what it was used for; one in use stays.
#[tokio::test]
async fn ended_keys_are_forgotten_after_90_days() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, secret) = generate(&admin, "Gone", &["READ"]).await;
    generate(&admin, "Default", &["READ"]).await;
    assert_eq!(status(&app, &secret).await, 200);
    ringfence::api_keys::usage::write(&app.app).await;
    revoke(&admin, &key).await.ok();
    for (days, left) in [(90, 2), (1, 1)] {
        app.advance(Duration::from_hours(days * 24));
        jobs::tidy(&app.app).await.unwrap();
        let rows = app.sql("SELECT count(*) FROM api_keys").await;
        assert_eq!(rows[0].get::<i64>(0), left);
    }
    let rows = app.sql("SELECT count(*) FROM api_key_days").await;
    assert_eq!(rows[0].get::<i64>(0), 0);
}

/// A3: a key whose creator is suspended, belongs to a client or has left is told as suspended, because it is refused; it
/// counts as one in use, works again when its creator does, and is rotated by somebody else.
#[tokio::test]
async fn a_key_whose_creator_is_away_is_suspended() {
    let app = TestApp::new().await;
    let owner = app.user(Role::Owner).await;
    let admin = app.user(Role::Admin).await;
    let (key, earlier) = generate(&admin, "Default", &["READ"]).await;
    let (key, secret, _) = rotate(&admin, &key, 24).await;
    let person = admin.user_id.clone().unwrap();
    let states = async || {
        let all = listed(&owner).await;
        let states = all
            .iter()
            .map(|key| key["state"].as_str().unwrap().to_owned());
        states.collect::<Vec<_>>()
    };
    let set = |what: &str| format!("UPDATE memberships SET {what} WHERE user_id = '{person}'");
    assert_eq!(states().await, ["ACTIVE", "ENDING"]);
    admin::set_suspended(&app.app, &person, true).await.unwrap();
    assert_eq!(states().await, ["SUSPENDED", "SUSPENDED"]);
    assert_eq!(status(&app, &secret).await, 401);
    admin::set_suspended(&app.app, &person, false)
        .await
        .unwrap();
    assert_eq!(states().await, ["ACTIVE", "ENDING"]);
    assert_eq!(status(&app, &secret).await, 200);
    for gone in ["role = 'portal'", "role = 'admin', joined_at = NULL"] {
        app.sql(&set(gone)).await;
        assert_eq!(states().await, ["SUSPENDED", "SUSPENDED"], "{gone}");
    }
    app.sql(&format!(
        "DELETE FROM memberships WHERE user_id = '{person}'"
    ))
    .await;
    assert_eq!(states().await, ["SUSPENDED", "SUSPENDED"]);
    for number in 0..19 {
        generate(&owner, &format!("Key {number}"), &["READ"]).await;
    }
    let refused = try_to_generate(&owner, json!({ "name": "One more" })).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert!(refused.message().contains("suspended ones among them"));
    let (rotated, new, previous) = rotate(&owner, &key, 24).await;
    assert_eq!(
        (&rotated["state"], &previous["state"]),
        (&json!("ACTIVE"), &json!("SUSPENDED"))
    );
    let statuses = [&earlier, &secret, &new].map(|secret| status(&app, secret));
    assert_eq!(
        futures_util::future::join_all(statuses).await,
        [401, 401, 200]
    );
}

/// A3: the times of a key are those of the moment at which its agency's keys were its own to change, not of the moment at
/// which it began to wait for them.
#[tokio::test]
async fn a_key_has_the_time_behind_the_lock() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let (key, _) = generate(&admin, "Rotated", &["READ"]).await;
    let waiting = app.database.hold().await;
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.advance(Duration::from_secs(90));
        waiting.release().await;
    };
    let late = json!({ "name": "Late", "expiresAt": "2026-01-15T12:01:00Z" });
    let (made, (_, _, previous), refused, ()) = tokio::join!(
        generate(&admin, "Default", &["READ"]),
        rotate(&admin, &key, 1),
        try_to_generate(&admin, late),
        release
    );
    assert_eq!(refused.error()["extensions"]["field"], "expiresAt");
    assert_eq!(previous["endsAt"], "2026-01-15T13:01:30.000Z");
    let all = listed(&admin).await;
    let made = all.iter().find(|key| key["id"] == made.0["id"]).unwrap();
    assert_eq!(made["createdAt"], "2026-01-15T12:01:30.000Z");
}

/// A3: which key has a name is not decided by the clock: set back, it makes no earlier key the name's last.
#[tokio::test]
async fn a_clock_set_back_takes_no_name_away() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    generate(&admin, "Default", &["READ", "KEYS_MANAGE"]).await;
    app.set_back(Duration::from_mins(10));
    generate(&admin, "Default", &["READ"]).await;
    app.set_back(Duration::from_mins(10));
    let made = try_to_generate(&admin, json!({ "name": "Default" })).await;
    let made = made.ok()["generateApiKey"]["apiKey"].clone();
    assert_eq!(made["scopes"], json!(["READ"]));
}

/// E7, A3: an entry about keys that have ended names each of them, and none that had ended before.
#[tokio::test]
async fn every_key_that_ends_is_named_in_the_log() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let entry = async || {
        let told = admin
            .query("{ auditEntries(first: 1) { nodes { summary } } }")
            .await;
        let told = told.ok()["auditEntries"]["nodes"][0]["summary"].clone();
        told.as_str().unwrap().to_owned()
    };
    let hint = |key: &serde_json::Value| format!("…{}", key["hint"].as_str().unwrap());
    let (first, _) = generate(&admin, "Default", &["READ"]).await;
    let (second, _, _) = rotate(&admin, &first, 24).await;
    let (a, b) = (hint(&first), hint(&second));
    let words =
        format!("API key Default ({b}) was rotated; {a} works until 2026-01-16T12:00:00.000Z.");
    assert_eq!(entry().await, words);
    let (third, _, _) = rotate(&admin, &second, 1).await;
    let c = hint(&third);
    let words = format!(
        "API key Default ({c}) was rotated; {b} works until 2026-01-15T13:00:00.000Z, {a} is refused from now on."
    );
    assert_eq!(entry().await, words);
    revoke(&admin, &third).await.ok();
    let words =
        format!("API key Default ({c}) was revoked, and with it {b}, which overlapped with it.");
    assert_eq!(entry().await, words);
    let (first, _) = generate(&admin, "Default", &["READ"]).await;
    let (second, _, _) = rotate(&admin, &first, 1).await;
    let (third, _) = generate(&admin, "Default", &["READ"]).await;
    let (a, b, c) = (hint(&first), hint(&second), hint(&third));
    let heard = entry().await;
    let either = [format!("{a} and {b}"), format!("{b} and {a}")];
    let words = either.map(|both| {
        format!(
            "API key Default ({c}) was generated with the scope read, in the place of {both}, which are refused from now on."
        )
    });
    assert!(words.contains(&heard), "{heard}");
    let (fourth, _, _) = rotate(&admin, &third, 0).await;
    let d = hint(&fourth);
    let words = format!("API key Default ({d}) was rotated; {c} is refused from now on.");
    assert_eq!(entry().await, words);
    // An overlap that is over is none of theirs.
    let (fifth, _, _) = rotate(&admin, &fourth, 1).await;
    app.advance(Duration::from_hours(1));
    revoke(&admin, &fifth).await.ok();
    assert_eq!(
        entry().await,
        format!("API key Default ({}) was revoked.", hint(&fifth))
    );
    let ended = listed(&admin).await;
    let fourth = ended.iter().find(|key| key["id"] == fourth["id"]).unwrap();
    assert_eq!(fourth["state"], "REPLACED");
}

/// P1: which plan the agency has is the owner's alone to read. What an admin reads of the API is whether it may be used, and is
/// the same under each plan that has it.
#[tokio::test]
async fn an_admin_reads_whether_there_is_an_api_and_no_plan() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let query =
        "{ apiAccess { isOn isInPlan requestsPerMinutePerKey requestsPerMinutePerAgency } }";
    let mut heard = Vec::new();
    for plan in [Plan::Agency, Plan::Enterprise, Plan::Starter] {
        admin::set_plan(&app.app, &app.agency, plan).await.unwrap();
        let told = admin.query(query).await.ok();
        heard.push(told["apiAccess"].clone());
    }
    let in_plan = json!({ "isOn": true, "isInPlan": true, "requestsPerMinutePerKey": 100, "requestsPerMinutePerAgency": 500 });
    assert_eq!((&heard[0], &heard[1]), (&in_plan, &in_plan));
    assert_eq!(heard[2]["isInPlan"], false);
    let plan = admin.query("{ agency { plan } }").await;
    assert_eq!(plan.code(), "FORBIDDEN");
}
