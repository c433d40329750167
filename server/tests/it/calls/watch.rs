//! C6, H3, P5: calls are watched as they move, by those alone who may see them.

use ringfence::access::Role;
use serde_json::{Value, json};

use super::{ANSWERS, end, ready, to_the_end, trigger};
use crate::harness::{Frame, TestApp, TestClient, TestSocket};

const WATCH: &str = "subscription { callChanged { id status } }";

async fn watch(app: &TestApp, client: &TestClient) -> TestSocket {
    let mut socket = TestSocket::connected(app, client).await;
    socket.subscribe("1", WATCH).await;
    socket
}

/// The statuses that a call was told with, up to this one.
async fn told(socket: &mut TestSocket, id: &Value, last: &str) -> Vec<String> {
    let mut statuses: Vec<String> = Vec::new();
    loop {
        let next = socket.next().await;
        let Frame::Json(message) = next else {
            panic!("{next:?}");
        };
        assert_eq!(message["type"], "next", "{message}");
        let call = &message["payload"]["data"]["callChanged"];
        assert_eq!(&call["id"], id);
        let status = call["status"].as_str().unwrap().to_owned();
        if statuses.last() != Some(&status) {
            statuses.push(status.clone());
        }
        if status == last {
            return statuses;
        }
    }
}

/// C6, P5: whoever watches is told each step of a call in its order; the people of another agency hear nothing.
#[tokio::test]
async fn each_step_is_told_and_to_nobody_else() {
    let (app, admin) = ready().await;
    let stranger = app.stranger(Role::Owner).await;
    let mut socket = watch(&app, &admin).await;
    let mut other = watch(&app, &stranger).await;
    let placed = trigger(&admin, ANSWERS).await;
    let remote = placed["call"]["remoteId"].as_str().unwrap().to_owned();
    app.sandbox.control().advance_call(&remote, 2).unwrap();
    super::until(&app, &admin, &placed["callId"], "IN_PROGRESS").await;
    end(&app, &placed["call"]);
    super::until(&app, &admin, &placed["callId"], "COMPLETED").await;
    let statuses = told(&mut socket, &placed["callId"], "COMPLETED").await;
    assert_eq!(statuses.last().unwrap(), "COMPLETED");
    let order = ["PLACING", "QUEUED", "RINGING", "IN_PROGRESS", "COMPLETED"];
    let ranks: Vec<_> = statuses
        .iter()
        .map(|status| order.iter().position(|one| one == status).unwrap())
        .collect();
    assert!(ranks.is_sorted(), "{statuses:?}");
    // Nothing came before the answer to a question of the stranger's own.
    other.send(json!({ "type": "ping" })).await;
    match other.next().await {
        Frame::Json(message) => assert_eq!(message["type"], "pong", "{message}"),
        Frame::Closed(code) => panic!("closed with {code}"),
    }
    to_the_end(&app).await;
}
