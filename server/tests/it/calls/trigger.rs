//! C1, C4, R6: a call goes over the route of its agent, is written down before it is dialled, and is followed to its end.

use ringfence::sandbox::{CallOutcome, Effect, Fault};
use serde_json::{Value, json};

use super::{
    ANSWERS, agent, call, calls, dialled, end, end_all, holds, leases, ready, to_the_end, trigger,
    try_to_trigger, until,
};
use crate::harness::{TestApp, TestClient, keys};

/// C1, C4, R6, K8: a call is dialled once, with our id along, and says which way it went; it is followed to its end, where it
/// gives back what it held.
#[tokio::test]
async fn a_call_is_placed_and_followed_to_its_end() {
    let (app, admin) = ready().await;
    let placed = trigger(&admin, ANSWERS).await;
    assert_eq!(placed["status"], "QUEUED");
    assert_eq!(
        (&placed["provider"], &placed["paidBy"]),
        (&json!("VAPI"), &json!("AGENCY"))
    );
    assert_eq!(placed["isReplay"], false);
    assert_eq!(dialled(&app, ANSWERS), 1);
    assert_eq!((holds(&app).await, leases(&app).await), (1, 1));
    assert_eq!(live(&admin).await, 1);
    let now = &placed["call"];
    assert_eq!(now["id"], placed["callId"]);
    assert_eq!(now["toNumber"], ANSWERS);
    assert!(now["fromNumber"].as_str().unwrap().starts_with('+'));
    assert_eq!(now["origin"], "APP");
    assert_eq!(now["direction"], "OUTBOUND");
    assert_eq!(now["route"]["keyVersion"], 1);
    assert_eq!(now["route"]["hasPassedOverAgencyKey"], false);
    assert_eq!(
        now["requestedBy"]["id"],
        admin.user_id.as_ref().unwrap().as_str()
    );
    let said = app.sandbox.control().requests();
    let request = said
        .iter()
        .find(|one| one.method == "POST" && one.path == "/vapi/call");
    assert!(request.is_some());

    let remote = now["remoteId"].as_str().unwrap();
    app.sandbox.control().advance_call(remote, 2).unwrap();
    let speaking = until(&app, &admin, &placed["callId"], "IN_PROGRESS").await;
    assert!(speaking["startedAt"].is_string());
    assert!(speaking["endedAt"].is_null());
    end(&app, now);
    let over = until(&app, &admin, &placed["callId"], "COMPLETED").await;
    assert!(over["endedReason"].is_string());
    assert_eq!(over["endCause"], "CUSTOMER_HUNG_UP");
    to_the_end(&app).await;
    let over = call(&admin, &placed["callId"]).await;
    assert!(
        over["cost"]["amount"]
            .as_str()
            .unwrap()
            .parse::<f64>()
            .unwrap()
            >= 0.0
    );
    assert_eq!(over["cost"]["currency"], "USD");
    assert_eq!(dialled(&app, ANSWERS), 1);
    assert_eq!((holds(&app).await, leases(&app).await), (0, 0));
    assert_eq!(live(&admin).await, 0);
}

/// How many calls clearing the key would touch (K8).
async fn live(admin: &TestClient) -> i64 {
    let query = "{ providerKeys { nodes { clearImpact { liveCallCount } } } }";
    let keys = admin.query(query).await.ok();
    let impact = &keys["providerKeys"]["nodes"][0]["clearImpact"];
    impact["liveCallCount"].as_i64().unwrap()
}

/// C5: each way in which a call can end has one status, with the provider's own reason beside it.
#[tokio::test]
async fn each_end_has_its_status() {
    let (app, admin) = ready().await;
    for (to, status) in [
        ("+15551230001", "BUSY"),
        ("+15551230002", "NO_ANSWER"),
        ("+15551230003", "FAILED"),
        ("+15551230005", "COMPLETED"),
        ("+15551230006", "FAILED"),
    ] {
        let placed = trigger(&admin, to).await;
        let remote = placed["call"]["remoteId"].as_str().unwrap().to_owned();
        app.sandbox.control().advance_call(&remote, 4).unwrap();
        let over = until(&app, &admin, &placed["callId"], status).await;
        assert!(over["endedReason"].is_string(), "{to} {over:#}");
        to_the_end(&app).await;
    }
    assert_eq!((holds(&app).await, leases(&app).await), (0, 0));
}

