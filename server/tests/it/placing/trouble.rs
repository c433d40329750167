//! R5, S4, S5: what a provider's trouble does to a run: one agent's own costs that agent, the account's is waited for, and a
//! key that is gone ends it. Nothing that was made is lost.

use std::time::Duration;

use ringfence::{
    providers::ProviderKind,
    sandbox::{Effect, Fault},
};
use serde_json::json;

use super::{
    agents, asked, counts, items, keys_of, moved, newest, remote_count, start, to_the_end, until,
};

const PATH: &str = "/vapi/assistant";
const POST: &str = "POST /vapi/assistant";

fn fault(status: u16, text: &str) -> Fault {
    let effect = Effect::Status {
        status,
        message: Some(text.to_owned()),
        retry_after: None,
    };
    Fault::new(effect).on(PATH).method("POST")
}

/// R5: an agent that the provider refuses is listed with the provider's words, and the others are made.
#[tokio::test]
async fn a_refused_agent_costs_only_itself() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let refusal = fault(400, "voice.voiceId is not one of ours");
    app.sandbox.control().inject(refusal.after(3).times(1));
    start(&admin, "VAPI").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("INCOMPLETE"), [39, 1, 0, 0])
    );
    let failed = items(&admin, "FAILED").await;
    assert_eq!(
        failed[0]["message"],
        "Vapi refused it: voice.voiceId is not one of ours"
    );
    assert_eq!((asked(&app, POST), agents(&admin).await), (40, (52, 1)));
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [1, 0, 0, 0]);
}

/// R5, S4: a rate limit is waited for as long as the provider asks, and costs no agent.
#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let limit = Fault::rate_limit("17").on(PATH).method("POST");
    app.sandbox.control().inject(limit.after(4).times(1));
    start(&admin, "VAPI").await;
    let run = until(&admin, "WAITING").await;
    assert_eq!(
        run["waitingUntil"],
        crate::sync::at(Duration::from_secs(17))
    );
    assert_eq!(
        (&run["waitingReason"], counts(&run)[0]),
        (&json!("Waiting for Vapi's rate limit"), 4)
    );
    app.advance(Duration::from_secs(17));
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [40, 0, 0, 0]);
    assert_eq!(asked(&app, POST), 41);
}

/// R5: a failure of the provider's own is followed by a look at the account before the agent is asked for again; an agent that
/// keeps failing is given up, and the others are made.
#[tokio::test]
async fn a_failure_is_followed_by_a_look() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    app.sandbox
        .control()
        .inject(fault(500, "out of order").after(2).times(4));
    start(&admin, "VAPI").await;
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("INCOMPLETE"), [39, 1, 0, 0])
    );
    let failed = items(&admin, "FAILED").await;
    assert!(
        failed[0]["message"]
            .as_str()
            .unwrap()
            .contains("out of order"),
        "{failed:#?}"
    );
    assert_eq!(remote_count(&app, keys_of(ProviderKind::Vapi).1), 51);
    let log = app.sandbox.control().requests();
    let log: Vec<(&str, u16)> = log
        .iter()
        .filter(|request| request.path == PATH)
        .map(|request| (request.method.as_str(), request.status.unwrap_or(0)))
        .collect();
    for (at, request) in log.iter().enumerate() {
        if *request == ("POST", 500) {
            assert_eq!(
                log[at + 1],
                ("GET", 200),
                "each failure is followed by a look"
            );
        }
    }
}

/// R5: an answer that cannot be read is no refusal: the agent is there, and found.
#[tokio::test]
async fn an_answer_that_breaks_off_is_no_refusal() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let cut = Fault::new(Effect::CutBody).on(PATH).method("POST");
    app.sandbox.control().inject(cut.after(2).times(1));
    start(&admin, "VAPI").await;
    app.settle().await;
    assert_eq!(counts(&newest(&admin).await), [40, 0, 0, 0]);
    let second = keys_of(ProviderKind::Vapi).1;
    assert_eq!((asked(&app, POST), remote_count(&app, second)), (40, 52));
}

/// R5, R7: a key that is refused ends the run, which says so; the key's card does too, and what was made stays.
#[tokio::test]
async fn a_refused_key_ends_the_run() {
    for (status, code) in [
        (401, "KEY_REJECTED"),
        (402, "NO_FUNDS"),
        (403, "MISSING_PERMISSION"),
    ] {
        let (app, admin) = moved(ProviderKind::Vapi).await;
        let refusal = Fault::status(status).on(PATH).method("POST");
        app.sandbox.control().inject(refusal.after(6));
        start(&admin, "VAPI").await;
        let run = until(&admin, "FAILED").await;
        assert_eq!(
            (&run["error"]["code"], counts(&run)),
            (&json!(code), [6, 0, 34, 0])
        );
        assert_eq!(agents(&admin).await.0, 52);
        let key = admin.key().await;
        if status == 402 {
            assert_eq!(key["health"], "NO_FUNDS");
        }
        // A refused key is looked at again by the key's own check, which asks other things.
        to_the_end(&app, &admin).await;
    }
}

/// R5: a key that is replaced in the middle ends the run that began with the one before.
#[tokio::test]
async fn a_replaced_key_ends_the_run() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let limit = Fault::rate_limit("60").on(PATH).method("POST");
    app.sandbox.control().inject(limit.after(4).times(1));
    start(&admin, "VAPI").await;
    until(&admin, "WAITING").await;
    admin
        .save_key(keys_of(ProviderKind::Vapi).0, Some(2))
        .await
        .ok();
    app.advance(Duration::from_secs(61));
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], &run["error"]["code"]),
        (&json!("FAILED"), &json!("CONFLICT"))
    );
    assert_eq!((counts(&run), asked(&app, POST)), ([4, 0, 36, 0], 5));
}

/// R5, E2: a job's row holds ids and no key, and no answer about a run does.
#[tokio::test]
async fn a_job_holds_ids_alone() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    start(&admin, "VAPI").await;
    app.settle().await;
    let rows = app
        .sql("SELECT payload FROM jobs WHERE kind = 'placement'")
        .await;
    let payload: serde_json::Value = serde_json::from_str(&rows[0].get::<String>(0)).unwrap();
    let mut names: Vec<&String> = payload.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["agency", "run"]);
}
