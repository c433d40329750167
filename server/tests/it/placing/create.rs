//! R1, R2, R5: a new agent: with whose key and in whose account it is made, what is refused before anything is sent, and that
//! a lost answer never makes an agent twice.

use std::time::Duration;

use ringfence::{
    access::Role,
    providers::ProviderKind,
    sandbox::{Effect, Fault},
};
use serde_json::{Value, json};

use super::{asked, counts, keys_of, newest, remote_count, sync, to_the_end};
use crate::{
    harness::{Answer, TestApp, TestClient},
    keys::save,
};

const PATH: &str = "/vapi/assistant";
const POST: &str = "POST /vapi/assistant";

/// A new agent that Vapi can express.
fn draft(more: Value) -> Value {
    let mut input = json!({
        "provider": "VAPI",
        "name": "Night desk",
        "prompt": "You answer at night.",
        "firstMessage": "Good evening.",
        "voice": { "engine": "11labs", "voiceId": "maya" },
        "language": "en-GB",
        "model": { "vendor": "openai", "name": "gpt-4.1" },
    });
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        input[name] = value;
    }
    input
}

/// Asks for an agent.
pub(super) async fn create(client: &TestClient, more: Value) -> Answer {
    let query = "mutation($input: CreateAgentInput!) { createAgent(input: $input) { isConfirmed message clientMutationId \
        agent { id name status isReachable client { id } definition { prompt firstMessage voice { engine voiceId } language \
        model { vendor name } } placements { remoteId status } } } }";
    let input = draft(more);
    client.graphql(query, json!({ "input": input })).await
}

/// The payload of a request that was answered.
pub(super) async fn made(client: &TestClient, more: Value) -> Value {
    create(client, more).await.ok()["createAgent"].clone()
}

/// An agency with its Vapi key, and how many agents it has.
pub(super) async fn connected() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    app.sandbox.control().clear_requests();
    (app, admin)
}

/// A client of this name.
pub(super) async fn client_of(admin: &TestClient, name: &str) -> Value {
    let query =
        "mutation($name: String!) { createClient(input: { name: $name }) { client { id } } }";
    let made = admin.graphql(query, json!({ "name": name })).await.ok();
    made["createClient"]["client"]["id"].clone()
}

async fn total(client: &TestClient) -> i64 {
    let all = client.query("{ agents { totalCount } }").await.ok();
    all["agents"]["totalCount"].as_i64().unwrap()
}

/// The agent as it is now.
pub(super) async fn agent(client: &TestClient, id: &Value) -> Value {
    let query = "query($id: ID!) { agent(id: $id) { name status isReachable definition { prompt firstMessage language \
        voice { engine voiceId } model { vendor name } } placements { remoteId status } } }";
    client.graphql(query, json!({ "id": id })).await.ok()["agent"].clone()
}

/// Breaks the answer to the next creation off: the agent is there, and nobody is told.
fn lose_the_answer(app: &TestApp) {
    let cut = Fault::new(Effect::CutBody).on(PATH).method("POST");
    app.sandbox.control().inject(cut.times(1));
}

/// R1, R5: an agent is made with the agency's key, is there at once as it was written, and the next import knows it.
#[tokio::test]
async fn an_agent_is_made_with_the_agencys_key() {
    let (app, _) = connected().await;
    let staff = app.user(Role::Staff).await;
    let made = made(&staff, json!({ "clientMutationId": "one" })).await;
    assert_eq!(
        (
            &made["isConfirmed"],
            &made["message"],
            &made["clientMutationId"]
        ),
        (&json!(true), &Value::Null, &json!("one"))
    );
    let new = &made["agent"];
    assert_eq!(
        (&new["status"], &new["isReachable"], &new["client"]),
        (&json!("ACTIVE"), &json!(true), &Value::Null)
    );
    assert_eq!(
        new["definition"],
        json!({
            "prompt": "You answer at night.",
            "firstMessage": "Good evening.",
            "voice": { "engine": "11labs", "voiceId": "maya" },
            "language": "en-GB",
            "model": { "vendor": "openai", "name": "gpt-4.1" },
        })
    );
    assert_eq!(new["placements"].as_array().unwrap().len(), 1);
    let key = keys_of(ProviderKind::Vapi).0;
    assert_eq!((asked(&app, POST), remote_count(&app, key)), (1, 41));
    assert_eq!(
        app.app.live_jobs().await.unwrap(),
        0,
        "the job is called off"
    );
    let synced = sync(&app, &staff, "VAPI").await;
    assert_eq!(
        (
            &synced["addedCount"],
            &synced["changedCount"],
            total(&staff).await
        ),
        (&json!(0), &json!(0), 41)
    );
    assert_eq!(counts(&newest(&staff).await), [1, 0, 0, 0]);
    let rows = app
        .sql("SELECT summary FROM audit_entries WHERE action = 'agent.requested'")
        .await;
    assert_eq!(
        rows[0].get::<String>(0),
        "Agent Night desk was asked to be made at Vapi for the agency itself."
    );
}

