//! Bland over GraphQL, against the provider sandbox: saving a key, what its import brings, clearing, and Bland beside
//! Vapi in one agency. What holds for every provider is tested with Vapi's keys in `keys` and `sync`.

use std::collections::HashSet;
use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, TestClient};
use crate::keys::{last_four, save};
use crate::sync::{agents, newest, statuses, to_the_end};

const GOOD: &str = "sandbox-bland-good-agency-h5Tg";
const SECOND: &str = "sandbox-bland-good-second-w2Jc";
const LIMITED: &str = "sandbox-bland-no-numbers-e9Pv";
const NO_FUNDS: &str = "sandbox-bland-no-funds-r6Mx";
const REVOKED: &str = "sandbox-bland-revoked-c4Zk";
const THROTTLED: &str = "sandbox-bland-throttled-n8Bq";
const DOWN: &str = "sandbox-bland-down-y3Fs";

async fn save_bland(client: &TestClient, key: &str) -> Answer {
    let input = json!({ "provider": "BLAND", "apiKey": key });
    save(client, input).await
}

/// Saves a key and imports its account.
async fn import(app: &TestApp, client: &TestClient, key: &str) -> Value {
    save_bland(client, key).await.ok();
    app.settle().await;
    newest(client).await
}

/// The stored Bland key as an admin sees it; null when there is none.
async fn stored(client: &TestClient) -> Value {
    let query = "{ providerKeys(provider: [BLAND]) { nodes { id version maskedKey health healthMessage \
        account { remoteId } capabilities { capability state } \
        clearImpact { agentCount phoneNumberCount answeringNumberCount acknowledgement } } } }";
    client.query(query).await.ok()["providerKeys"]["nodes"][0].clone()
}

async fn start_sync(app: &TestApp, client: &TestClient) -> Value {
    let query = "mutation { startSync(input: { provider: BLAND }) { syncRun { id } } }";
    client.query(query).await.ok();
    app.settle().await;
    newest(client).await
}

/// S1: personas, agents and pathways become agents, numbers find theirs, and voices come from Bland's list.
#[tokio::test]
async fn an_import_brings_agents_numbers_and_voices() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, GOOD).await;
    assert_eq!(run["state"], "SUCCEEDED", "{run:#}");
    assert_eq!(
        (&run["agentCount"], &run["addedCount"]),
        (&json!(37), &json!(37))
    );
    assert_eq!(
        (&run["phoneNumberCount"], &run["voiceCount"]),
        (&json!(11), &json!(8))
    );
    let query = "{ agents(search: \"Northside Dental – Reception\") { nodes { name status provider \
        definition { prompt firstMessage language voice { engine voiceId } model { name } } \
        phoneNumbers { number } } } \
        phoneNumbers { totalCount nodes { number name carrier status agent { name } } } \
        voices(first: 50) { totalCount nodes { engine voiceId name agentCount } } }";
    let data = admin.query(query).await.ok();
    let agent = &data["agents"]["nodes"][0];
    assert_eq!(
        (&agent["provider"], &agent["status"]),
        (&json!("BLAND"), &json!("ACTIVE"))
    );
    let definition = &agent["definition"];
    let prompt = definition["prompt"].as_str().unwrap();
    assert!(prompt.contains("a dental practice in Portland"), "{prompt}");
    assert_eq!(
        definition["voice"],
        json!({ "engine": "bland", "voiceId": "maya" })
    );
    assert_eq!(definition["language"], "en-US");
    assert!(definition["firstMessage"].is_null() && definition["model"].is_null());
    assert_eq!(agent["phoneNumbers"], json!([{ "number": "+15035550142" }]));
    let numbers = data["phoneNumbers"]["nodes"].as_array().unwrap();
    let answered_by = |label: &str| {
        let number = numbers.iter().find(|number| number["name"] == label);
        number.unwrap()["agent"]["name"].clone()
    };
    assert_eq!(
        answered_by("Bayview Legal intake"),
        "Bayview Legal – Reception"
    );
    assert_eq!(answered_by("Summit claims"), "Summit Insurance – Claims");
    assert_eq!(answered_by("Spare line"), Value::Null);
    assert!(numbers.iter().all(|number| number["status"] == "ACTIVE"));
    let voices = data["voices"]["nodes"].as_array().unwrap();
    assert!(
        voices
            .iter()
            .all(|voice| voice["engine"] == "bland" && voice["name"].is_string())
    );
    // Webhooks, tools and snapshots carry secrets; none of it is kept.
    for (sql, count) in [
        ("SELECT definition FROM agents", 37),
        (
            "SELECT concat(number, name, carrier, remote_id) FROM phone_numbers",
            11,
        ),
    ] {
        let rows = app.sql(sql).await;
        assert_eq!(rows.len(), count);
        let kept: String = rows.iter().map(|row| row.get::<String>(0)).collect();
        assert!(!kept.contains("never-store-me"), "{kept}");
    }
}

