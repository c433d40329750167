//! R5: placements that were lost, attempts that were never confirmed, and requests that come too early: no agent is made
//! twice, and none is here as two.

use std::time::Duration;

use ringfence::{
    providers::ProviderKind,
    sandbox::{Effect, Fault},
};
use serde_json::{Value, json};

use super::{
    agents, asked, counts, items, keys_of, moved, newest, remote_count, start, sync, to_the_end,
    until,
};
use crate::{
    harness::{Answer, TestApp, TestClient},
    sync::at,
};

const PATH: &str = "/vapi/assistant";
const POST: &str = "POST /vapi/assistant";

/// Makes the newest agent of a run one that was never confirmed, whose earlier placement in the account is inactive: it was
/// there once, was deleted at the provider, and has been made anew since.
async fn lose_one(app: &TestApp) {
    app.sql(
        "UPDATE placements SET status = 'inactive', inactive_reason = 'gone', remote_id = 'what-it-was-before' \
         WHERE remote_id = (SELECT remote_id FROM placement_items WHERE id = \
         (SELECT max(id) FROM placement_items WHERE state = 'created'));
         UPDATE placement_runs SET state = 'incomplete', created_count = created_count - 1, unconfirmed_count = 1;
         UPDATE placement_items SET state = 'unconfirmed', remote_id = NULL WHERE id = \
         (SELECT max(id) FROM placement_items WHERE state = 'created')",
    )
    .await;
}

/// The marker and the name of the agent that was never confirmed.
async fn unconfirmed(app: &TestApp) -> (String, String) {
    let rows = app
        .sql("SELECT marker, name FROM placement_items WHERE state = 'unconfirmed'")
        .await;
    (rows[0].get(0), rows[0].get(1))
}

/// R5, S3: an agent that was lost and made anew gets its inactive placement back when an import finds it by its marker.
#[tokio::test]
async fn an_import_gives_a_lost_agent_its_place_again() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    start(&admin, "VAPI").await;
    app.settle().await;
    lose_one(&app).await;
    assert_eq!(agents(&admin).await, (52, 1));
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(synced["addedCount"], 0);
    assert_eq!(agents(&admin).await, (52, 0));
    let run = newest(&admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [40, 0, 0, 0])
    );
}

/// R5: where the list tells only names, the import takes the lost agent for another one, and the next request joins the two,
/// though the agent has an inactive placement of its own in the account.
#[tokio::test]
async fn a_lost_agent_that_was_taken_for_another_one_is_joined() {
    let (app, admin) = moved(ProviderKind::Retell).await;
    start(&admin, "RETELL").await;
    app.settle().await;
    let before = agents(&admin).await;
    lose_one(&app).await;
    assert_eq!(sync(&app, &admin, "RETELL").await["addedCount"], 1);
    let posts = asked(&app, "POST /retell/create-agent");
    start(&admin, "RETELL").await;
    app.settle().await;
    let run = newest(&admin).await;
    assert_eq!(counts(&run)[..2], [1, 0], "{run:#}");
    assert_eq!(asked(&app, "POST /retell/create-agent"), posts);
    assert_eq!(agents(&admin).await, before);
    let synced = sync(&app, &admin, "RETELL").await;
    assert_eq!(
        (&synced["addedCount"], &synced["goneCount"]),
        (&json!(0), &json!(0))
    );
}

/// R5: somebody asks anew while the provider may still make what it was asked for: that is waited for, and then found.
#[tokio::test]
async fn a_second_request_waits_for_what_the_first_may_still_make() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let second = keys_of(ProviderKind::Vapi).1;
    start(&admin, "VAPI").await;
    app.settle().await;
    // The newest agent: asked for a moment ago, not confirmed, and not there yet.
    let made = items(&admin, "CREATED").await;
    let remote = app
        .sql("SELECT remote_id FROM placement_items ORDER BY id DESC LIMIT 1")
        .await[0]
        .get::<String>(0);
    assert!(made.iter().any(|item| item["remoteId"] == remote.as_str()));
    app.sandbox
        .control()
        .remove_agents(second, &[remote])
        .unwrap();
    lose_one(&app).await;
    let (marker, name) = unconfirmed(&app).await;
    let posts = asked(&app, POST);
    start(&admin, "VAPI").await;
    let run = until(&admin, "WAITING").await;
    assert_eq!(run["waitingUntil"], at(Duration::from_secs(90)));
    // Now the provider does what it was asked for first.
    let url = format!("{}/assistant", app.sandbox.base_url(ProviderKind::Vapi));
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let late = json!({ "name": name, "metadata": { "ringfence_placement": marker } });
    let sent = client.post(url).bearer_auth(second).json(&late).send();
    assert!(sent.await.unwrap().status().is_success());
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("SUCCEEDED"), [1, 0, 0, 0])
    );
    assert_eq!(
        asked(&app, POST),
        posts + 1,
        "the late one is the test's own"
    );
    assert_eq!(
        (remote_count(&app, second), agents(&admin).await),
        (52, (52, 0))
    );
}

