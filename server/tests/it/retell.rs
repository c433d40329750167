//! Retell from the key to the import, over GraphQL: each row of K3, thin lists that are filled in one by one, language
//! models that change by themselves, and Retell beside Vapi in one agency.

use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount},
};
use serde_json::{Value, json};

use crate::{
    harness::{Answer, TestApp, TestClient, keys},
    keys::{counts, save},
    sync::newest,
};

const GOOD: &str = "sandbox-retell-good-agency-h5Tn";
const SECOND: &str = "sandbox-retell-good-second-w8Jb";
const LIMITED: &str = "sandbox-retell-no-numbers-c6Fx";
const NO_FUNDS: &str = "sandbox-retell-no-funds-r3Dv";
const REVOKED: &str = "sandbox-retell-revoked-g7Ys";
const THROTTLED: &str = "sandbox-retell-busy-n4Pz";
const DOWN: &str = "sandbox-retell-down-q2Mk";

async fn save_key(client: &TestClient, key: &str) -> Answer {
    save(client, json!({ "provider": "RETELL", "apiKey": key })).await
}

async fn replace_key(client: &TestClient, key: &str, version: i64) -> Answer {
    let input = json!({ "provider": "RETELL", "apiKey": key, "expectedVersion": version });
    save(client, input).await
}

/// Saves a key of Retell's and waits for its import.
async fn import(app: &TestApp, client: &TestClient, key: &str) -> Value {
    save_key(client, key).await.ok();
    app.settle().await;
    newest(client).await
}

async fn sync(app: &TestApp, client: &TestClient) -> Value {
    let start = "mutation { startSync(input: { provider: RETELL }) { syncRun { id } } }";
    client.query(start).await.ok();
    app.settle().await;
    newest(client).await
}

/// The stored key as an admin sees it; null when there is none.
async fn key(client: &TestClient) -> Value {
    let query = "{ providerKeys(provider: [RETELL]) { nodes { id version maskedKey health healthMessage \
        account { remoteId name } capabilities { capability state } \
        clearImpact { agentCount phoneNumberCount answeringNumberCount acknowledgement } } } }";
    client.query(query).await.ok()["providerKeys"]["nodes"][0].clone()
}

/// The requests so far, as `GET /retell/list-voices`, without ids and each with how often; forgotten with that.
fn asked(app: &TestApp) -> Vec<String> {
    let control = app.sandbox.control();
    let asked = control.request_counts().into_iter();
    // The account's calls are walked in a job of their own, beside the import.
    let asked = asked.filter(|(route, _)| !route.ends_with("/list-calls"));
    let asked = asked.map(|(route, count)| format!("{count} × {route}"));
    let asked = asked.collect();
    control.clear_requests();
    asked
}