/// S1: what callers hear from a v2 agent stands in its version, which is read after the lists.
#[tokio::test]
async fn v2_agents_are_filled_in_from_their_versions() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let query =
        "{ agents(first: 50) { nodes { name definition { prompt language voice { voiceId } } } } }";
    let data = admin.query(query).await.ok();
    let definition = |name: &str| {
        let agents = data["agents"]["nodes"].as_array().unwrap();
        let agent = agents.iter().find(|agent| agent["name"] == name);
        agent.unwrap()["definition"].clone()
    };
    let dispatch = definition("Cedar Heating & Air – Dispatch");
    let prompt = dispatch["prompt"].as_str().unwrap();
    assert!(prompt.starts_with("You take repair calls"), "{prompt}");
    assert_eq!(
        (&dispatch["language"], &dispatch["voice"]["voiceId"]),
        (&json!("en"), &json!("josh"))
    );
    assert!(definition("Pine Street Auto – Estimates")["prompt"].is_string());
    assert!(definition("Untitled agent")["prompt"].is_null());
}

/// S1: a second sync of an unchanged account adds and changes nothing, and asks no more often than it must.
#[tokio::test]
async fn an_unchanged_account_is_read_again_without_a_change() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let before = agents(&admin).await;
    app.sandbox.control().clear_requests();
    let run = start_sync(&app, &admin).await;
    let counts = ["addedCount", "changedCount", "goneCount", "returnedCount"];
    assert!(counts.iter().all(|count| run[count] == 0), "{run:#}");
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(37))
    );
    assert_eq!(agents(&admin).await, before);
    let counts = app.sandbox.control().request_counts();
    let asked = |route: &str| {
        counts
            .get(&format!("GET /bland{route}"))
            .copied()
            .unwrap_or(0)
    };
    let lists = [
        "/v1/personas",
        "/v2/agents",
        "/v1/pathway",
        "/v1/inbound",
        "/v1/voices",
    ];
    assert_eq!(lists.map(asked), [2, 1, 1, 1, 1]);
    assert_eq!(
        (asked("/v1/personas/{id}"), asked("/v1/pathway/{id}")),
        (0, 0)
    );
    // Nothing says whether a v2 agent's version has changed, so each of the four is read in its version.
    let details = [
        "/v2/agents/{id}",
        "/v2/agents/{id}/environments",
        "/v2/agents/{id}/versions/{version}",
    ];
    assert_eq!(details.map(asked), [4, 2, 4]);
}

/// S3: an agent that is gone is read once more and becomes inactive.
#[tokio::test]
async fn what_is_gone_is_marked() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let control = app.sandbox.control();
    let gone = control.agent_ids(GOOD).unwrap()[..2].to_vec();
    control.remove_agents(GOOD, &gone).unwrap();
    control.clear_requests();
    let run = start_sync(&app, &admin).await;
    assert_eq!(run["goneCount"], 2, "{run:#}");
    assert_eq!(statuses(&admin).await, (35, 2));
    assert_eq!(control.request_counts()["GET /bland/v1/personas/{id}"], 2);
}