/// R1, R2: an agent of a client is made in the account of the client's own key, and of the agency's while it has none.
#[tokio::test]
async fn an_agent_is_made_with_the_key_that_its_calls_go_over() {
    let (app, admin) = connected().await;
    let (first, second) = keys_of(ProviderKind::Vapi);
    let client = client_of(&admin, "Bayview").await;
    let before = made(&admin, json!({ "clientId": client })).await;
    assert_eq!(before["agent"]["client"]["id"], client);
    assert_eq!(
        (remote_count(&app, first), remote_count(&app, second)),
        (41, 12)
    );
    let input = json!({ "provider": "VAPI", "apiKey": second, "clientId": client });
    save(&admin, input).await.ok();
    app.settle().await;
    let after = made(&admin, json!({ "clientId": client })).await;
    assert_eq!(after["agent"]["isReachable"], true);
    assert_eq!(
        (remote_count(&app, first), remote_count(&app, second)),
        (41, 13)
    );
    // A stored key that is refused is the client's all the same: nobody else's account gets its agent.
    app.sandbox
        .control()
        .inject(Fault::status(401).for_key(second));
    let refused = create(&admin, json!({ "clientId": client })).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    app.sandbox.control().clear_faults();
    assert_eq!(
        (remote_count(&app, first), remote_count(&app, second)),
        (41, 13)
    );
}

/// R5: what is wrong is said by its field, with what to do, and nothing is sent.
#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_sent() {
    let (app, admin) = connected().await;
    let client = client_of(&admin, "Bayview").await;
    let archive =
        "mutation($id: ID!) { archiveClient(input: { clientId: $id }) { client { id } } }";
    admin.graphql(archive, json!({ "id": client })).await.ok();
    for (more, field) in [
        (json!({ "name": "  " }), "name"),
        (
            json!({ "name": "A name that is longer than what Vapi takes" }),
            "name",
        ),
        (json!({ "prompt": "" }), "prompt"),
        (json!({ "model": null }), "model"),
        (
            json!({ "model": { "vendor": "nobody", "name": "x" } }),
            "model",
        ),
        (json!({ "language": "tlh" }), "language"),
        (
            json!({ "voice": { "engine": "bland", "voiceId": "maya" } }),
            "voice",
        ),
        (json!({ "provider": "RETELL" }), "voice"),
        (json!({ "provider": "BLAND", "voice": null }), "model"),
        (
            json!({ "provider": "BLAND", "voice": null, "model": null }),
            "provider",
        ),
        (json!({ "clientMutationId": "" }), "clientMutationId"),
    ] {
        let refused = create(&admin, more.clone()).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{more}");
        assert_eq!(refused.error()["extensions"]["field"], field, "{more}");
    }
    let refused = create(&admin, json!({ "clientId": client })).await;
    assert_eq!(refused.code(), "CONFLICT", "an archived client");
    assert_eq!((total(&admin).await, asked(&app, POST)), (40, 0));
}

/// R5, K13: a refusal keeps the provider's words, scrubbed of the key, and leaves nothing behind: not an agent, not a run.
#[tokio::test]
async fn a_refusal_leaves_nothing_behind() {
    let (app, admin) = connected().await;
    let key = keys_of(ProviderKind::Vapi).0;
    let refuse = |status, message: &str| {
        let effect = Effect::Status {
            status,
            message: Some(message.to_owned()),
            retry_after: None,
        };
        let fault = Fault::new(effect).on(PATH).method("POST").times(1);
        app.sandbox.control().inject(fault);
    };
    refuse(400, &format!("voice.voiceId is not one of ours, {key}"));
    let refused = create(&admin, json!({ "clientMutationId": "two" })).await;
    let words = refused.message();
    assert!(
        words.contains("voice.voiceId is not one of ours"),
        "{words}"
    );
    assert!(!refused.error().to_string().contains(key));
    for (status, code) in [
        (402, "NO_FUNDS"),
        (403, "MISSING_PERMISSION"),
        (429, "PROVIDER_RATE_LIMITED"),
    ] {
        refuse(status, "no");
        assert_eq!(create(&admin, json!({})).await.code(), code);
    }
    assert_eq!(
        admin.key().await["health"],
        "NO_FUNDS",
        "the key's card says so (R7)"
    );
    for sql in [
        "SELECT count(*) FROM placement_runs",
        "SELECT count(*) FROM placement_items",
        "SELECT count(*) FROM jobs WHERE kind = 'placement'",
        "SELECT count(*) FROM agents WHERE name = 'Night desk'",
    ] {
        assert_eq!(app.sql(sql).await[0].get::<i64>(0), 0, "{sql}");
    }
    let rows = app
        .sql("SELECT count(*) FROM audit_entries WHERE action = 'agent.refused'")
        .await;
    assert_eq!(rows[0].get::<i64>(0), 4);
    // A refused request was none: under the same name it may be sent again.
    let made = made(&admin, json!({ "clientMutationId": "two" })).await;
    assert_eq!(
        (made["isConfirmed"].clone(), remote_count(&app, key)),
        (json!(true), 41)
    );
    app.settle().await;
}