/// R5: an answer that cannot be read may be that of an agent which was made, and the list may be late: it is asked for again
/// only when the provider had the time to show it.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_waited_out() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let page = Fault::new(Effect::NotJson).on(PATH).method("POST");
    app.sandbox.control().inject(page.after(2).times(1));
    start(&admin, "VAPI").await;
    let run = until(&admin, "WAITING").await;
    assert_eq!(run["waitingUntil"], at(Duration::from_secs(90)));
    assert_eq!(asked(&app, POST), 3);
    let run = to_the_end(&app, &admin).await;
    assert_eq!(counts(&run), [40, 0, 0, 0]);
    assert_eq!((asked(&app, POST), agents(&admin).await), (41, (52, 0)));
}

/// R5: a run that looked for an earlier attempt and was ended before its turn does not hide that attempt from an import.
#[tokio::test]
async fn a_skipped_turn_does_not_hide_the_attempt_before() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let second = keys_of(ProviderKind::Vapi).1;
    start(&admin, "VAPI").await;
    app.settle().await;
    lose_one(&app).await;
    let limit = Fault::rate_limit("60").on(PATH).method("GET");
    app.sandbox.control().inject(limit.times(1));
    start(&admin, "VAPI").await;
    until(&admin, "WAITING").await;
    // The same account with another version of the key: the run ends, and the import comes behind it.
    admin.save_key(second, Some(2)).await.ok();
    let run = to_the_end(&app, &admin).await;
    assert_eq!(
        (&run["state"], counts(&run)),
        (&json!("FAILED"), [0, 0, 1, 0])
    );
    let synced = sync(&app, &admin, "VAPI").await;
    assert_eq!(synced["addedCount"], 0);
    assert_eq!(agents(&admin).await, (52, 0));
}

/// Asks for a run of these agents.
async fn start_for(admin: &TestClient, agents: Option<&[Value]>) -> Answer {
    let query = "mutation($input: StartPlacementRunInput!) { startPlacementRun(input: $input) { hasJoined \
        placementRun { id total } } }";
    let mut input = json!({ "provider": "VAPI" });
    if let Some(agents) = agents {
        input["agentIds"] = json!(agents);
    }
    admin.graphql(query, json!({ "input": input })).await
}

/// R5: a request joins a run that holds all that it asks for, and is told of one that does not: its agents would never be
/// made.
#[tokio::test]
async fn a_request_for_other_agents_does_not_join() {
    let (app, admin) = moved(ProviderKind::Vapi).await;
    let limit = Fault::rate_limit("60").on(PATH).method("POST");
    app.sandbox.control().inject(limit.times(1));
    let found =
        admin.query("{ agents(filter: { isReachable: false }, first: 3) { nodes { id } } }");
    let found = found.await.ok();
    let ids: Vec<Value> = found["agents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|agent| agent["id"].clone())
        .collect();
    let first = start_for(&admin, Some(&ids[..2])).await.ok();
    let run = until(&admin, "WAITING").await;
    let joined = start_for(&admin, Some(&ids[1..2])).await.ok()["startPlacementRun"].clone();
    assert_eq!(joined["hasJoined"], true);
    assert_eq!(
        joined["placementRun"]["id"],
        first["startPlacementRun"]["placementRun"]["id"]
    );
    for agents in [Some(&ids[2..]), Some(&ids[..]), None] {
        let refused = start_for(&admin, agents).await;
        assert_eq!(refused.code(), "CONFLICT");
        assert!(
            refused.message().contains("does not hold"),
            "{}",
            refused.message()
        );
    }
    assert_eq!(run["total"], 2);
    to_the_end(&app, &admin).await;
    assert_eq!(agents(&admin).await, (52, 38));
    assert_eq!(
        start_for(&admin, None).await.ok()["startPlacementRun"]["placementRun"]["total"],
        38
    );
    app.settle().await;
    assert_eq!(agents(&admin).await, (52, 0));
}
