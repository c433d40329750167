//! P1, P2, P5: what a client's person sees of calls, and places.

use serde_json::{Value, json};

use super::{ANSWERS, agent, calls, dialled, end_all, to_the_end, try_to_trigger};
use crate::portal::scene;

/// P1, P2: with `view_calls` a person of a client sees that client's calls, and no cost, no route and no account; without it
/// none at all.
#[tokio::test]
async fn a_clients_person_sees_the_own_clients_calls_without_cost() {
    let scene = scene().await;
    let (app, admin) = (&scene.app, &scene.admin);
    app.sandbox.control().hold_calls();
    let (pia, _) = scene
        .person(
            &scene.bayview,
            "pia@example.com",
            json!(["VIEW_CALLS", "VIEW_AGENTS"]),
        )
        .await;
    let (lou, _) = scene
        .person(
            &scene.luma,
            "lou@example.com",
            json!(["VIEW_CALLS", "VIEW_AGENTS"]),
        )
        .await;
    let (nia, _) = scene
        .person(&scene.bayview, "nia@example.com", json!(["VIEW_AGENTS"]))
        .await;
    let input = json!({ "agentId": agent(&pia).await, "phoneNumber": ANSWERS });
    let placed = try_to_trigger(admin, input).await.ok()["triggerCall"].clone();
    let query = "{ calls { totalCount nodes { id status agentName payer } } callStats { count } }";
    let seen = pia.query(query).await.ok();
    assert_eq!(seen["calls"]["totalCount"], 1);
    assert_eq!(seen["calls"]["nodes"][0]["id"], placed["callId"]);
    assert_eq!(seen["callStats"]["count"], 1);
    let others = lou.query(query).await.ok();
    assert_eq!(
        (
            &others["calls"]["totalCount"],
            &others["callStats"]["count"]
        ),
        (&json!(0), &json!(0))
    );
    let asked = "query($id: ID!, $filter: CallFilter) { calls(filter: $filter) { totalCount } call(id: $id) { id } }";
    let variables = json!({ "id": placed["callId"], "filter": { "clientId": scene.bayview } });
    let answer = lou.graphql(asked, variables).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    assert_eq!(
        nia.query(query).await.errors[0]["extensions"]["code"],
        "FORBIDDEN"
    );
    for field in [
        "cost { amount }",
        "route { reason }",
        "account { remoteId }",
        "requestedBy { id }",
        "remoteId",
    ] {
        let query = format!("{{ calls {{ nodes {{ {field} }} }} }}");
        let answer = pia.query(&query).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{field}");
        let name = field.split(' ').next().unwrap();
        assert_eq!(answer.data["calls"]["nodes"][0][name], Value::Null);
    }
    end_all(app);
    to_the_end(app).await;
}

/// P1, P2, P5: with `trigger_calls` a person of a client places calls with the own client's agents, from their numbers; others
/// are not there.
#[tokio::test]
async fn a_clients_person_places_calls_with_the_own_agents() {
    let scene = scene().await;
    let (app, admin) = (&scene.app, &scene.admin);
    app.sandbox.control().hold_calls();
    let (pia, _) = scene
        .person(
            &scene.bayview,
            "pia@example.com",
            json!(["TRIGGER_CALLS", "VIEW_AGENTS"]),
        )
        .await;
    let (nia, _) = scene
        .person(
            &scene.bayview,
            "nia@example.com",
            json!(["VIEW_CALLS", "VIEW_AGENTS"]),
        )
        .await;
    let own = agent(&pia).await;
    let query =
        "mutation($input: TriggerCallInput!) { triggerCall(input: $input) { callId status } }";
    let input = json!({ "agentId": own, "phoneNumber": ANSWERS, "idempotencyKey": "one" });
    let placed = pia.graphql(query, json!({ "input": input })).await.ok();
    assert_eq!(placed["triggerCall"]["status"], "QUEUED");
    let refused = nia.graphql(query, json!({ "input": input })).await;
    assert_eq!(refused.code(), "FORBIDDEN");
    let query_of_others =
        "{ agents(first: 100) { nodes { id client { name } phoneNumbers { id } } } }";
    let all = admin.query(query_of_others).await.ok();
    let others: Vec<&Value> = all["agents"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|agent| agent["client"]["name"] != "Bayview")
        .collect();
    let foreign = json!({ "agentId": others[0]["id"], "phoneNumber": ANSWERS });
    let refused = pia.graphql(query, json!({ "input": foreign })).await;
    assert_eq!(refused.code(), "NOT_FOUND");
    let number = others
        .iter()
        .find_map(|agent| agent["phoneNumbers"][0]["id"].as_str())
        .unwrap();
    let input = json!({ "agentId": own, "phoneNumber": ANSWERS, "fromNumberId": number });
    let refused = pia.graphql(query, json!({ "input": input })).await;
    assert_eq!(refused.error()["extensions"]["field"], "fromNumberId");
    // A name that the agency used is not theirs: nothing of the agency's call is told.
    let input = json!({ "agentId": own, "phoneNumber": ANSWERS, "idempotencyKey": "two" });
    try_to_trigger(admin, input.clone()).await.ok();
    let mine = pia.graphql(query, json!({ "input": input })).await.ok();
    assert_ne!(mine["triggerCall"]["callId"], calls(admin).await[1]["id"]);
    assert_eq!(dialled(app, ANSWERS), 3);
    end_all(app);
    to_the_end(app).await;
}