/// R5, S5: an answer that is lost after the agent was made: the caller is told so, the account is looked at, and the agent is
/// found; the same request once more makes no second one.
#[tokio::test]
async fn a_lost_answer_makes_no_second_agent() {
    let (app, admin) = connected().await;
    let key = keys_of(ProviderKind::Vapi).0;
    lose_the_answer(&app);
    let first = made(&admin, json!({ "clientMutationId": "three" })).await;
    if first["isConfirmed"] == false {
        let message = first["message"].as_str().unwrap();
        assert!(
            message.starts_with("It is unconfirmed whether Vapi made it"),
            "{message}"
        );
    }
    app.settle().await;
    let found = agent(&admin, &first["agent"]["id"]).await;
    assert_eq!(
        (&found["status"], &found["isReachable"]),
        (&json!("ACTIVE"), &json!(true))
    );
    let second = made(&admin, json!({ "clientMutationId": "three" })).await;
    assert_eq!(second["isConfirmed"], true);
    assert_eq!(second["agent"]["id"], first["agent"]["id"]);
    assert_eq!(
        (
            asked(&app, POST),
            remote_count(&app, key),
            total(&admin).await
        ),
        (1, 41, 41)
    );
    let other = create(
        &admin,
        json!({ "clientMutationId": "three", "name": "Day desk" }),
    )
    .await;
    assert_eq!(other.code(), "CONFLICT");
    assert_eq!(asked(&app, POST), 1);
}

/// R5: where nobody knows whether the agent is there, it stays unconfirmed and is not asked for again by itself; the same
/// request once more looks for it before it makes it.
#[tokio::test]
async fn an_unconfirmed_agent_is_looked_for_before_it_is_made_again() {
    let (app, admin) = connected().await;
    let key = keys_of(ProviderKind::Vapi).0;
    // A gateway's word: nothing is known of what is behind it, and nothing was made.
    let gateway = Fault::status(504).on(PATH).method("POST");
    app.sandbox.control().inject(gateway.times(1));
    let first = made(&admin, json!({ "clientMutationId": "four" })).await;
    assert_eq!(
        (&first["isConfirmed"], &first["agent"]["status"]),
        (&json!(false), &json!("INACTIVE"))
    );
    let waiting = made(&admin, json!({ "clientMutationId": "four" })).await;
    assert_eq!(waiting["isConfirmed"], false);
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run), asked(&app, POST)),
        (&json!("INCOMPLETE"), [0, 0, 0, 1], 1)
    );
    app.sandbox.control().clear_requests();
    let again = made(&admin, json!({ "clientMutationId": "four" })).await;
    assert_eq!(again["agent"]["id"], first["agent"]["id"]);
    app.settle().await;
    let log = app.sandbox.control().requests();
    let log: Vec<&str> = log
        .iter()
        .filter(|request| request.path == PATH)
        .map(|request| request.method.as_str())
        .collect();
    assert_eq!(log.first(), Some(&"GET"), "it is looked for first");
    assert_eq!(log.iter().filter(|method| **method == "POST").count(), 1);
    let found = agent(&admin, &first["agent"]["id"]).await;
    assert_eq!(
        (
            &found["status"],
            remote_count(&app, key),
            total(&admin).await
        ),
        (&json!("ACTIVE"), 41, 41)
    );
}

/// R5: the import of an account finds an agent that was never confirmed and gives it to the one that was asked for.
#[tokio::test]
async fn the_next_import_finds_an_unconfirmed_agent() {
    let (app, admin) = connected().await;
    lose_the_answer(&app);
    // The account's list fails too, so that the look ends without a result.
    let down = Fault::status(403).on(PATH).method("GET");
    app.sandbox.control().inject(down.times(1));
    let first = made(&admin, json!({})).await;
    assert_eq!(first["isConfirmed"], false);
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("FAILED"), [0, 0, 0, 1])
    );
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(synced["addedCount"], 0, "{synced:#}");
    let found = agent(&admin, &first["agent"]["id"]).await;
    assert_eq!(
        (&found["status"], total(&admin).await, asked(&app, POST)),
        (&json!("ACTIVE"), 41, 1)
    );
    assert_eq!(counts(&newest(&admin).await), [1, 0, 0, 0]);
}

