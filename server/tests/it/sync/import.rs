//! What a sync reads (S1), what it says while it does (S2), and an account of some size (S7).

use std::collections::HashSet;

use ringfence::{
    access::Role,
    sandbox::{Fault, NewAccount, NewKey, Resource},
};
use serde_json::{Value, json};

use super::{agents, import, newest, statuses, sync, to_the_end};
use crate::harness::{Frame, TestApp, TestSocket, keys};

/// S1: agents come with their portable definition and their place at the provider.
#[tokio::test]
async fn agents_come_with_their_definition() {
    let app = TestApp::new().await;
    let staff = app.user(Role::Staff).await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, keys::GOOD).await;
    assert_eq!(run["state"], "SUCCEEDED");
    assert_eq!(run["trigger"], "KEY_SAVED");
    assert_eq!(
        (&run["agentCount"], &run["addedCount"]),
        (&json!(40), &json!(40))
    );
    assert_eq!(run["phoneNumberCount"], 12);
    assert!(run["hint"].is_null() && run["error"].is_null() && run["phase"].is_null());
    let query = "{ agents(search: \"Northside Dental – Reception\") { totalCount nodes { name status isReachable provider \
        createdAt updatedAt definition { prompt firstMessage language voice { engine voiceId } model { vendor name } } \
        placements { provider remoteId status inactiveReason lastSeenAt } phoneNumbers { number } } } }";
    let data = staff.query(query).await.ok();
    let agent = &data["agents"]["nodes"][0];
    assert_eq!(data["agents"]["totalCount"], 1);
    assert_eq!(agent["status"], "ACTIVE");
    assert_eq!(agent["isReachable"], true);
    let definition = &agent["definition"];
    assert!(
        definition["prompt"]
            .as_str()
            .unwrap()
            .contains("a dental practice in Portland")
    );
    assert!(
        definition["firstMessage"]
            .as_str()
            .unwrap()
            .contains("Northside Dental")
    );
    assert_eq!(definition["language"], "en-US");
    assert_eq!(
        definition["voice"],
        json!({ "engine": "11labs", "voiceId": "EXAVITQu4vr4xnSDxMaL" })
    );
    assert!(definition["model"]["name"].is_string());
    assert_eq!(agent["phoneNumbers"], json!([{ "number": "+15035550142" }]));
    let remote: HashSet<Value> = app
        .sandbox
        .control()
        .agent_ids(keys::GOOD)
        .unwrap()
        .into_iter()
        .map(Value::from)
        .collect();
    let placed: HashSet<Value> = agents(&admin)
        .await
        .iter()
        .map(|agent| {
            assert_eq!(agent["placements"].as_array().unwrap().len(), 1);
            agent["placements"][0]["remoteId"].clone()
        })
        .collect();
    assert_eq!(placed, remote);
}

/// S1: numbers come with their carrier, their state and the agent that answers them; secrets of carriers stay away.
#[tokio::test]
async fn numbers_come_with_the_agent_that_answers_them() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    let query = "{ phoneNumbers { totalCount nodes { number sipUri name carrier status agent { name } } } }";
    let data = admin.query(query).await.ok();
    let numbers = data["phoneNumbers"]["nodes"].as_array().unwrap();
    assert_eq!(numbers.len(), 12);
    let find = |name: &str| {
        numbers
            .iter()
            .find(|number| number["name"] == name)
            .unwrap()
    };
    assert_eq!(
        *find("Bayview Legal intake"),
        json!({
            "number": "+14155550123", "sipUri": null, "name": "Bayview Legal intake", "carrier": "twilio",
            "status": "ACTIVE", "agent": { "name": "Bayview Legal – Reception" },
        })
    );
    assert!(find("Spare line")["agent"].is_null());
    let sip = find("Summit front desk (SIP)");
    assert_eq!(sip["sipUri"], "sip:front-desk@summit-insurance.example");
    assert_eq!(
        (&sip["status"], &sip["number"]),
        (&json!("ACTIVATING"), &Value::Null)
    );
    // The provider answers with the carrier's secrets; none of it is kept.
    let kept = app
        .sql("SELECT concat(number, name, carrier, remote_id) FROM phone_numbers")
        .await;
    assert_eq!(kept.len(), 12);
    let kept: String = kept.iter().map(|row| row.get::<String>(0)).collect();
    assert!(!kept.to_lowercase().contains("token"), "{kept}");
}

