//! C6: the agency's calls: lists, filters and figures.

use serde_json::{Value, json};

use super::{ANSWERS, agent, calls, end_all, ready, script_key, to_the_end, trigger, until};
use crate::harness::{TestApp, TestClient};

/// Three calls: one that was answered, one that was busy, and one of a script that nobody answered.
async fn three() -> (TestApp, TestClient) {
    let (app, admin) = ready().await;
    for (to, status) in [(ANSWERS, "COMPLETED"), ("+15551230001", "BUSY")] {
        let placed = trigger(&admin, to).await;
        let remote = placed["call"]["remoteId"].as_str().unwrap().to_owned();
        app.sandbox.control().advance_call(&remote, 4).unwrap();
        until(&app, &admin, &placed["callId"], status).await;
    }
    let secret = script_key(&admin).await;
    let heard = super::place(&app, &secret, &agent(&admin).await, "+15551230002").await;
    let control = app.sandbox.control();
    let calls = control.calls();
    let last = calls.iter().find(|call| call.to == "+15551230002").unwrap();
    control.advance_call(&last.id, 4).unwrap();
    until(&app, &admin, &heard.body["call_id"], "NO_ANSWER").await;
    to_the_end(&app).await;
    (app, admin)
}

async fn statuses(client: &TestClient, filter: Value) -> Vec<String> {
    let query =
        "query($filter: CallFilter) { calls(filter: $filter) { totalCount nodes { status } } }";
    let data = client
        .graphql(query, json!({ "filter": filter }))
        .await
        .ok();
    let nodes = data["calls"]["nodes"].as_array().unwrap();
    assert_eq!(data["calls"]["totalCount"], nodes.len());
    let words = nodes
        .iter()
        .map(|call| call["status"].as_str().unwrap().to_owned());
    words.collect()
}

/// C6: each filter narrows the list, and what is left is newest first.
#[tokio::test]
async fn each_filter_narrows_the_list() {
    let (_app, admin) = three().await;
    let all = ["NO_ANSWER", "BUSY", "COMPLETED"];
    assert_eq!(statuses(&admin, json!({})).await, all);
    let first = calls(&admin).await[0].clone();
    for (filter, expected) in [
        (json!({ "status": ["BUSY"] }), vec!["BUSY"]),
        (
            json!({ "status": ["BUSY", "COMPLETED"] }),
            vec!["BUSY", "COMPLETED"],
        ),
        (json!({ "origin": ["API"] }), vec!["NO_ANSWER"]),
        (json!({ "provider": ["RETELL"] }), vec![]),
        (json!({ "payer": ["AGENCY"] }), all.to_vec()),
        (json!({ "payer": ["CLIENT"] }), vec![]),
        (json!({ "direction": ["INBOUND"] }), vec![]),
        (json!({ "agentId": first["agent"]["id"] }), all.to_vec()),
        (json!({ "agentId": "nobody" }), vec![]),
        (json!({ "clientId": "nobody" }), vec![]),
        (json!({ "since": first["createdAt"] }), vec!["NO_ANSWER"]),
        (
            json!({ "until": first["createdAt"] }),
            vec!["BUSY", "COMPLETED"],
        ),
    ] {
        assert_eq!(statuses(&admin, filter.clone()).await, expected, "{filter}");
    }
}

/// C6: figures say what the list says: per day and result, per payer, and why calls failed; a day is the viewer's own.
#[tokio::test]
async fn figures_agree_with_the_list() {
    let (app, admin) = three().await;
    let query = "query($offset: Int) { callStats(utcOffsetMinutes: $offset) { count minutes cost { amount currency } \
        statuses { status count } days { date count minutes statuses { status count } } \
        payers { clientId payer count minutes cost { amount } } failures { endCause code count } } }";
    let ask = |offset: i32| {
        let admin = &admin;
        async move {
            let data = admin.graphql(query, json!({ "offset": offset })).await.ok();
            data["callStats"].clone()
        }
    };
    let stats = ask(0).await;
    assert_eq!(stats["count"], 3);
    assert_eq!(
        stats["statuses"],
        json!([{ "status": "COMPLETED", "count": 1 }, { "status": "BUSY", "count": 1 },
            { "status": "NO_ANSWER", "count": 1 }])
    );
    assert_eq!(stats["days"].as_array().unwrap().len(), 1);
    assert_eq!(stats["days"][0]["date"], "2026-01-15");
    assert_eq!(stats["payers"][0]["payer"], "AGENCY");
    assert_eq!(stats["payers"][0]["count"], 3);
    assert_eq!(
        stats["failures"],
        json!([{ "endCause": "BUSY", "code": null, "count": 1 }, { "endCause": "NO_ANSWER", "code": null, "count": 1 }])
    );
    let cost = app
        .sql("SELECT CAST(SUM(cost_micros) AS BIGINT) FROM calls")
        .await[0]
        .get::<i64>(0);
    let told: f64 = stats["cost"]["amount"].as_str().unwrap().parse().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a small sum")]
    let kept = cost as f64 / 1_000_000.0;
    assert!((told - kept).abs() < 1e-9 && cost > 0, "{told} {kept}");
    // It is noon in UTC: fourteen hours ahead it is tomorrow.
    assert_eq!(ask(840).await["days"][0]["date"], "2026-01-16");
    let refused = admin.graphql(query, json!({ "offset": 841 })).await;
    assert_eq!(refused.error()["extensions"]["field"], "utcOffsetMinutes");
    end_all(&app);
}
