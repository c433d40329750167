//! What happens at the same moment: SQLite has one writer and makes the second one wait, PostgreSQL locks row by row. On
//! both the outcome is that of one after the other.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use ringfence::{
    access::Role,
    accounts::{
        admin::{self, Plan},
        set_up,
    },
    audit::Verdict,
    sandbox::NewAccount,
};
use serde_json::json;

use crate::harness::{Settings, TestApp};

/// E7, X1: entries that are appended at the same moment stand one behind the other, and the chain is whole.
#[tokio::test]
async fn entries_at_once_stand_in_one_chain() {
    let app = TestApp::new().await;
    let names: Vec<String> = (0..24).map(|number| format!("Agency {number}")).collect();
    let made = join_all(
        names
            .iter()
            .map(|name| admin::create_agency(&app.app, name, Plan::Agency)),
    )
    .await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let verdict = app.app.audit.verify(&app.app.db, None).await.unwrap();
    let Verdict::Whole { head } = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(head.sequence, 25, "one is the first agency's");
}

/// X1: agencies of one name that are made at the same moment have a slug each, or are told of the conflict; none fails in
/// another way.
#[tokio::test]
async fn agencies_of_one_name_at_once_have_a_slug_each() {
    let app = TestApp::new().await;
    let made = join_all((0..8).map(|_| admin::create_agency(&app.app, "Same Name", Plan::Agency)));
    let (slugs, refused): (Vec<_>, Vec<_>) = made.await.into_iter().partition(Result::is_ok);
    let slugs: HashSet<String> = slugs.into_iter().map(Result::unwrap).collect();
    assert!(!slugs.is_empty());
    for refusal in &refused {
        let text = refusal.as_ref().unwrap_err().to_string();
        assert!(text.contains("is just being made"), "{text}");
    }
    assert_eq!(slugs.len() + refused.len(), 8);
}

