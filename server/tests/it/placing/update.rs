//! R3, R5, K6: changing an agent: at every account that holds it and whose key is at hand, with what was not reached said, and
//! with nothing written where nobody took it.

use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault},
};
use serde_json::{Value, json};

use super::{
    asked, counts,
    create::{agent, client_of, connected, made},
    keys_of, moved, newest, start, sync,
};
use crate::{
    harness::{Answer, TestApp, TestClient},
    keys::save,
};

const ONE: &str = "/vapi/assistant/*";
const PATCH: &str = "PATCH /vapi/assistant/{id}";

/// Changes an agent.
async fn update(client: &TestClient, id: &Value, more: Value) -> Answer {
    let query = "mutation($input: UpdateAgentInput!) { updateAgent(input: $input) { agent { id name definition { prompt \
        firstMessage } } placements { state message placement { remoteId } } } }";
    let mut input = more;
    input["agentId"] = id.clone();
    client.graphql(query, json!({ "input": input })).await
}

/// The payload of a change that was answered.
async fn changed(client: &TestClient, id: &Value, more: Value) -> Value {
    update(client, id, more).await.ok()["updateAgent"].clone()
}

fn states(changed: &Value) -> Vec<&str> {
    let placements = changed["placements"].as_array().unwrap();
    placements
        .iter()
        .map(|placement| placement["state"].as_str().unwrap())
        .collect()
}

/// An agent as its provider holds it under this key.
async fn remote(app: &TestApp, key: &str, remote_id: &Value) -> Value {
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = app.sandbox.base_url(ProviderKind::Vapi);
    let url = format!("{base}/assistant/{}", remote_id.as_str().unwrap());
    let request = client.get(url).bearer_auth(key);
    request.send().await.unwrap().json().await.unwrap()
}

fn prompt_of(assistant: &Value) -> &Value {
    &assistant["model"]["messages"][0]["content"]
}

/// An imported agent.
async fn imported(client: &TestClient) -> Value {
    let found = client
        .query("{ agents(first: 1) { nodes { id } } }")
        .await
        .ok();
    found["agents"]["nodes"][0]["id"].clone()
}

/// An agent that stands in the account before and in the account of the key that is in use.
async fn in_two_accounts() -> (TestApp, TestClient, Value) {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let query = "{ agents(filter: { isReachable: false }, first: 1) { nodes { id } } }";
    let found = admin.query(query).await.ok();
    let id = found["agents"]["nodes"][0]["id"].clone();
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [40, 0, 0, 0]);
    app.sandbox.control().clear_requests();
    (app, admin, id)
}