/// R6: the call goes the way that `explainRoute` told a moment before: the same payer, and the same number.
#[tokio::test]
async fn a_call_goes_the_way_that_was_explained() {
    let (app, admin) = ready().await;
    let query = "query($id: ID!) { explainRoute(agentId: $id) { state payer fromNumber { number } placement { remoteId } } }";
    let id = agent(&admin).await;
    let route = admin.graphql(query, json!({ "id": id })).await.ok()["explainRoute"].clone();
    let placed = trigger(&admin, ANSWERS).await;
    let call = &placed["call"];
    assert_eq!(route["state"], "READY");
    assert_eq!(call["payer"], route["payer"]);
    assert_eq!(call["fromNumber"], route["fromNumber"]["number"]);
    assert_eq!(
        call["route"]["remoteAgentId"],
        route["placement"]["remoteId"]
    );
    end_all(&app);
    to_the_end(&app).await;
}

/// Whatever is refused before the intent is nowhere: no row, no lease, nothing dialled.
async fn assert_untouched(app: &TestApp) {
    let rows = app.sql("SELECT count(*) FROM calls").await[0].get::<i64>(0);
    assert_eq!((rows, holds(app).await), (0, 0));
    assert!(app.sandbox.control().dialled().is_empty());
}

/// C2: what is no number, no agent or no number of the account is refused, and its field named.
#[tokio::test]
async fn bad_input_is_named() {
    let (app, admin) = ready().await;
    let agent = agent(&admin).await;
    let refused = try_to_trigger(
        &admin,
        json!({ "agentId": agent, "phoneNumber": "5551234567" }),
    )
    .await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.error()["extensions"]["field"], "phoneNumber");
    let refused = try_to_trigger(
        &admin,
        json!({ "agentId": "nobody", "phoneNumber": ANSWERS }),
    )
    .await;
    assert_eq!(refused.code(), "NOT_FOUND");
    let input = json!({ "agentId": agent, "phoneNumber": ANSWERS, "fromNumberId": "none" });
    let refused = try_to_trigger(&admin, input).await;
    assert_eq!(refused.error()["extensions"]["field"], "fromNumberId");
    let twice = json!([{ "name": "a", "value": "1" }, { "name": "a", "value": "2" }]);
    let input = json!({ "agentId": agent, "phoneNumber": ANSWERS, "variables": twice });
    let refused = try_to_trigger(&admin, input).await;
    assert_eq!(refused.error()["extensions"]["field"], "variables");
    assert_untouched(&app).await;
}

/// C1: an agent without a number in the account of its route cannot call where the provider needs one.
#[tokio::test]
async fn without_a_number_nothing_is_dialled() {
    let (app, admin) = ready().await;
    let agent = agent(&admin).await;
    app.sql("UPDATE phone_numbers SET agent_remote_id = NULL")
        .await;
    let refused = try_to_trigger(&admin, json!({ "agentId": agent, "phoneNumber": ANSWERS })).await;
    assert_eq!(refused.code(), "NO_OUTBOUND_NUMBER");
    assert_untouched(&app).await;
}

/// R2, R8: what the route stops says why, and nothing is dialled: a breaker that is open, an account that does not hold the
/// agent, a key that is gone.
#[tokio::test]
async fn what_the_route_stops_is_not_dialled() {
    let (app, admin) = ready().await;
    let input = json!({ "agentId": agent(&admin).await, "phoneNumber": ANSWERS });
    for (sql, code) in [
        ("UPDATE provider_keys SET breaker = 'open'", "BREAKER_OPEN"),
        (
            "UPDATE provider_keys SET breaker = 'closed'; UPDATE placements SET status = 'inactive'",
            "AGENT_INACTIVE",
        ),
        ("UPDATE provider_keys SET active_version = NULL", "NO_KEY"),
    ] {
        app.sql(sql).await;
        let refused = try_to_trigger(&admin, input.clone()).await;
        assert_eq!(refused.code(), code, "{}", refused.message());
        assert!(refused.message().contains("Nothing was dialled"));
    }
    assert_untouched(&app).await;
}

