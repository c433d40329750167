//! X4: the sandbox keeps to Vapi's wire format.

use serde_json::json;

use super::super::{NewAccount, sample_keys};
use super::{GOOD, ask, get, raw, start};
use crate::providers::ProviderKind;

/// X4: Vapi's error bodies, to the letter of what is known of them.
#[tokio::test]
async fn errors_have_vapis_bodies() {
    let sandbox = start().await;
    let (status, body) = ask(&sandbox, "GET", "/vapi/assistant", None, None).await;
    assert_eq!(status, 401);
    assert_eq!(
        body,
        json!({ "message": "Missing Authorization Header.", "error": "Unauthorized", "statusCode": 401 })
    );
    let (status, body) = ask(&sandbox, "GET", "/vapi/assistant", Some("unknown"), None).await;
    assert_eq!(
        (status, &body["error"], &body["statusCode"]),
        (401, &json!("Unauthorized"), &json!(401))
    );
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .starts_with("Invalid Key. Hot tip")
    );
    let (status, body) = get(&sandbox, "/vapi/assistant/none").await;
    assert_eq!((status, &body["error"]), (404, &json!("Not Found")));
    let (status, body) = ask(&sandbox, "PUT", "/vapi/assistant", Some(GOOD), None).await;
    assert_eq!(
        (status, &body["message"]),
        (404, &json!("Cannot PUT /assistant"))
    );
}

/// X4: limits from 0 to 1000, and no parameter or property that Vapi does not know.
#[tokio::test]
async fn what_vapi_refuses_is_refused_with_a_list_of_texts() {
    let sandbox = start().await;
    for (path, expected) in [
        (
            "/vapi/assistant?limit=1001",
            "limit must not be greater than 1000",
        ),
        ("/vapi/assistant?limit=-1", "limit must not be less than 0"),
        (
            "/vapi/call?limit=many",
            "limit must be a number conforming to the specified constraints",
        ),
        (
            "/vapi/phone-number?cursor=x",
            "property cursor should not exist",
        ),
        (
            "/vapi/assistant?createdAtLe=yesterday",
            "createdAtLe must be a valid ISO 8601 date string",
        ),
        (
            "/vapi/v2/phone-number?page=0",
            "page must not be less than 1",
        ),
        (
            "/vapi/v2/phone-number?sortOrder=UP",
            "sortOrder must be one of the following values: ASC, DESC",
        ),
    ] {
        let (status, body) = get(&sandbox, path).await;
        assert_eq!(
            (status, &body["message"]),
            (400, &json!([expected])),
            "{path}"
        );
    }
    for (body, expected) in [
        (
            json!({ "customer": {} }),
            "property customer should not exist",
        ),
        (json!({ "id": "mine" }), "property id should not exist"),
        (
            json!({ "name": "n".repeat(41) }),
            "name must be shorter than or equal to 40 characters",
        ),
        (
            json!({ "maxDurationSeconds": 50_000 }),
            "maxDurationSeconds must not be greater than 43200",
        ),
    ] {
        let (status, answer) =
            ask(&sandbox, "POST", "/vapi/assistant", Some(GOOD), Some(body)).await;
        assert_eq!((status, &answer["message"]), (400, &json!([expected])));
    }
    assert_eq!(get(&sandbox, "/vapi/assistant?limit=0").await.1, json!([]));
}

/// X4: newest first, filtered by time, and the default page has a hundred items.
#[tokio::test]
async fn lists_are_newest_first_and_filtered_by_time() {
    let sandbox = start().await;
    sandbox
        .control()
        .add_account(&NewAccount::vapi("k", 150))
        .unwrap();
    let list = async |query: &str| {
        let (status, body) = ask(
            &sandbox,
            "GET",
            &format!("/vapi/assistant{query}"),
            Some("k"),
            None,
        )
        .await;
        assert_eq!(status, 200);
        let items: Vec<String> = body
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["createdAt"].as_str().unwrap().to_owned())
            .collect();
        items
    };
    let times = list("").await;
    assert_eq!(times.len(), 100);
    assert!(times.is_sorted_by(|a, b| a >= b));
    let edge = times[99].clone();
    assert_eq!(
        list(&format!("?createdAtLe={edge}&limit=1000")).await.len(),
        51
    );
    assert_eq!(list(&format!("?createdAtLt={edge}")).await.len(), 50);
    assert_eq!(
        list(&format!("?createdAtGe={edge}&limit=1000")).await.len(),
        100
    );
    assert_eq!(
        list(&format!("?createdAtGt={edge}&limit=1000")).await.len(),
        99
    );
    assert_eq!(list(&format!("?updatedAtLt={edge}")).await.len(), 50);
}

