//! What a save takes, what it refuses before anything is sent, and what it answers (K1, K2, K4–K7, T2).

use ringfence::access::Role;
use serde_json::{Value, json};

use super::{asked, counts, last_four, save};
use crate::harness::{TestApp, keys};

/// K1: a region that the operator has not configured is refused by name, and nothing is sent.
#[tokio::test]
async fn an_unconfigured_region_is_refused() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let input = json!({ "provider": "VAPI", "apiKey": keys::GOOD, "region": "EU" });
    let refused = save(&admin, input).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.error()["extensions"]["field"], "region");
    assert!(refused.message().contains("Vapi"), "{}", refused.message());
    assert_eq!(asked(&app), Vec::<String>::new());
    let providers = "{ providers { provider regions } }";
    let regions = admin.query(providers).await.ok()["providers"][0].clone();
    assert_eq!(
        regions,
        json!({ "provider": "VAPI", "regions": ["DEFAULT"] })
    );
}

/// K1: no input takes an address; a document that tries is refused, and nothing is sent.
#[tokio::test]
async fn nobody_can_say_where_a_key_goes() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let query = "{ __type(name: \"SaveProviderKeyInput\") { inputFields { name type { name ofType { name } } } } }";
    let fields = admin.query(query).await.ok()["__type"]["inputFields"].clone();
    let names: Vec<&str> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["name"].as_str().unwrap())
        .collect();
    let expected = [
        "provider",
        "clientId",
        "apiKey",
        "region",
        "expectedVersion",
    ];
    assert_eq!(names, expected);
    for field in ["baseUrl", "url", "host"] {
        let mut input = json!({ "provider": "VAPI", "apiKey": keys::GOOD });
        input[field] = json!(app.url(""));
        assert_eq!(save(&admin, input).await.code(), "QUERY_REFUSED");
    }
    let input = json!({ "provider": "VAPI", "apiKey": keys::GOOD, "region": "http://127.0.0.1/" });
    assert_eq!(save(&admin, input).await.code(), "QUERY_REFUSED");
    assert_eq!(asked(&app), Vec::<String>::new());
}

/// K2: what cannot be a key is refused at its field with the reason, is not repeated, costs no attempt, and nothing is sent.
#[tokio::test]
async fn what_cannot_be_a_key_is_refused_before_anything_is_sent() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let long = "x".repeat(513);
    for (typed, word) in [
        ("", "Enter"),
        (" \t\n ", "Enter"),
        ("abcd efgh", "spaces"),
        ("abcd\nefgh", "spaces"),
        ("abcd\u{a0}efgh", "spaces"),
        ("abcd\u{0007}efgh", "invisible"),
        ("abcd\u{200b}efgh", "invisible"),
        ("\u{feff}abcdefgh", "invisible"),
        ("••••1234", "masked"),
        ("●●●●●●1234", "masked"),
        ("…k7Qd", "masked"),
        ("...k7Qd", "masked"),
        ("sandbox****k7Qd", "masked"),
        ("schlüssel-abcdefgh", "character"),
        (long.as_str(), "longer"),
    ] {
        let refused = save(&admin, json!({ "provider": "VAPI", "apiKey": typed })).await;
        assert_eq!(refused.code(), "INVALID_INPUT", "{typed:?}");
        assert_eq!(
            refused.error()["extensions"]["field"],
            "apiKey",
            "{typed:?}"
        );
        let text = refused.error().to_string();
        assert!(refused.message().contains(word), "{typed:?}: {text}");
        let typed = typed.trim();
        assert!(
            typed.is_empty() || !text.contains(typed),
            "{typed:?}: {text}"
        );
    }
    assert_eq!(asked(&app), Vec::<String>::new());
    assert_eq!(counts(&admin).await.keys, 0);
    assert_eq!(
        admin.import(&app).await["health"],
        "VALID",
        "no attempt was counted"
    );
}

