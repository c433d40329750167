//! X4, H6: the sandbox stays on this machine and does what `/__control` says.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::super::{Effect, Fault, Sandbox};
use super::{GOOD, ask, control, get, raw, start};

/// H6
#[tokio::test]
async fn it_refuses_to_listen_beyond_this_machine() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8090"] {
        let address: SocketAddr = address.parse().unwrap();
        let error = Sandbox::start(address).await.unwrap_err();
        assert!(
            error.to_string().contains("listens on this machine only"),
            "{error}"
        );
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

/// H6: a web page whose name was pointed at 127.0.0.1, or that sends a request across origins, gets nothing.
#[tokio::test]
async fn it_refuses_requests_that_are_not_from_this_machine() {
    let sandbox = start().await;
    for (headers, expected) in [
        (vec![("Host", "127.0.0.1:8090")], StatusCode::OK),
        (vec![("Host", "localhost")], StatusCode::OK),
        (vec![("Host", "[::1]:8090")], StatusCode::OK),
        (
            vec![("Host", "localhost"), ("Origin", "http://127.0.0.1:8080")],
            StatusCode::OK,
        ),
        (vec![("Host", "sandbox.example.com")], StatusCode::FORBIDDEN),
        (
            vec![("Host", "localhost.example.com")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("Host", "127.0.0.1.example.com")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("Host", "127.0.0.1"), ("Origin", "https://example.com")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("Host", "127.0.0.1"), ("Origin", "null")],
            StatusCode::FORBIDDEN,
        ),
        (vec![], StatusCode::FORBIDDEN),
    ] {
        for path in ["/__control", "/__control/requests"] {
            assert_eq!(
                raw(&sandbox, "GET", path, &headers, "").await.0,
                expected,
                "{headers:?}"
            );
        }
    }
}

/// H6: a body that is not declared as JSON, which is all that a web form can send, changes nothing.
#[tokio::test]
async fn control_takes_json_only() {
    let sandbox = start().await;
    let body = json!({ "effect": { "kind": "hang" } }).to_string();
    let headers = [("Host", "127.0.0.1"), ("Content-Type", "text/plain")];
    let (status, _) = raw(&sandbox, "POST", "/__control/faults", &headers, &body).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        control(&sandbox, "GET", "/faults", json!({})).await.1,
        json!([])
    );
}

/// X4: `after` lets requests pass, `times` ends the fault, and the path, method and key choose.
#[tokio::test]
async fn a_fault_strikes_the_requests_that_it_names() {
    let sandbox = start().await;
    let fault = json!({
        "key": GOOD, "method": "get", "path": "/vapi/assist*", "after": 1, "times": 2,
        "effect": { "kind": "status", "status": 503, "message": "Down for tea", "retryAfter": "7" },
    });
    let (status, answer) = control(&sandbox, "POST", "/faults", fault).await;
    assert_eq!((status, &answer["id"]), (200, &json!(1)));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(&sandbox, "/vapi/assistant?limit=1").await.0);
        assert_eq!(get(&sandbox, "/vapi/phone-number?limit=1").await.0, 200);
    }
    assert_eq!(statuses, [200, 503, 503, 200]);
    let (_, faults) = control(&sandbox, "GET", "/faults", json!({})).await;
    assert_eq!(
        (&faults[0]["key"], &faults[0]["struck"]),
        (&json!("k7Qd"), &json!(2))
    );
    assert_eq!(
        control(&sandbox, "DELETE", "/faults/1", json!({})).await.0,
        200
    );
    assert_eq!(
        control(&sandbox, "DELETE", "/faults/1", json!({})).await.0,
        404
    );
    let (status, answer) = control(
        &sandbox,
        "POST",
        "/faults",
        json!({ "effect": { "kind": "explode" } }),
    )
    .await;
    assert_eq!(status, 422);
    assert!(answer["error"].as_str().unwrap().contains("explode"));
}