/// X4: create, read, change, delete, with a change that replaces nested objects whole.
#[tokio::test]
async fn assistants_are_created_changed_and_deleted() {
    let sandbox = start().await;
    let new = json!({ "name": "New", "model": { "provider": "openai", "model": "gpt-4.1" } });
    let (status, created) = ask(&sandbox, "POST", "/vapi/assistant", Some(GOOD), Some(new)).await;
    assert_eq!(status, 201);
    let path = format!("/vapi/assistant/{}", created["id"].as_str().unwrap());
    assert_eq!(get(&sandbox, "/vapi/assistant?limit=1").await.1[0], created);
    let model = json!({ "provider": "google", "model": "gemini-2.5-flash" });
    let change = json!({ "model": model });
    let (status, changed) = ask(&sandbox, "PATCH", &path, Some(GOOD), Some(change)).await;
    assert_eq!(
        (status, &changed["name"], &changed["model"]),
        (200, &json!("New"), &model)
    );
    assert!(changed["updatedAt"].as_str() > created["updatedAt"].as_str());
    assert_eq!(changed["createdAt"], created["createdAt"]);
    let (status, deleted) = ask(&sandbox, "DELETE", &path, Some(GOOD), None).await;
    assert_eq!((status, deleted), (200, changed));
    assert_eq!(get(&sandbox, &path).await.0, 404);
}

/// X4: a change of a number names its provider, and may name no assistant that is not there.
#[tokio::test]
async fn phone_numbers_are_read_and_changed() {
    let sandbox = start().await;
    let (_, page) = get(
        &sandbox,
        "/vapi/v2/phone-number?limit=5&page=3&sortOrder=ASC",
    )
    .await;
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        page["metadata"],
        json!({ "itemsPerPage": 5, "totalItems": 12, "currentPage": 3, "totalPages": 3, "hasNextPage": false, "sortOrder": "ASC" })
    );
    let (_, found) = get(&sandbox, "/vapi/v2/phone-number?search=cedar").await;
    assert_eq!(found["metadata"]["totalItems"], json!(2));
    let number = &found["results"][0];
    assert_eq!(number["provider"], json!("twilio"));
    assert!(
        number["twilioAuthToken"].is_string(),
        "as in Vapi's specification"
    );
    let path = format!("/vapi/phone-number/{}", number["id"].as_str().unwrap());
    for (change, status) in [
        (json!({ "assistantId": null }), 400),
        (json!({ "provider": "vapi", "assistantId": null }), 400),
        (json!({ "provider": "twilio", "sipUri": "sip:x" }), 400),
        (
            json!({ "provider": "twilio", "assistantId": "nobody" }),
            400,
        ),
        (json!({ "provider": "twilio", "assistantId": null }), 200),
    ] {
        assert_eq!(
            ask(&sandbox, "PATCH", &path, Some(GOOD), Some(change.clone()))
                .await
                .0,
            status,
            "{change}"
        );
    }
    assert_eq!(get(&sandbox, &path).await.1.get("assistantId"), None);
    assert_eq!(get(&sandbox, "/vapi/call").await, (200, json!([])));
}

/// X4: every sample key is obviously none, tells itself apart by its last four characters, and does what it says.
#[tokio::test]
async fn every_sample_key_does_what_it_says() {
    let sandbox = start().await;
    let mut endings = std::collections::HashSet::new();
    for sample in sample_keys() {
        let provider = sample.provider.as_str();
        assert!(sample.key.starts_with(&format!("sandbox-{provider}-")));
        assert!(endings.insert(&sample.key[sample.key.len() - 4..]));
        let (agents, numbers) = match sample.provider {
            ProviderKind::Vapi => (
                ("GET", "/vapi/assistant?limit=1"),
                ("GET", "/vapi/phone-number?limit=1"),
            ),
            ProviderKind::Retell => (
                ("POST", "/retell/v2/list-agents?limit=1"),
                ("GET", "/retell/v2/list-phone-numbers?limit=1"),
            ),
            ProviderKind::Bland => (
                ("GET", "/bland/v1/personas?limit=1"),
                ("GET", "/bland/v1/inbound"),
            ),
        };
        let authorization = match sample.provider {
            ProviderKind::Vapi | ProviderKind::Retell => format!("Bearer {}", sample.key),
            ProviderKind::Bland => sample.key.to_owned(),
        };
        let headers = [("Host", "127.0.0.1"), ("Authorization", &authorization)];
        let agents = raw(&sandbox, agents.0, agents.1, &headers, "").await.0;
        let numbers = raw(&sandbox, numbers.0, numbers.1, &headers, "").await.0;
        let expected = match sample.key {
            key if key.contains("good") => (200, 200),
            key if key.contains("no-numbers") => (200, 403),
            // Bland tells it by the account's balance.
            key if key.contains("bland-no-funds") => (200, 200),
            key if key.contains("no-funds") => (402, 402),
            key if key.contains("revoked") => (401, 401),
            key if key.contains("throttled") || key.contains("busy") => (429, 429),
            key if key.contains("down") => (500, 500),
            key => panic!("{key}"),
        };
        let statuses = (agents.as_u16(), numbers.as_u16());
        assert_eq!(statuses, expected, "{}", sample.outcome);
    }
}

/// X4: two sandboxes give the same answers, ids and times included.
#[tokio::test]
async fn two_runs_give_the_same_answers() {
    let (first, second) = (start().await, start().await);
    for path in ["/vapi/assistant", "/vapi/phone-number"] {
        assert_eq!(get(&first, path).await, get(&second, path).await);
    }
}