/// S1: voices are those that the agents use, each with how many use it.
#[tokio::test]
async fn voices_are_counted_by_the_agents_that_use_them() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, keys::GOOD).await;
    let query = "{ voices { totalCount nodes { engine voiceId agentCount provider } } \
        agents(first: 100) { nodes { definition { voice { engine voiceId } } } } }";
    let data = admin.query(query).await.ok();
    let voices = data["voices"]["nodes"].as_array().unwrap();
    assert_eq!(data["voices"]["totalCount"], run["voiceCount"]);
    let agents = data["agents"]["nodes"].as_array().unwrap();
    for voice in voices {
        let used = agents
            .iter()
            .map(|agent| &agent["definition"]["voice"])
            .filter(|used| used["engine"] == voice["engine"] && used["voiceId"] == voice["voiceId"])
            .count();
        assert_eq!(voice["agentCount"], used, "{voice}");
        assert!(used > 0, "{voice}");
    }
    let total: u64 = voices
        .iter()
        .map(|voice| voice["agentCount"].as_u64().unwrap())
        .sum();
    let speaking = agents
        .iter()
        .filter(|agent| agent["definition"]["voice"].is_object())
        .count();
    assert_eq!(total, speaking as u64);
}

/// S1: a second sync adds nothing twice, and says what has changed and what is new.
#[tokio::test]
async fn a_second_sync_adds_only_what_is_new() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    import(&app, &admin, keys::GOOD).await;
    let before = agents(&admin).await;
    let again = sync(&app, &admin).await;
    assert_eq!(again["trigger"], "MANUAL");
    for (count, expected) in [("addedCount", 0), ("changedCount", 0), ("agentCount", 40)] {
        assert_eq!(again[count], expected, "{count}");
    }
    assert_eq!(agents(&admin).await, before);
    let control = app.sandbox.control();
    let ids = control.agent_ids(keys::GOOD).unwrap();
    control
        .rename_agent(keys::GOOD, &ids[3], "Renamed at the provider")
        .unwrap();
    control.add_agents(keys::GOOD, 2, "New agent").unwrap();
    let third = sync(&app, &admin).await;
    for (count, expected) in [
        ("addedCount", 2),
        ("changedCount", 1),
        ("agentCount", 42),
        ("goneCount", 0),
        ("returnedCount", 0),
    ] {
        assert_eq!(third[count], expected, "{count}");
    }
    let after = agents(&admin).await;
    assert_eq!(after.len(), 42);
    let renamed = after
        .iter()
        .find(|agent| agent["name"] == "Renamed at the provider")
        .unwrap();
    let known = before
        .iter()
        .find(|agent| agent["id"] == renamed["id"])
        .unwrap();
    assert_eq!(renamed["placements"], known["placements"]);
}

/// S2: whoever watches sees the phases in their order, what is done, and the end; then the subscription completes.
#[tokio::test]
async fn a_watcher_sees_each_phase_and_the_end() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let staff = app.user(Role::Staff).await;
    let control = app.sandbox.control();
    control
        .add_account(&NewAccount::vapi("key-of-many-agents-5Tc8", 1500).phone_numbers(30))
        .unwrap();
    control.set_page_delay(std::time::Duration::from_millis(60));
    let saved = admin.save_key("key-of-many-agents-5Tc8", None).await.ok();
    let run = saved["saveProviderKey"]["syncRun"]["id"].as_str().unwrap();
    let mut socket = TestSocket::connected(&app, &staff).await;
    let query = format!(
        "subscription {{ syncProgress(syncRunId: \"{run}\") {{ state phase done total agentCount phoneNumberCount }} }}"
    );
    socket.subscribe("1", &query).await;
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let Frame::Json(message) = socket.next().await else {
            panic!("the socket was closed")
        };
        match message["type"].as_str().unwrap() {
            "next" => {
                assert!(message["payload"]["errors"].is_null(), "{message}");
                seen.push(message["payload"]["data"]["syncProgress"].clone());
            }
            "complete" => break,
            "ping" | "pong" => {}
            other => panic!("{other}: {message}"),
        }
    }
    let last = seen.last().unwrap();
    assert_eq!(last["state"], "SUCCEEDED");
    assert_eq!(
        (&last["agentCount"], &last["phoneNumberCount"]),
        (&json!(1500), &json!(30))
    );
    assert!(
        seen.iter()
            .any(|event| event["phase"] == "AGENTS" && event["done"] == 1000),
        "{seen:#?}"
    );
    let order = [
        "AGENTS",
        "PHONE_NUMBERS",
        "AGENT_DETAILS",
        "MISSING_AGENTS",
        "VOICES",
    ];
    let phases: Vec<usize> = seen
        .iter()
        .filter_map(|event| event["phase"].as_str())
        .map(|phase| order.iter().position(|known| *known == phase).unwrap())
        .collect();
    assert!(phases.is_sorted(), "{phases:?}");
    assert!(phases.contains(&0) && phases.contains(&1));
    app.settle().await;
}