/// X4: seeding, further keys, adding, renaming, removing and reset, all over HTTP.
#[tokio::test]
async fn accounts_are_seeded_and_changed_over_http() {
    let sandbox = start().await;
    let seed = json!({ "key": "k-0001", "agents": 30, "phoneNumbers": 4 });
    let (status, account) = control(&sandbox, "POST", "/accounts", seed.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(control(&sandbox, "POST", "/accounts", seed).await.0, 409);
    let unspoken = json!({ "provider": "nobody", "key": "k-0009" });
    assert_eq!(
        control(&sandbox, "POST", "/accounts", unspoken).await.0,
        422
    );
    let narrow = json!({ "key": "k-0002", "sameAccountAs": "k-0001", "visibleAgents": 3, "forbidden": ["phone-numbers"] });
    assert_eq!(control(&sandbox, "POST", "/keys", narrow).await.0, 200);
    let count = async |key: &str| {
        let (status, body) = ask(
            &sandbox,
            "GET",
            "/vapi/assistant?limit=1000",
            Some(key),
            None,
        )
        .await;
        (status, body.as_array().map_or(0, Vec::len))
    };
    assert_eq!(
        (count("k-0001").await, count("k-0002").await),
        ((200, 30), (200, 3))
    );
    assert_eq!(
        ask(
            &sandbox,
            "GET",
            "/vapi/v2/phone-number",
            Some("k-0002"),
            None
        )
        .await
        .0,
        403
    );
    let (_, added) = control(
        &sandbox,
        "POST",
        "/agents",
        json!({ "key": "k-0001", "count": 2, "namePrefix": "Late" }),
    )
    .await;
    let id = added["ids"][1].as_str().unwrap();
    let rename = json!({ "key": "k-0001", "id": id, "name": "Renamed" });
    assert_eq!(control(&sandbox, "PATCH", "/agents", rename).await.0, 200);
    let (_, newest) = ask(
        &sandbox,
        "GET",
        "/vapi/assistant?limit=1",
        Some("k-0001"),
        None,
    )
    .await;
    assert_eq!(
        (&newest[0]["id"], &newest[0]["name"]),
        (&json!(id), &json!("Renamed"))
    );
    assert_eq!(newest[0]["orgId"], account["accountId"]);
    let remove = json!({ "key": "k-0001", "ids": [id], "count": 4 });
    assert_eq!(
        control(&sandbox, "DELETE", "/agents", remove).await.1["removed"],
        json!(5)
    );
    assert_eq!(count("k-0001").await, (200, 27));
    assert_eq!(
        control(&sandbox, "DELETE", "/keys", json!({ "key": "k-0002" }))
            .await
            .0,
        200
    );
    assert_eq!(count("k-0002").await.0, 401);
    control(&sandbox, "POST", "/reset", json!({})).await;
    assert_eq!(
        (count("k-0001").await.0, count(GOOD).await),
        (401, (200, 40))
    );
}

/// X4, K7: the log tells what was asked and nothing of a key but its last four characters.
#[tokio::test]
async fn the_request_log_keeps_only_the_end_of_a_key() {
    let sandbox = start().await;
    get(&sandbox, "/vapi/assistant?limit=2").await;
    let (_, items) = get(&sandbox, "/vapi/assistant?limit=1").await;
    get(
        &sandbox,
        &format!("/vapi/assistant/{}", items[0]["id"].as_str().unwrap()),
    )
    .await;
    get(&sandbox, "/vapi/nowhere").await;
    let (_, log) = control(&sandbox, "GET", "/requests", json!({})).await;
    assert_eq!(
        log["counts"],
        json!({ "GET /vapi/assistant": 2, "GET /vapi/assistant/{id}": 1, "GET unknown": 1 })
    );
    let first = &log["requests"][0];
    assert_eq!(
        (&first["query"], &first["key"], &first["status"]),
        (&json!("limit=2"), &json!("k7Qd"), &json!(200))
    );
    let (_, overview) = control(&sandbox, "GET", "", json!({})).await;
    assert_eq!(overview["requestCount"], json!(4));
    for text in [log.to_string(), overview.to_string()] {
        assert!(!text.contains("sandbox-vapi"), "{text}");
    }
    control(&sandbox, "DELETE", "/requests", json!({})).await;
    assert!(sandbox.control().requests().is_empty());
}

/// X4, S2: pages can be slowed down, so that a progress bar can be watched; single reads stay quick.
#[tokio::test]
async fn pages_take_as_long_as_they_are_told() {
    let sandbox = start().await;
    assert_eq!(
        control(&sandbox, "PUT", "/settings", json!({ "pageDelayMs": 200 }))
            .await
            .0,
        200
    );
    sandbox.control().inject(
        Fault::new(Effect::Delay { ms: 100 })
            .on("/vapi/assistant")
            .times(1),
    );
    let started = Instant::now();
    get(&sandbox, "/vapi/assistant").await;
    assert!(started.elapsed() >= Duration::from_millis(300));
    let started = Instant::now();
    get(&sandbox, "/vapi/assistant/none").await;
    assert!(started.elapsed() < Duration::from_millis(200));
}

/// X4: stopping does not wait for requests that hang on demand.
#[tokio::test]
async fn a_sandbox_with_a_hanging_request_stops() {
    let sandbox = start().await;
    sandbox.control().inject(Fault::new(Effect::Hang));
    let address = sandbox.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /vapi/assistant HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    while sandbox.control().requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    sandbox.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(address).await.is_err());
}