/// R5: the server stopped in the middle of a request: the run's job finds the agent, and the same request makes no other.
#[tokio::test]
async fn an_agent_that_was_made_before_the_process_died_is_found_by_its_job() {
    let (app, admin) = connected().await;
    let key = keys_of(ProviderKind::Vapi).0;
    let fault = Fault::new(Effect::HangAfter).on(PATH).method("POST");
    app.sandbox.control().inject(fault.times(1));
    let made_there = async {
        for _ in 0..1500 {
            if remote_count(&app, key) == 41 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Nobody waits for the answer any more once the provider has the agent.
    tokio::select! {
        answer = create(&admin, json!({ "clientMutationId": "five" })) => panic!("answered: {answer:?}"),
        () = made_there => {}
    }
    app.app.stop(Duration::from_secs(1)).await;
    let next = app.replica(false).await;
    let admin = next.user(Role::Admin).await;
    let before = made(&admin, json!({ "clientMutationId": "five" })).await;
    assert_eq!(before["isConfirmed"], false);
    let run = to_the_end(&next, &admin).await;
    assert_eq!(counts(&run), [1, 0, 0, 0]);
    let again = made(&admin, json!({ "clientMutationId": "five" })).await;
    assert_eq!(
        (&again["isConfirmed"], &again["agent"]["id"]),
        (&json!(true), &before["agent"]["id"])
    );
    assert_eq!((remote_count(&app, key), total(&admin).await), (41, 41));
}

/// R5: two who ask at once under one name get one agent; under names of their own they get two, and neither waits for a run.
#[tokio::test]
async fn two_at_once_make_as_many_as_they_asked_for() {
    let (app, admin) = connected().await;
    let key = keys_of(ProviderKind::Vapi).0;
    app.sandbox.control().inject(
        Fault::new(Effect::Delay { ms: 150 })
            .on(PATH)
            .method("POST"),
    );
    let same = json!({ "clientMutationId": "six" });
    let (one, two) = tokio::join!(made(&admin, same.clone()), made(&admin, same));
    assert_eq!(one["agent"]["id"], two["agent"]["id"]);
    assert_eq!((asked(&app, POST), remote_count(&app, key)), (1, 41));
    let (one, two) = tokio::join!(made(&admin, json!({})), made(&admin, json!({})));
    assert_ne!(one["agent"]["id"], two["agent"]["id"]);
    assert_eq!((asked(&app, POST), remote_count(&app, key)), (3, 43));
    app.settle().await;
    assert_eq!(total(&admin).await, 43);
}

/// R3, R5: the key is cleared while the provider makes the agent: the agent is kept with its place, and has no route.
#[tokio::test]
async fn a_key_that_is_cleared_meanwhile_loses_no_agent() {
    let (app, admin) = connected().await;
    let shown = admin.key().await;
    app.sandbox.control().inject(
        Fault::new(Effect::Delay { ms: 700 })
            .on(PATH)
            .method("POST"),
    );
    let clear = async {
        while asked(&app, POST) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        admin.clear_key(&shown, json!({})).await
    };
    let (made, cleared) = tokio::join!(made(&admin, json!({})), clear);
    cleared.ok();
    assert_eq!(
        (&made["isConfirmed"], &made["agent"]["isReachable"]),
        (&json!(true), &json!(false))
    );
    app.settle().await;
    let refused = create(&admin, json!({})).await;
    assert_eq!(refused.error()["extensions"]["field"], "provider");
}

/// P1, P5: another agency's client is as absent as none, and a client's person makes no agents.
#[tokio::test]
async fn nobody_makes_agents_for_others() {
    let (app, admin) = connected().await;
    let stranger = app.stranger(Role::Admin).await;
    let theirs = client_of(&stranger, "Elsewhere").await;
    for client in [theirs, json!("no-such-client")] {
        let refused = create(&admin, json!({ "clientId": client })).await;
        assert_eq!(refused.code(), "NOT_FOUND");
    }
    let ours = client_of(&admin, "Bayview").await;
    let portal = crate::portal::person_of(&app, &admin, &ours).await;
    assert_eq!(create(&portal, json!({})).await.code(), "FORBIDDEN");
    assert_eq!(asked(&app, POST), 0);
}