/// A request to the sandbox as its owner would send it.
async fn at_retell(app: &TestApp, method: reqwest::Method, path: &str, body: Value) -> Value {
    let url = format!("{}/{path}", app.sandbox.base_url(ProviderKind::Retell));
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, url).bearer_auth(GOOD).json(&body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

/// S1, K4, K5: agents come whole though Retell lists them in part, numbers with the agent that answers most of their
/// calls, voices with their names; and the key's card names the account.
#[tokio::test]
async fn a_retell_account_is_imported() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, GOOD).await;
    assert_eq!(run["state"], "SUCCEEDED", "{run:#}");
    for (count, expected) in [
        ("agentCount", 36),
        ("addedCount", 36),
        ("changedCount", 0),
        ("phoneNumberCount", 10),
        ("voiceCount", 10),
    ] {
        assert_eq!(run[count], expected, "{count}");
    }
    let key = key(&admin).await;
    assert_eq!(key["health"], "VALID");
    assert!(key["maskedKey"].as_str().unwrap().ends_with("h5Tn"));
    assert_eq!(key["account"]["name"], "Northside Voice");
    let states: Vec<&Value> = key["capabilities"].as_array().unwrap().iter().collect();
    let states: Vec<&str> = states
        .iter()
        .map(|capability| capability["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["YES", "YES", "YES", "UNKNOWN"]);
    let query = "query($name: String!) { agents(search: $name) { nodes { status provider definition { prompt firstMessage \
        language voice { engine voiceId } model { vendor name } } phoneNumbers { number } } } }";
    let find = async |name: &str| {
        let data = admin.graphql(query, json!({ "name": name })).await.ok();
        assert_eq!(data["agents"]["nodes"].as_array().unwrap().len(), 1);
        data["agents"]["nodes"][0].clone()
    };
    let agent = find("Cedar Heating & Air – Reception").await;
    assert_eq!(
        (&agent["status"], &agent["provider"]),
        (&json!("ACTIVE"), &json!("RETELL"))
    );
    let definition = &agent["definition"];
    let prompt = definition["prompt"].as_str().unwrap();
    assert!(prompt.contains("a heating and cooling company in Denver"));
    let greeting = definition["firstMessage"].as_str().unwrap();
    assert!(greeting.contains("Cedar Heating & Air"));
    assert_eq!(
        definition["voice"],
        json!({ "engine": "minimax", "voiceId": "minimax-Max" })
    );
    assert_eq!(
        definition["model"],
        json!({ "vendor": "openai", "name": "gpt-4.1" })
    );
    assert_eq!(definition["language"], "en-US");
    assert_eq!(agent["phoneNumbers"], json!([{ "number": "+17205550138" }]));
    let flow = &find("Northside Dental – Recepción").await["definition"];
    assert_eq!(
        (&flow["prompt"], &flow["model"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(flow["language"], "es-ES, en-US");
    let query = "{ phoneNumbers { nodes { number carrier status agent { name } } } \
        voices { nodes { voiceId name agentCount } } }";
    let data = admin.query(query).await.ok();
    let numbers = data["phoneNumbers"]["nodes"].as_array().unwrap();
    let find = |number: &str| numbers.iter().find(|it| it["number"] == number).unwrap();
    assert_eq!(
        *find("+14155550164"),
        json!({ "number": "+14155550164", "carrier": "custom", "status": "ACTIVE",
            "agent": { "name": "Bayview Legal – Reception" } })
    );
    assert!(find("+18015550130")["agent"].is_null());
    let voices = data["voices"]["nodes"].as_array().unwrap();
    let voice = voices.iter().find(|it| it["voiceId"] == "minimax-Max");
    assert_eq!(
        *voice.unwrap(),
        json!({ "voiceId": "minimax-Max", "name": "Max", "agentCount": 4 })
    );
}

/// S1: an unchanged account costs a request for each list, and no agent is read again.
#[tokio::test]
async fn an_unchanged_account_is_not_read_again() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    assert_eq!(
        asked(&app),
        [
            "36 × GET /retell/get-agent/{id}",
            "1 × GET /retell/get-api-key-info",
            "32 × GET /retell/get-retell-llm/{id}",
            "1 × GET /retell/list-voices",
            "2 × GET /retell/v2/list-phone-numbers",
            "1 × GET /retell/v2/list-retell-llms",
            "2 × POST /retell/v2/list-agents",
        ]
    );
    let run = sync(&app, &admin).await;
    assert_eq!(
        (&run["agentCount"], &run["changedCount"], &run["addedCount"]),
        (&json!(36), &json!(0), &json!(0))
    );
    assert_eq!(
        asked(&app),
        [
            "1 × GET /retell/list-voices",
            "1 × GET /retell/v2/list-phone-numbers",
            "1 × GET /retell/v2/list-retell-llms",
            "1 × POST /retell/v2/list-agents",
        ]
    );
}

/// S1: a prompt that was changed in its language model alone, and a name that was changed in its agent, are both found,
/// with one reading each.
#[tokio::test]
async fn a_changed_language_model_is_found() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let ids = app.sandbox.control().agent_ids(GOOD).unwrap();
    // The newest is the chat agent, and the four before it have no language model.
    let (prompted, renamed) = (&ids[8], &ids[12]);
    let agent = at_retell(
        &app,
        reqwest::Method::GET,
        &format!("get-agent/{prompted}"),
        json!({}),
    )
    .await;
    let llm = agent["response_engine"]["llm_id"].as_str().unwrap();
    let change = json!({ "general_prompt": "Answer in rhymes." });
    at_retell(
        &app,
        reqwest::Method::PATCH,
        &format!("update-retell-llm/{llm}"),
        change,
    )
    .await;
    app.sandbox
        .control()
        .rename_agent(GOOD, renamed, "Renamed at Retell")
        .unwrap();
    asked(&app);
    let run = sync(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["changedCount"]),
        (&json!("SUCCEEDED"), &json!(2))
    );
    let asked = asked(&app);
    assert!(
        asked.contains(&"2 × GET /retell/get-agent/{id}".to_owned()),
        "{asked:?}"
    );
    assert!(
        asked.contains(&"2 × GET /retell/get-retell-llm/{id}".to_owned()),
        "{asked:?}"
    );
    let query = "{ agents(first: 100) { nodes { name definition { prompt } } } }";
    let data = admin.query(query).await.ok();
    let agents = data["agents"]["nodes"].as_array().unwrap();
    let rhyming = agents
        .iter()
        .filter(|agent| agent["definition"]["prompt"] == "Answer in rhymes.");
    assert_eq!(rhyming.count(), 1);
    assert!(
        agents
            .iter()
            .any(|agent| agent["name"] == "Renamed at Retell")
    );
}

/// K3: which answers of Retell's save a key, with which health, and which do not, with what is said.
#[tokio::test]
async fn each_answer_to_a_key_has_its_outcome() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    for (version, (accepted, health)) in (0..).zip([
        (SECOND, "VALID"),
        (LIMITED, "LIMITED"),
        (NO_FUNDS, "NO_FUNDS"),
        (GOOD, "VALID"),
    ]) {
        let saved = match version {
            0 => save_key(&admin, accepted).await.ok(),
            version => replace_key(&admin, accepted, version).await.ok(),
        };
        assert_eq!(saved["saveProviderKey"]["providerKey"]["health"], health);
        app.settle().await;
    }
    let before = counts(&admin).await;
    let control = app.sandbox.control();
    let redirect = Effect::Redirect {
        location: "https://example.com/".to_owned(),
    };
    for (typed, fault, code, says) in [
        (REVOKED, None, "KEY_REJECTED", "Retell refused this key"),
        (
            "key_of_nobody_4Fd1",
            None,
            "KEY_REJECTED",
            "(…h5Tn) is still in use",
        ),
        (
            THROTTLED,
            None,
            "PROVIDER_RATE_LIMITED",
            "Try again in 24 seconds",
        ),
        (DOWN, None, "PROVIDER_UNREACHABLE", "status 500"),
        (
            GOOD,
            Some(Effect::CutBody),
            "PROVIDER_UNREACHABLE",
            "broke off",
        ),
        (
            GOOD,
            Some(Effect::NotJson),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
        (
            GOOD,
            Some(Effect::WrongShape),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
        (
            GOOD,
            Some(redirect),
            "PROVIDER_ANSWER_MALFORMED",
            "does not understand",
        ),
    ] {
        // A row must not run into the limit on attempts.
        app.advance(Duration::from_secs(3600));
        if let Some(effect) = fault {
            control.inject(Fault::new(effect));
        }
        let refused = replace_key(&admin, typed, 4).await;
        control.clear_faults();
        assert_eq!(refused.code(), code, "{typed}");
        let message = refused.message();
        assert!(
            message.contains(says) && message.contains("Retell"),
            "{message}"
        );
    }
    let after = counts(&admin).await;
    assert_eq!((after.keys, after.runs), (before.keys, before.runs));
    let stored = key(&admin).await;
    assert_eq!(
        (&stored["version"], &stored["health"]),
        (&json!(4), &json!("VALID"))
    );
}

/// K8: numbers that Retell answers by itself, with an agent or through a webhook, are detached before the key goes, and
/// keep the agents that call out from them.
#[tokio::test]
async fn numbers_are_detached_before_the_key_goes() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, GOOD).await;
    let key = key(&admin).await;
    assert_eq!(key["clearImpact"]["answeringNumberCount"], 9);
    let more = json!({ "detachNumbers": true });
    let cleared = admin.clear_key(&key, more).await.ok()["clearProviderKey"].clone();
    assert_eq!(cleared["detachedNumberCount"], 9);
    assert_eq!(cleared["stillAnswering"], json!([]));
    let number = at_retell(
        &app,
        reqwest::Method::GET,
        "get-phone-number/+17205550138",
        json!({}),
    )
    .await;
    assert_eq!(number["inbound_agents"], json!([]));
    assert_eq!(number["outbound_agents"].as_array().unwrap().len(), 2);
}