/// S3: without a v2 agent nothing names the account. Agents that are still there prove which it is; where none is left,
/// nothing is marked.
#[tokio::test]
async fn an_account_that_nothing_names_is_known_by_its_agents() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = "an-account-without-agents-Wd5e";
    let control = app.sandbox.control();
    let account = NewAccount::of(ProviderKind::Bland, key, 20);
    control.add_account(&account).unwrap();
    import(&app, &admin, key).await;
    assert!(stored(&admin).await["account"]["remoteId"].is_null());
    let gone = control.agent_ids(key).unwrap()[..2].to_vec();
    control.remove_agents(key, &gone).unwrap();
    assert_eq!(start_sync(&app, &admin).await["goneCount"], 2);
    assert_eq!(statuses(&admin).await, (18, 2));
    let rest = control.agent_ids(key).unwrap();
    control.remove_agents(key, &rest).unwrap();
    let run = start_sync(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(statuses(&admin).await, (18, 2));
}

/// S3: a list that this key may not see any more marks nothing that was known from it.
#[tokio::test]
async fn a_list_that_became_invisible_marks_nothing() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let control = app.sandbox.control();
    control.inject(Fault::status(403).on("/bland/v2/agents*"));
    let gone = control.agent_ids(GOOD).unwrap()[..1].to_vec();
    control.remove_agents(GOOD, &gone).unwrap();
    let run = start_sync(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["goneCount"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    assert_eq!(statuses(&admin).await, (37, 0));
}

/// S4: a sync waits for Bland's rate limit and goes on where it was.
#[tokio::test]
async fn a_sync_waits_for_blands_rate_limit() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let fault = Fault::rate_limit("30").on("/bland/v1/pathway").times(1);
    app.sandbox.control().inject(fault);
    save_bland(&admin, GOOD).await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(37))
    );
    let counts = app.sandbox.control().request_counts();
    assert_eq!(counts["GET /bland/v1/pathway"], 2);
}

/// K3: works, limited and without funds are saved, each with its health.
#[tokio::test]
async fn an_accepted_key_is_saved_with_its_health() {
    for (key, health) in [
        (GOOD, "VALID"),
        (LIMITED, "LIMITED"),
        (NO_FUNDS, "NO_FUNDS"),
    ] {
        let app = TestApp::new().await;
        let admin = app.user(Role::Admin).await;
        import(&app, &admin, key).await;
        let stored = stored(&admin).await;
        assert_eq!(stored["health"], health);
        let mask = stored["maskedKey"].as_str().unwrap();
        assert!(mask.ends_with(last_four(key)) && !mask.contains("sandbox"));
        let numbers = stored["capabilities"].as_array().unwrap();
        let numbers = numbers.iter().find(|it| it["capability"] == "LIST_NUMBERS");
        let state = if health == "LIMITED" { "NO" } else { "YES" };
        assert_eq!(numbers.unwrap()["state"], state);
        assert_eq!(stored["healthMessage"].is_null(), health == "VALID");
    }
}