/// H4, X1: of several who set the installation up at the same moment with the same token one becomes the owner.
#[tokio::test]
async fn of_two_first_owners_at_once_one_is_made() {
    let app = TestApp::with(Settings {
        is_without_people: true,
        ..Settings::default()
    })
    .await;
    let token = set_up::open(&app.app).await.unwrap().unwrap();
    let query =
        "mutation($input: SetUpInput!) { setUp(input: $input) { viewer { person { name } } } }";
    let answers = join_all((0..4).map(|number| {
        let input = json!({ "input": { "token": token, "agencyName": format!("Agency {number}"), "name": "Ada",
            "email": format!("ada{number}@example.com"), "password": "a good long password" } });
        let client = app.nobody();
        async move { client.graphql(query, input).await }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.errors.is_empty());
    assert_eq!(made.len(), 1);
    for answer in refused {
        assert_eq!(answer.code(), "SET_UP_CLOSED");
    }
    for table in ["users", "agencies", "memberships"] {
        let count = app.sql(&format!("SELECT count(*) FROM {table}")).await[0].get::<i64>(0);
        assert_eq!(count, 1, "{table}");
    }
}

/// H4, X1: of tokens that are made at the same moment, as when two replicas start, one opens the set-up page.
#[tokio::test]
async fn of_two_tokens_at_once_one_is_valid() {
    let app = TestApp::with(Settings {
        is_without_people: true,
        ..Settings::default()
    })
    .await;
    let opened = join_all((0..6).map(|_| set_up::open(&app.app))).await;
    assert!(opened.iter().all(|token| matches!(token, Ok(Some(_)))));
    let kept = app.sql("SELECT count(*) FROM set_up_tokens").await;
    assert_eq!(kept[0].get::<i64>(0), 1);
}

/// K8, S6, X1: numbers are detached while a sync writes the same numbers in another order, and neither stops the other.
#[tokio::test]
async fn a_clearing_and_a_sync_do_not_wait_for_each_other() {
    const KEY: &str = "key-of-many-numbers-8Vd2";
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    let account = NewAccount::vapi(KEY, 100).phone_numbers(200);
    control.add_account(&account).unwrap();
    admin.save_key(KEY, None).await.ok();
    app.settle().await;
    for _ in 0..3 {
        // Each round has its own minute, in which ten syncs may be started.
        app.advance(Duration::from_secs(61));
        app.sql("UPDATE phone_numbers SET is_answering = TRUE")
            .await;
        let key = admin.key().await;
        let more = json!({ "detachNumbers": true, "clearDespiteFailedDetach": true });
        let syncs = async {
            for _ in 0..6 {
                admin.start_sync().await;
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        };
        let (cleared, ()) = tokio::join!(admin.clear_key(&key, more), syncs);
        if !cleared.errors.is_empty() {
            assert_eq!(cleared.code(), "IMPACT_CHANGED", "{cleared:?}");
        }
        app.settle().await;
        let faults = "SELECT count(*) FROM sync_runs WHERE error_code = 'INTERNAL'";
        assert_eq!(app.sql(faults).await[0].get::<i64>(0), 0);
        let faults = "SELECT count(*) FROM jobs WHERE last_error IS NOT NULL";
        assert_eq!(app.sql(faults).await[0].get::<i64>(0), 0);
        if cleared.errors.is_empty() {
            admin.save_key(KEY, None).await.ok();
            app.settle().await;
        }
    }
}

/// P5, S1, X1: a zero character, which PostgreSQL takes in no text, is no fault: not in what is asked, and not in a name
/// that a provider tells.
#[tokio::test]
async fn a_zero_character_is_no_fault() {
    const KEY: &str = "key-of-an-odd-account-2Nx7";
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.add_account(&NewAccount::vapi(KEY, 1)).unwrap();
    control.add_agents(KEY, 2, "Odd\0name").unwrap();
    admin.save_key(KEY, None).await.ok();
    app.settle().await;
    let state = admin.key().await["latestSyncRun"]["state"].clone();
    assert_eq!(state, "SUCCEEDED");
    let names = "{ agents { nodes { name } } }";
    let names = admin.query(names).await.ok().to_string();
    assert!(names.contains("Odd"), "{names}");
    for (query, variables) in [
        (
            "query($id: ID!) { agent(id: $id) { name } }",
            json!({ "id": "\0" }),
        ),
        (
            "query($text: String!) { agents(search: $text) { totalCount } }",
            json!({ "text": "a\0b" }),
        ),
    ] {
        let answer = admin.graphql(query, variables).await;
        for error in &answer.errors {
            assert_ne!(error["extensions"]["code"], "INTERNAL", "{error}");
        }
    }
    // SQLite would find what stands before it: everything, where nothing does.
    let search = "query($text: String!) { agents(search: $text) { totalCount } }";
    let refused = admin.graphql(search, json!({ "text": "\0" })).await;
    assert!(!refused.errors.is_empty());
}

/// What only PostgreSQL does at the same moment.
mod postgres {
    use ringfence::{access::Role, sandbox::Fault};
    use serde_json::json;

    use crate::{
        harness::{TestApp, keys},
        keys::test,
    };

    /// H5, K3: an endpoint that is deleted in the moment in which a key's recovery is to be told to it costs the saved key
    /// nothing.
    #[tokio::test]
    async fn an_endpoint_that_is_just_being_deleted_stops_no_save() {
        let app = TestApp::new().await;
        let admin = app.user(Role::Admin).await;
        admin.import(&app).await;
        let query = "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { \
            webhookEndpoint { id } } }";
        let input =
            json!({ "url": "http://127.0.0.1:9/hook", "events": ["PROVIDER_KEY_RESTORED"] });
        admin.graphql(query, json!({ "input": input })).await.ok();
        app.sandbox.control().inject(Fault::status(401));
        let key = admin.key().await;
        for _ in 0..3 {
            test(&admin, &key).await.ok();
        }
        app.sandbox.control().clear_faults();
        let deletion = "BEGIN; DELETE FROM webhook_endpoints; SELECT pg_sleep(2); COMMIT";
        let save = async {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            admin.save_key(keys::GOOD, Some(1)).await
        };
        let (_, saved) = tokio::join!(app.sql(deletion), save);
        assert_eq!(
            saved.ok()["saveProviderKey"]["providerKey"]["health"],
            "VALID"
        );
        app.settle().await;
        let told = app.sql("SELECT count(*) FROM webhook_deliveries").await;
        assert_eq!(told[0].get::<i64>(0), 0);
    }
}