async fn health(admin: &TestClient) -> Value {
    admin.key().await["health"].clone()
}

/// R2, R7, C4: what the provider refuses stays in the list with its reason, gives back what it held, and what it says of the
/// key becomes the key's health; the next call that works mends it.
#[tokio::test]
async fn a_refusal_of_the_provider_is_kept_and_told() {
    let (app, admin) = ready().await;
    let control = app.sandbox.control();
    let refuse = |status| {
        let effect = Effect::Status {
            status,
            message: None,
            retry_after: None,
        };
        control.inject(Fault::new(effect).on("/vapi/call").method("POST").times(1));
    };
    let input = json!({ "agentId": agent(&admin).await, "phoneNumber": ANSWERS });
    refuse(401);
    let refused = try_to_trigger(&admin, input.clone()).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    assert_eq!(health(&admin).await, "INVALID");
    let kept = &calls(&admin).await[0];
    assert_eq!(kept["status"], "FAILED");
    assert_eq!(kept["failure"]["code"], "KEY_REJECTED");
    assert!(kept["endedAt"].is_string());
    assert_eq!((holds(&app).await, leases(&app).await), (0, 0));
    refuse(400);
    let refused = try_to_trigger(&admin, input).await;
    assert_eq!(refused.code(), "PROVIDER_REFUSED");
    assert_eq!(dialled(&app, ANSWERS), 0);
    trigger(&admin, ANSWERS).await;
    assert_eq!(health(&admin).await, "VALID");
    end_all(&app);
    to_the_end(&app).await;
}

/// R4, K10: a call that began before a key was replaced is followed with the version that it began with, which lives until
/// the call is over.
#[tokio::test]
async fn a_call_ends_with_the_version_that_it_began_with() {
    let (app, admin) = ready().await;
    let placed = trigger(&admin, "+15551230004").await;
    let remote = placed["call"]["remoteId"].as_str().unwrap();
    app.sandbox.control().advance_call(remote, 2).unwrap();
    until(&app, &admin, &placed["callId"], "IN_PROGRESS").await;
    admin.save_key(keys::SECOND, Some(1)).await.ok();
    // Two days later the old version would long be destroyed.
    app.rest().await;
    app.sql("UPDATE provider_key_versions SET shred_after = 1 WHERE shred_after IS NOT NULL")
        .await;
    ringfence::jobs::tidy(&app.app).await.unwrap();
    let kept =
        "SELECT count(*) FROM provider_key_versions WHERE version = 1 AND sealed IS NOT NULL";
    assert_eq!(app.sql(kept).await[0].get::<i64>(0), 1);
    let ended = CallOutcome::Answered;
    app.sandbox.control().end_call(remote, ended).unwrap();
    let over = until(&app, &admin, &placed["callId"], "COMPLETED").await;
    assert_eq!(over["route"]["keyVersion"], 1);
    to_the_end(&app).await;
    assert_eq!(holds(&app).await, 0);
    ringfence::jobs::tidy(&app.app).await.unwrap();
    assert_eq!(app.sql(kept).await[0].get::<i64>(0), 0);
}

/// C7: a test call is one that costs money, and is told from the others.
#[tokio::test]
async fn a_test_call_is_told_from_the_others() {
    let (app, admin) = ready().await;
    let input = json!({ "agentId": agent(&admin).await, "phoneNumber": ANSWERS, "isTest": true });
    let placed = try_to_trigger(&admin, input).await.ok();
    assert_eq!(placed["triggerCall"]["call"]["origin"], "TEST");
    end_all(&app);
    to_the_end(&app).await;
}