/// K3, K14: each refusal says what it was, and the key that was there stays in use.
#[tokio::test]
async fn a_key_that_is_not_accepted_is_not_saved() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let redirect = Effect::Redirect {
        location: "https://example.com/".to_owned(),
    };
    let flagged = Effect::Status {
        status: 403,
        message: Some("The Bland Team has flagged your account.".to_owned()),
        retry_after: None,
    };
    let rows = [
        (REVOKED, None, "KEY_REJECTED", "Bland refused this key"),
        (
            SECOND,
            Some(flagged),
            "KEY_REJECTED",
            "Bland refused this key",
        ),
        (
            THROTTLED,
            None,
            "PROVIDER_RATE_LIMITED",
            "Try again in 24 seconds",
        ),
        (DOWN, None, "PROVIDER_UNREACHABLE", "status 500"),
        (
            SECOND,
            Some(Effect::CutBody),
            "PROVIDER_UNREACHABLE",
            "broke off",
        ),
        (
            SECOND,
            Some(Effect::NotJson),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
        (
            SECOND,
            Some(Effect::WrongShape),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
        (
            SECOND,
            Some(redirect),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
    ];
    for (key, effect, code, says) in rows {
        app.sandbox.control().clear_faults();
        if let Some(effect) = effect {
            app.sandbox
                .control()
                .inject(Fault::new(effect).for_key(key));
        }
        let input = json!({ "provider": "BLAND", "apiKey": key, "expectedVersion": 1 });
        let refused = save(&admin, input).await;
        assert_eq!(refused.code(), code);
        let message = refused.message();
        assert!(message.contains(says), "{message}");
        assert!(message.contains("(…h5Tg) is still in use"), "{message}");
        let stored = stored(&admin).await;
        assert_eq!(
            (&stored["version"], &stored["health"]),
            (&json!(1), &json!("VALID"))
        );
        // Ten attempts a minute are all that one person has.
        app.advance(Duration::from_secs(61));
    }
}

/// K8: what Bland answers by itself is detached there before the key goes.
#[tokio::test]
async fn numbers_are_detached_at_bland_before_the_key_goes() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let key = stored(&admin).await;
    assert_eq!(key["clearImpact"]["answeringNumberCount"], 10);
    let fault = Fault::status(500)
        .method("POST")
        .on("/bland/v1/personas/*")
        .times(1);
    app.sandbox.control().inject(fault);
    let more = json!({ "detachNumbers": true });
    let refused = admin.clear_key(&key, more.clone()).await;
    assert_eq!(refused.code(), "DETACH_FAILED");
    let message = refused.message();
    assert!(
        message.contains("could not be detached at Bland"),
        "{message}"
    );
    let key = stored(&admin).await;
    assert_eq!(key["clearImpact"]["answeringNumberCount"], 1);
    let cleared = admin.clear_key(&key, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 1);
    assert_eq!(cleared["stillAnswering"], json!([]));
    assert_eq!(stored(&admin).await, Value::Null);
    // What Bland has now, as a new key sees it.
    import(&app, &admin, GOOD).await;
    let key = stored(&admin).await;
    assert_eq!(key["clearImpact"]["phoneNumberCount"], 11);
    assert_eq!(key["clearImpact"]["answeringNumberCount"], 0);
}

/// T2, K1: two providers side by side; the first stays the agency's own, and each key goes to its own host.
#[tokio::test]
async fn bland_stands_beside_vapi() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let run = import(&app, &admin, GOOD).await;
    assert_eq!(run["state"], "SUCCEEDED");
    let query = "{ agency { voiceProvider } vapi: agents(filter: { provider: [VAPI] }) { totalCount } \
        bland: agents(filter: { provider: [BLAND] }) { totalCount } providerKeys { totalCount } \
        phoneNumbers { totalCount } }";
    let data = admin.query(query).await.ok();
    assert_eq!(data["agency"]["voiceProvider"], "VAPI");
    assert_eq!(
        (&data["vapi"]["totalCount"], &data["bland"]["totalCount"]),
        (&json!(40), &json!(37))
    );
    assert_eq!(
        (
            &data["providerKeys"]["totalCount"],
            &data["phoneNumbers"]["totalCount"]
        ),
        (&json!(2), &json!(23))
    );
    let pairs: HashSet<(String, String)> = app
        .sandbox
        .control()
        .requests()
        .into_iter()
        .map(|request| {
            let provider = request.path.split('/').nth(1).unwrap().to_owned();
            (provider, request.key.unwrap())
        })
        .collect();
    let pair = |provider: &str, key: &str| (provider.to_owned(), key.to_owned());
    assert_eq!(
        pairs,
        HashSet::from([pair("vapi", "k7Qd"), pair("bland", "h5Tg")])
    );
    // Clearing one leaves the other alone.
    let key = stored(&admin).await;
    admin.clear_key(&key, json!({})).await.ok();
    let data = admin.query(query).await.ok();
    assert_eq!(data["providerKeys"]["totalCount"], 1);
    assert_eq!(admin.key().await["health"], "VALID");
}

/// K1, K2: a key of another provider is questioned, never refused for its shape.
#[tokio::test]
async fn a_key_of_another_provider_is_questioned() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let message = save_bland(&admin, "key_0123456789abcdef").await;
    assert!(message.message().contains("It looks like a key of Retell."));
    let message = save_bland(&admin, "sub-sk-0123456789abcdef").await;
    assert!(
        !message.message().contains("looks like"),
        "{}",
        message.message()
    );
}