/// K2: outer white space is trimmed, so that what is sent, and the mask, are the key's own.
#[tokio::test]
async fn outer_white_space_is_trimmed() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let typed = format!(" \t{}\r\n", keys::GOOD);
    let saved = admin.save_key(&typed, None).await.ok();
    app.settle().await;
    assert_eq!(
        saved["saveProviderKey"]["providerKey"]["maskedKey"],
        "…k7Qd"
    );
    assert!(asked(&app).iter().all(|request| request.ends_with("k7Qd")));
}

/// K2: the shape is a hint in the refusal of the provider, never a reason to refuse by itself.
#[tokio::test]
async fn the_shape_of_a_key_is_only_a_hint() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let refused = admin.save_key("sk-ant-api03-abcdefgh12345678", None).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    assert!(
        refused
            .message()
            .contains("It looks like a key of Anthropic."),
        "{}",
        refused.message()
    );
    assert_eq!(asked(&app).len(), 1, "it was tried");
    let account = ringfence::sandbox::NewAccount::vapi("sk-ant-odd-but-good-7Hq2", 1);
    app.sandbox.control().add_account(&account).unwrap();
    let saved = admin.save_key("sk-ant-odd-but-good-7Hq2", None).await.ok();
    app.settle().await;
    assert_eq!(saved["saveProviderKey"]["providerKey"]["health"], "VALID");
}

/// K4: what a key can do is what its probes showed; what no probe can show stays unknown.
#[tokio::test]
async fn capabilities_say_what_a_key_can_do() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let mut version = None;
    for (key, list_agents, list_numbers, read_calls) in [
        (keys::GOOD, "YES", "YES", "YES"),
        (keys::LIMITED, "YES", "NO", "YES"),
        (keys::NO_FUNDS, "UNKNOWN", "UNKNOWN", "UNKNOWN"),
    ] {
        let saved = admin.save_key(key, version).await.ok();
        app.settle().await;
        let key = &saved["saveProviderKey"]["providerKey"];
        version = key["version"].as_i64();
        let expected = json!([
            { "capability": "LIST_AGENTS", "state": list_agents },
            { "capability": "LIST_NUMBERS", "state": list_numbers },
            { "capability": "READ_CALLS", "state": read_calls },
            { "capability": "PLACE_CALLS", "state": "UNKNOWN" },
        ]);
        assert_eq!(key["capabilities"], expected);
        assert_eq!(admin.key().await["capabilities"], expected);
    }
}

/// K5: the answer has the masked key and the sync that the save started, which goes on in the background.
#[tokio::test]
async fn a_save_answers_with_the_mask_and_a_sync_that_goes_on() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    app.sandbox
        .control()
        .set_page_delay(std::time::Duration::from_millis(150));
    let saved = admin.save_key(keys::GOOD, None).await.ok()["saveProviderKey"].clone();
    assert_eq!(saved["providerKey"]["maskedKey"], "…k7Qd");
    assert_eq!(saved["providerKey"]["version"], 1);
    assert_eq!(saved["syncRun"]["state"], "QUEUED");
    let agents = "{ agents { totalCount } }";
    assert_eq!(
        admin.query(agents).await.ok()["agents"]["totalCount"],
        0,
        "the import was waited for"
    );
    app.settle().await;
    let run = admin.key().await["latestSyncRun"].clone();
    assert_eq!(run["id"], saved["syncRun"]["id"]);
    assert_eq!(run["state"], "SUCCEEDED");
    assert_eq!(admin.query(agents).await.ok()["agents"]["totalCount"], 40);
}

/// K6: an absent key is the stored one, untouched: nothing is sent and nothing is written.
#[tokio::test]
async fn an_absent_key_stays() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let nothing = save(&admin, json!({ "provider": "VAPI" })).await;
    assert_eq!(nothing.code(), "INVALID_INPUT");
    assert_eq!(nothing.error()["extensions"]["field"], "apiKey");
    admin.import(&app).await;
    let before = counts(&admin).await;
    app.sandbox.control().clear_requests();
    for input in [
        json!({ "provider": "VAPI", "expectedVersion": 1 }),
        json!({ "provider": "VAPI", "expectedVersion": 1, "region": "DEFAULT" }),
    ] {
        let kept = save(&admin, input).await.ok()["saveProviderKey"].clone();
        assert_eq!(kept["providerKey"]["version"], 1);
        assert_eq!(kept["providerKey"]["maskedKey"], "…k7Qd");
        assert!(kept["syncRun"].is_null());
    }
    assert_eq!(asked(&app), Vec::<String>::new());
    assert_eq!(counts(&admin).await, before);
}