/// T2: Retell beside Vapi: each has its key, its account and its agents, and the agency's provider stays the first.
#[tokio::test]
async fn two_providers_stand_side_by_side() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let run = import(&app, &admin, GOOD).await;
    assert_eq!(run["agentCount"], 36);
    let query = "{ agency { voiceProvider } all: agents { totalCount } \
        vapi: agents(filter: { provider: [VAPI] }) { totalCount } \
        retell: agents(filter: { provider: [RETELL] }) { totalCount } phoneNumbers { totalCount } \
        providerKeys { totalCount } }";
    let data = admin.query(query).await.ok();
    assert_eq!(data["agency"]["voiceProvider"], "VAPI");
    for (list, expected) in [
        ("all", 76),
        ("vapi", 40),
        ("retell", 36),
        ("phoneNumbers", 22),
        ("providerKeys", 2),
    ] {
        assert_eq!(data[list]["totalCount"], expected, "{list}");
    }
    // A key of one provider is none of the other's.
    let crossed = save(
        &admin,
        json!({ "provider": "RETELL", "apiKey": keys::SECOND, "expectedVersion": 1 }),
    )
    .await;
    assert_eq!(crossed.code(), "KEY_REJECTED");
    let key = key(&admin).await;
    admin.clear_key(&key, json!({})).await.ok();
    let data = admin.query(query).await.ok();
    assert_eq!(data["agency"]["voiceProvider"], "VAPI");
    assert_eq!(data["providerKeys"]["totalCount"], 1);
    let reachable = "{ agents(filter: { provider: [VAPI] }, first: 1) { nodes { isReachable } } }";
    let data = admin.query(reachable).await.ok();
    assert_eq!(data["agents"]["nodes"][0]["isReachable"], true);
}

/// S1, S5, S7: an account of some size is read whole while Retell asks to wait now and then, each agent once.
#[tokio::test]
async fn a_large_account_is_read_through_a_rate_limit() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    let account = NewAccount::of(ProviderKind::Retell, "key_of_many_agents_5Tc8", 300);
    control.add_account(&account.phone_numbers(40)).unwrap();
    control.inject(
        Fault::rate_limit("1")
            .on("/retell/get-agent/*")
            .after(100)
            .times(1),
    );
    control.inject(
        Fault::rate_limit("1")
            .on("/retell/get-retell-llm/*")
            .after(200)
            .times(1),
    );
    save_key(&admin, "key_of_many_agents_5Tc8").await.ok();
    let run = crate::sync::to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"]),
        (&json!("SUCCEEDED"), &json!(300))
    );
    let rows = app
        .sql("SELECT definition FROM agents WHERE definition NOT LIKE '%Answer briefly.%'")
        .await;
    assert!(
        rows.is_empty(),
        "{} agents without their prompt",
        rows.len()
    );
}