/// R5, K6: a change reaches the provider; what is absent stays there and here, what is null goes, and the next import finds
/// nothing to tell.
#[tokio::test]
async fn a_change_reaches_the_provider_and_leaves_the_rest() {
    let (app, admin) = connected().await;
    let staff = app.user(Role::Staff).await;
    let key = keys_of(ProviderKind::Vapi).0;
    for id in [
        imported(&admin).await,
        made(&admin, json!({})).await["agent"]["id"].clone(),
    ] {
        let before = agent(&admin, &id).await;
        let remote_id = &before["placements"][0]["remoteId"];
        let whole = remote(&app, key, remote_id).await;
        let change = json!({ "prompt": "You answer by day.", "firstMessage": null });
        let changed = changed(&staff, &id, change).await;
        assert_eq!(states(&changed), ["UPDATED"], "{changed:#}");
        let after = agent(&admin, &id).await;
        assert_eq!(after["definition"]["prompt"], "You answer by day.");
        assert_eq!(after["definition"]["firstMessage"], Value::Null);
        for part in ["voice", "language", "model"] {
            assert_eq!(
                after["definition"][part], before["definition"][part],
                "{part}"
            );
        }
        assert_eq!(after["name"], before["name"]);
        let now = remote(&app, key, remote_id).await;
        assert_eq!(prompt_of(&now), "You answer by day.");
        for part in ["voice", "name", "transcriber", "metadata"] {
            assert_eq!(now[part], whole[part], "{part}");
        }
        let synced = sync(&app, &admin, "VAPI").await;
        assert_eq!(
            (&synced["addedCount"], &synced["changedCount"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(agent(&admin, &id).await["definition"], after["definition"]);
    }
    let rows = app
        .sql("SELECT summary FROM audit_entries WHERE action = 'agent.updated' ORDER BY sequence DESC")
        .await;
    assert_eq!(
        rows[0].get::<String>(0),
        "Agent Night desk was changed (prompt, firstMessage) in 1 of 1 accounts."
    );
}

/// R5: an agent that was made and changed here keeps what its provider holds beside, and follows it at the next import.
#[tokio::test]
async fn what_is_changed_at_the_provider_later_is_still_imported() {
    let (app, admin) = connected().await;
    let id = imported(&admin).await;
    changed(&admin, &id, json!({ "name": "Front desk" })).await;
    let remote_id = agent(&admin, &id).await["placements"][0]["remoteId"].clone();
    let control = app.sandbox.control();
    let key = keys_of(ProviderKind::Vapi).0;
    control
        .rename_agent(key, remote_id.as_str().unwrap(), "Renamed there")
        .unwrap();
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(synced["changedCount"], 1);
    assert_eq!(agent(&admin, &id).await["name"], "Renamed there");
}

/// R3, R5: an agent of a client with a key of its own is changed in both accounts, so that clearing the key leads to the same
/// agent.
#[tokio::test]
async fn a_change_reaches_every_account_whose_key_is_at_hand() {
    let (app, admin) = connected().await;
    let (first, second) = keys_of(ProviderKind::Vapi);
    let client = client_of(&admin, "Bayview").await;
    let id = made(&admin, json!({ "clientId": client })).await["agent"]["id"].clone();
    let input = json!({ "provider": "VAPI", "apiKey": second, "clientId": client });
    save(&admin, input).await.ok();
    app.settle().await;
    let query = "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { hasJoined } }";
    let input = json!({ "input": { "clientId": client, "provider": "VAPI" } });
    admin.graphql(query, input).await.ok();
    app.settle().await;
    let changed = changed(&admin, &id, json!({ "prompt": "Be quick." })).await;
    assert_eq!(states(&changed), ["UPDATED", "UPDATED"], "{changed:#}");
    let keys = [first, second];
    for placement in agent(&admin, &id).await["placements"].as_array().unwrap() {
        let mut prompts = Vec::new();
        for key in keys {
            let there = remote(&app, key, &placement["remoteId"]).await;
            prompts.extend(prompt_of(&there).as_str().map(str::to_owned));
        }
        assert_eq!(prompts, ["Be quick."]);
    }
    // One account refuses: what the other one took stays, and the refusal is said in the provider's words.
    let effect = Effect::Status {
        status: 400,
        message: Some("the prompt is too rude".to_owned()),
        retry_after: None,
    };
    let refusal = Fault::new(effect).on(ONE).method("PATCH").for_key(first);
    app.sandbox.control().inject(refusal);
    let change = json!({ "prompt": "Be rude." });
    let changed = update(&admin, &id, change).await.ok()["updateAgent"].clone();
    let mut states = states(&changed);
    states.sort_unstable();
    assert_eq!(states, ["FAILED", "UPDATED"]);
    assert!(changed.to_string().contains("the prompt is too rude"));
    assert_eq!(agent(&admin, &id).await["definition"]["prompt"], "Be rude.");
}

/// R5: an account of which no key is stored is named, and what it still holds never comes back over what was written.
#[tokio::test]
async fn an_account_without_a_key_is_said_and_does_not_win_later() {
    let (app, admin, id) = in_two_accounts().await;
    let (first, second) = keys_of(ProviderKind::Vapi);
    let changed = changed(&admin, &id, json!({ "prompt": "Be new." })).await;
    let mut states = states(&changed);
    states.sort_unstable();
    assert_eq!(states, ["NO_KEY", "UPDATED"]);
    let words = changed.to_string();
    assert!(words.contains("No stored Vapi key"), "{words}");
    assert_eq!(agent(&admin, &id).await["definition"]["prompt"], "Be new.");
    // The key of the account that was not reached comes back, and its import has the old words.
    admin.save_key(first, Some(2)).await.ok();
    app.settle().await;
    sync(&app, &admin, "VAPI").await;
    assert_eq!(agent(&admin, &id).await["definition"]["prompt"], "Be new.");
    // Sent again, the change reaches it now.
    let again = update(&admin, &id, json!({ "prompt": "Be new." }))
        .await
        .ok();
    assert!(again["updateAgent"].to_string().contains("UPDATED"));
    admin.save_key(second, Some(3)).await.ok();
    app.settle().await;
    assert_eq!(asked(&app, PATCH), 2);
}

/// R5, K13, R7: where no account takes a change, the provider's words say why, nothing is written, and the next one is free.
#[tokio::test]
async fn a_change_that_nobody_takes_changes_nothing() {
    let (app, admin) = connected().await;
    let id = imported(&admin).await;
    let before = agent(&admin, &id).await;
    let key = keys_of(ProviderKind::Vapi).0;
    for (status, code) in [
        (400, "PROVIDER_ANSWER_MALFORMED"),
        (401, "KEY_REJECTED"),
        (402, "NO_FUNDS"),
        (404, "NOT_FOUND"),
        (429, "PROVIDER_RATE_LIMITED"),
    ] {
        let effect = Effect::Status {
            status,
            message: Some(format!("not with {key}")),
            retry_after: None,
        };
        let fault = Fault::new(effect).on(ONE).method("PATCH");
        app.sandbox.control().inject(fault.times(1));
        let refused = update(&admin, &id, json!({ "name": "Front desk" })).await;
        assert_eq!(refused.code(), code);
        assert!(
            refused.message().ends_with("Nothing was changed."),
            "{}",
            refused.message()
        );
        assert!(!refused.error().to_string().contains(key), "K13");
        let after = agent(&admin, &id).await;
        assert_eq!(after["name"], before["name"]);
        assert_eq!(after["definition"], before["definition"]);
        app.settle().await;
    }
    changed(&admin, &id, json!({ "name": "Front desk" })).await;
    let shown = admin.key().await;
    admin.clear_key(&shown, json!({})).await.ok();
    let refused = update(&admin, &id, json!({ "name": "Back desk" })).await;
    assert_eq!(refused.code(), "CONFLICT");
    assert!(
        refused.message().contains("Save one"),
        "{}",
        refused.message()
    );
    assert_eq!(agent(&admin, &id).await["name"], "Front desk");
}

/// R5: after an answer that was lost the agent is read: what it says counts, and where it says nothing the change is
/// unconfirmed, nothing is written, and it can be sent again.
#[tokio::test]
async fn a_lost_answer_is_read_after_or_said() {
    let (app, admin) = connected().await;
    let id = imported(&admin).await;
    let cut = || Fault::new(Effect::CutBody).on(ONE).method("PATCH").times(1);
    app.sandbox.control().inject(cut());
    let read = changed(&admin, &id, json!({ "prompt": "Be one." })).await;
    assert_eq!(states(&read), ["UPDATED"], "{read:#}");
    assert_eq!(agent(&admin, &id).await["definition"]["prompt"], "Be one.");
    app.sandbox.control().inject(cut());
    let blind = Fault::status(503).on(ONE).method("GET");
    app.sandbox.control().inject(blind.after(1).times(1));
    let unknown = changed(&admin, &id, json!({ "prompt": "Be two." })).await;
    assert_eq!(states(&unknown), ["UNCONFIRMED"], "{unknown:#}");
    let message = unknown["placements"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("It is unconfirmed"), "{message}");
    assert_eq!(unknown["agent"]["definition"]["prompt"], "Be one.");
    let again = changed(&admin, &id, json!({ "prompt": "Be two." })).await;
    assert_eq!(states(&again), ["UPDATED"]);
    assert_eq!(agent(&admin, &id).await["definition"]["prompt"], "Be two.");
}

/// R5: of two who change an agent at once one is told so; the other one's words are whole, and the next change goes through.
#[tokio::test]
async fn two_at_once_do_not_send_each_others_old_words() {
    let (app, admin) = connected().await;
    let id = imported(&admin).await;
    let slow = Fault::new(Effect::Delay { ms: 400 })
        .on(ONE)
        .method("PATCH");
    app.sandbox.control().inject(slow.times(1));
    let (one, two) = tokio::join!(
        update(&admin, &id, json!({ "prompt": "Be one." })),
        update(&admin, &id, json!({ "firstMessage": "Two." })),
    );
    let refused: Vec<&Answer> = [&one, &two]
        .into_iter()
        .filter(|answer| !answer.errors.is_empty())
        .collect();
    assert_eq!(refused.len(), 1, "{one:?} {two:?}");
    assert_eq!(refused[0].code(), "CONFLICT");
    assert_eq!(asked(&app, PATCH), 1);
    changed(&admin, &id, json!({ "prompt": "Be one." })).await;
    changed(&admin, &id, json!({ "firstMessage": "Two." })).await;
    let after = agent(&admin, &id).await;
    assert_eq!(
        (
            &after["definition"]["prompt"],
            &after["definition"]["firstMessage"]
        ),
        (&json!("Be one."), &json!("Two."))
    );
}

/// R5: an agent that is being made somewhere is not changed meanwhile, or the new place would have its old words.
#[tokio::test]
async fn an_agent_that_is_being_made_is_not_changed() {
    let (app, admin) = connected().await;
    let gateway = Fault::status(504).on("/vapi/assistant").method("POST");
    app.sandbox.control().inject(gateway.times(1));
    let id = made(&admin, json!({})).await["agent"]["id"].clone();
    let refused = update(&admin, &id, json!({ "name": "Day desk" })).await;
    assert_eq!(refused.code(), "CONFLICT");
    super::to_the_end(&app, &admin).await;
    // Nobody knows where it is: the change is of what will be made.
    let changed = changed(&admin, &id, json!({ "name": "Day desk" })).await;
    assert_eq!(states(&changed), [] as [&str; 0]);
    assert_eq!(changed["agent"]["name"], "Day desk");
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [1, 0, 0, 0]);
    let placed = agent(&admin, &id).await["placements"][0]["remoteId"].clone();
    let there = remote(&app, keys_of(ProviderKind::Vapi).0, &placed).await;
    assert_eq!(there["name"], "Day desk");
}

/// R5: a run that comes upon an agent which somebody changes leaves it for the next one.
#[tokio::test]
async fn an_agent_that_is_being_changed_is_not_placed() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let until = crate::harness::START + 60_000;
    let sql = format!(
        "UPDATE agents SET changing_until = {until} WHERE id = (SELECT min(id) FROM agents)"
    );
    app.sql(&sql).await;
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [39, 0, 1, 0]);
    let skipped = super::items(&admin, "SKIPPED").await;
    assert!(
        skipped[0]["message"]
            .as_str()
            .unwrap()
            .contains("changing it")
    );
    app.advance(Duration::from_secs(61));
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [1, 0, 0, 0]);
}