/// K6: null is no way to clear; the refusal says which is.
#[tokio::test]
async fn a_null_key_is_refused_with_the_way_to_clear() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let input = json!({ "provider": "VAPI", "apiKey": null, "expectedVersion": 1 });
    let refused = save(&admin, input).await;
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(refused.error()["extensions"]["field"], "apiKey");
    assert!(refused.message().contains("clearProviderKey"));
    assert_eq!(admin.key().await["version"], 1);
}

/// K6: a value replaces the stored key as its next version.
#[tokio::test]
async fn a_value_replaces_the_stored_key() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let first = admin.import(&app).await;
    let saved = admin.save_key(keys::SECOND, Some(1)).await.ok();
    app.settle().await;
    let second = &saved["saveProviderKey"]["providerKey"];
    assert_eq!(second["id"], first["id"], "one key, another version");
    assert_eq!(second["version"], 2);
    assert_eq!(second["maskedKey"], "…x4Rm");
    assert_eq!(counts(&admin).await.newest_action, "provider_key.replaced");
    app.sandbox.control().clear_requests();
    super::test(&admin, second).await.ok();
    let own = last_four(keys::SECOND);
    assert!(
        asked(&app).iter().all(|request| request.ends_with(own)),
        "{:?}",
        asked(&app)
    );
}

/// K7: owners and admins see four characters; staff see the status and neither mask nor id.
#[tokio::test]
async fn a_mask_has_four_characters_and_is_not_for_staff() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let owner = app.user(Role::Owner).await;
    assert_eq!(owner.key().await["maskedKey"], "…k7Qd");
    assert_eq!(admin.key().await["maskedKey"], "…k7Qd");
    let staff = app.user(Role::Staff).await;
    let status = "{ providerKeys { nodes { provider version health checkedAt } } }";
    let seen = staff.query(status).await.ok();
    assert_eq!(seen["providerKeys"]["nodes"][0]["health"], "VALID");
    for field in [
        "id",
        "maskedKey",
        "cipher",
        "account { id remoteId name }",
        "savedBy { name }",
        "clearImpact { acknowledgement }",
    ] {
        let query = format!("{{ providerKeys {{ nodes {{ health {field} }} }} }}");
        let answer = staff.query(&query).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{field}");
        let text = answer.data.to_string();
        assert!(!text.contains("k7Qd"), "{field}: {text}");
    }
    assert_eq!(
        staff.save_key(keys::SECOND, Some(1)).await.code(),
        "FORBIDDEN"
    );
}

/// T2: the agency's first voice key sets its voice provider, and later saves, clears and replacements leave it.
#[tokio::test]
async fn the_first_voice_key_sets_the_agencys_provider() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let provider = async || -> Value {
        let query = "{ agency { voiceProvider } }";
        admin.query(query).await.ok()["agency"]["voiceProvider"].clone()
    };
    assert!(provider().await.is_null());
    admin.save_key(keys::REVOKED, None).await.code();
    assert!(provider().await.is_null(), "a refused key sets nothing");
    admin.import(&app).await;
    assert_eq!(provider().await, "VAPI");
    let key = admin.key().await;
    admin.clear_key(&key, json!({})).await.ok();
    assert_eq!(provider().await, "VAPI");
    // As if the agency had chosen another one meanwhile.
    app.sql("UPDATE agencies SET voice_provider = 'retell'")
        .await;
    admin.import(&app).await;
    assert_eq!(provider().await, "RETELL");
}