/// S2: a sync that found nothing says what to check.
#[tokio::test]
async fn an_empty_account_says_what_to_check() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .add_account(&NewAccount::vapi("key-of-an-empty-account-1Xd5", 0))
        .unwrap();
    let run = import(&app, &admin, "key-of-an-empty-account-1Xd5").await;
    assert_eq!(run["state"], "SUCCEEDED");
    let hint = run["hint"].as_str().unwrap();
    assert!(
        hint.starts_with("No agents and no numbers were found.") && hint.contains("Vapi"),
        "{hint}"
    );
}

/// S1, K4: a key that may not list numbers imports the agents; known numbers stay as they are.
#[tokio::test]
async fn a_limited_key_imports_what_it_may_see() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let run = import(&app, &admin, keys::LIMITED).await;
    assert_eq!(run["state"], "SUCCEEDED");
    assert_eq!(
        (&run["agentCount"], &run["phoneNumberCount"]),
        (&json!(40), &json!(0))
    );
    admin.save_key(keys::GOOD, Some(1)).await.ok();
    app.settle().await;
    admin.save_key(keys::LIMITED, Some(2)).await.ok();
    app.settle().await;
    assert_eq!(newest(&admin).await["phoneNumberCount"], 0);
    let active = "{ phoneNumbers(filter: { status: [ACTIVE, ACTIVATING] }) { totalCount } }";
    let data = admin.query(active).await.ok();
    assert_eq!(data["phoneNumbers"]["totalCount"], 12);
}

/// S7, in small: three thousand agents and five hundred numbers arrive once each, in pages.
#[tokio::test]
async fn thousands_of_agents_arrive_once_each() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let key = "key-of-thousands-9Gw3";
    let account = NewAccount::vapi(key, 3000).phone_numbers(500);
    app.sandbox.control().add_account(&account).unwrap();
    let run = import(&app, &admin, key).await;
    assert_eq!(run["state"], "SUCCEEDED");
    for (count, expected) in [
        ("agentCount", 3000),
        ("addedCount", 3000),
        ("phoneNumberCount", 500),
        ("voiceCount", 1),
    ] {
        assert_eq!(run[count], expected, "{count}");
    }
    let distinct = app
        .sql(
            "SELECT count(*), count(DISTINCT p.remote_id), count(DISTINCT p.agent_id), count(DISTINCT a.name) \
             FROM placements p JOIN agents a ON a.id = p.agent_id WHERE p.status = 'active'",
        )
        .await;
    let counts: [i64; 4] = std::array::from_fn(|column| distinct[0].get(column));
    assert_eq!(counts, [3000; 4]);
    let numbers = app
        .sql("SELECT count(DISTINCT number) FROM phone_numbers WHERE status = 'active'")
        .await;
    assert_eq!(numbers[0].get::<i64>(0), 500);
    let attached = "{ phoneNumbers(filter: { hasAgent: true }) { totalCount } }";
    let data = admin.query(attached).await.ok();
    assert_eq!(data["phoneNumbers"]["totalCount"], 250);
    assert_eq!(statuses(&admin).await, (3000, 0));
}

/// K3, S1: a key that may list numbers and no agents imports the numbers, and marks no agent.
#[tokio::test]
async fn a_key_for_numbers_alone_imports_them() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = import(&app, &admin, keys::GOOD).await;
    let key = "key-of-numbers-alone-2Kd7";
    let narrow = NewKey {
        key: key.to_owned(),
        same_account_as: keys::GOOD.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::Agents],
    };
    app.sandbox.control().add_key(&narrow).unwrap();
    let version = admin.key().await["version"].as_i64();
    admin.save_key(key, version).await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_ne!(run["id"], first["id"]);
    assert_eq!(run["state"], "SUCCEEDED", "{run:#}");
    assert_eq!(
        (&run["agentCount"], &run["phoneNumberCount"]),
        (&json!(0), &json!(12))
    );
    assert!(run["hint"].as_str().unwrap().contains("see all agents"));
    assert_eq!(statuses(&admin).await, (40, 0));
}

/// K3, S5: numbers that the provider answers with 401, as a check already knew, are left out; the key stays as it is.
#[tokio::test]
async fn a_refusal_of_the_numbers_alone_is_no_refusal_of_the_key() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.inject(Fault::status(401).on("/vapi/phone-number"));
    control.inject(Fault::status(401).on("/vapi/v2/phone-number"));
    admin.save_key(keys::GOOD, None).await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], &run["agentCount"], &run["phoneNumberCount"]),
        (&json!("SUCCEEDED"), &json!(40), &json!(0))
    );
    assert_eq!(admin.key().await["health"], "LIMITED");
}