/// R5, K6: what is wrong with a change is said by its field before anything is sent.
#[tokio::test]
async fn a_change_that_cannot_be_is_refused_by_its_field() {
    let (app, admin) = connected().await;
    let id = made(&admin, json!({})).await["agent"]["id"].clone();
    app.sandbox.control().clear_requests();
    for (more, field) in [
        (json!({}), "agentId"),
        (json!({ "name": null }), "name"),
        (json!({ "prompt": null }), "prompt"),
        (json!({ "voice": null }), "voice"),
        (json!({ "language": null }), "language"),
        (json!({ "model": null }), "model"),
        (
            json!({ "model": { "vendor": "nobody", "name": "x" } }),
            "model",
        ),
        (
            json!({ "name": "A name that is longer than what Vapi takes" }),
            "name",
        ),
    ] {
        let refused = update(&admin, &id, more.clone()).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{more}");
        assert_eq!(refused.error()["extensions"]["field"], field, "{more}");
    }
    assert!(app.sandbox.control().requests().is_empty());
}

/// R5: what answers for an agent at its provider and is not Ringfence's to write is said, and kept.
#[tokio::test]
async fn every_provider_takes_a_change_or_says_what_it_keeps() {
    for provider in [ProviderKind::Retell, ProviderKind::Bland] {
        let app = TestApp::new().await;
        let admin = app.user(Role::Admin).await;
        let name = provider.as_str().to_uppercase();
        let input = json!({ "provider": name, "apiKey": keys_of(provider).0 });
        save(&admin, input).await.ok();
        app.settle().await;
        let query = "{ agents(first: 100) { nodes { id definition { prompt } } } }";
        let found = admin.query(query).await.ok();
        let (mut taken, mut kept) = (0, 0);
        for node in found["agents"]["nodes"].as_array().unwrap() {
            let answer = update(&admin, &node["id"], json!({ "prompt": "Be brief." })).await;
            if !answer.errors.is_empty() {
                assert!(
                    answer.message().contains("Nothing was changed."),
                    "{answer:?}"
                );
                kept += 1;
                continue;
            }
            let changed = &answer.data["updateAgent"];
            assert_eq!(states(changed), ["UPDATED"], "{changed:#}");
            let now = &changed["agent"]["definition"]["prompt"];
            let message = &changed["placements"][0]["message"];
            if message.is_null() {
                assert_eq!(now, "Be brief.", "{provider} {changed:#}");
                taken += 1;
            } else {
                assert_eq!(now, &node["definition"]["prompt"], "{provider} {changed:#}");
                assert!(message.as_str().unwrap().contains("kept its own prompt"));
                kept += 1;
            }
        }
        assert!(taken > 0, "{provider}");
        assert!(kept > 0, "{provider}");
        let synced = sync(&app, &admin, &name).await;
        assert_eq!(synced["addedCount"], 0);
        let found = admin.query("{ agents(first: 100) { nodes { definition { prompt } } } }");
        let text = found.await.ok().to_string();
        assert_eq!(text.matches("Be brief.").count(), taken, "{provider}");
    }
}

/// P1, P5: another agency's agent is as absent as none, and a client's person changes none.
#[tokio::test]
async fn nobody_changes_others_agents() {
    let (app, admin) = connected().await;
    let id = imported(&admin).await;
    let stranger = app.stranger(Role::Admin).await;
    for id in [&id, &json!("no-such-agent")] {
        let refused = update(&stranger, id, json!({ "name": "Ours now" })).await;
        assert_eq!(refused.code(), "NOT_FOUND");
    }
    let client = client_of(&admin, "Bayview").await;
    let portal = crate::portal::person_of(&app, &admin, &client).await;
    let refused = update(&portal, &id, json!({ "name": "Ours now" })).await;
    assert_eq!(refused.code(), "FORBIDDEN");
    assert_eq!(asked(&app, PATCH), 0);
}
