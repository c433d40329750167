//! Keys that a client's people hand in (P4): which wait, who decides, and what nobody learns of them.

use std::time::Duration;

use ringfence::{
    providers::ProviderKind,
    sandbox::{Effect, Fault, NewAccount, NewKey},
};
use serde_json::{Value, json};

use super::{ALL, Scene, scene};
use crate::harness::{Answer, TestClient, keys};

const PREVIEW: &str = "mutation($input: PreviewProviderKeyInput!) { previewProviderKey(input: $input) { \
    preview { relation } } }";
const ACCEPT: &str = "mutation($input: AcceptKeyHandInInput!) { acceptKeyHandIn(input: $input) { \
    providerKey { version maskedKey } } }";
const SWITCH: &str = "mutation($input: UpdateHandInsInput!) { updateHandIns(input: $input) { agency { allowsHandIns } } }";

/// A key of its own to the account that `keys::SECOND` opens.
fn another_of_the_second(scene: &Scene) -> &'static str {
    let same = NewKey {
        key: "another-key-of-the-second-8Kd3".to_owned(),
        same_account_as: keys::SECOND.to_owned(),
        visible_agents: None,
        forbidden: vec![],
    };
    scene.app.sandbox.control().add_key(&same).unwrap();
    "another-key-of-the-second-8Kd3"
}

async fn hand_in(person: &TestClient, provider: &str, key: &str) -> Answer {
    let document = "mutation($input: HandInProviderKeyInput!) { handInProviderKey(input: $input) { \
        integration { provider state } } }";
    let input = json!({ "provider": provider, "apiKey": key });
    person.graphql(document, json!({ "input": input })).await
}

fn state(answer: Answer) -> Value {
    answer.ok()["handInProviderKey"]["integration"]["state"].clone()
}

/// P4, P3: a first key waits sealed for an admin, who sees what it would change; accepted, it is in use; a later key of the
/// same account is used at once, one of another account waits. The person who hands it in reads states and never a
/// character of a key.
#[tokio::test]
async fn a_handed_in_key_waits_unless_it_opens_the_same_account() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let mut told = String::new();
    let first = hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    told.push_str(&first.to_string());
    assert_eq!(
        first["handInProviderKey"]["integration"]["state"],
        "WAITING"
    );
    let waiting = async || {
        let query = "{ keyHandIns { id state maskedKey client { name } handedInBy { name } } alertSummary { openCount } \
            alerts { nodes { kind state summary } } }";
        scene.admin.query(query).await.ok()
    };
    let seen = waiting().await;
    assert_eq!(seen["keyHandIns"][0]["state"], "WAITING");
    assert_eq!(seen["keyHandIns"][0]["maskedKey"], "…x4Rm");
    assert_eq!(seen["alerts"]["nodes"][0]["kind"], "HAND_IN_WAITING");
    assert!(
        seen["alerts"]["nodes"][0]["summary"]
            .as_str()
            .unwrap()
            .starts_with("Bayview handed in a Vapi key")
    );
    let input = json!({ "provider": "VAPI", "clientId": scene.bayview, "keyHandInId": seen["keyHandIns"][0]["id"] });
    let shown = scene
        .admin
        .graphql(PREVIEW, json!({ "input": input }))
        .await
        .ok();
    assert_eq!(shown["previewProviderKey"]["preview"]["relation"], "OTHER");
    let input = json!({ "input": { "keyHandInId": seen["keyHandIns"][0]["id"] } });
    assert_eq!(pia.graphql(ACCEPT, input.clone()).await.code(), "FORBIDDEN");
    let accepted = scene.admin.graphql(ACCEPT, input.clone()).await.ok();
    assert_eq!(
        accepted["acceptKeyHandIn"]["providerKey"],
        json!({ "version": 1, "maskedKey": "…x4Rm" })
    );
    scene.app.settle().await;
    assert_eq!(waiting().await["alertSummary"]["openCount"], 0);
    let again = scene.admin.graphql(ACCEPT, input).await;
    assert_eq!(again.code(), "CONFLICT");
    let left = scene
        .app
        .sql("SELECT count(*) FROM key_hand_ins WHERE sealed IS NOT NULL")
        .await;
    assert_eq!(
        left[0].get::<i64>(0),
        0,
        "a decided hand-in keeps no sealed byte"
    );
    // Another key of that account is used at once, and one of another account waits.
    let same = another_of_the_second(&scene);
    assert_eq!(state(hand_in(&pia, "VAPI", same).await), "CONNECTED");
    scene.app.settle().await;
    assert_eq!(state(hand_in(&pia, "VAPI", keys::GOOD).await), "WAITING");
    let route = scene
        .app
        .sql(
            "SELECT last_four FROM provider_key_versions v JOIN provider_keys k ON k.id = v.key_id \
        AND k.active_version = v.version WHERE k.scope_kind = 'client'",
        )
        .await;
    assert_eq!(
        route[0].get::<String>(0),
        "8Kd3",
        "what waits is not in use"
    );
    // A refusal says nothing of the key that is there.
    let refused = hand_in(&pia, "VAPI", keys::REVOKED).await;
    assert_eq!(refused.code(), "KEY_REJECTED");
    told.push_str(refused.message());
    let all = "{ clientIntegrations { provider name state keyLocation isHandInOpen } agents { nodes { name } } \
        viewer { memberships { role clientName permissions agency { name } } } }";
    told.push_str(&pia.query(all).await.ok().to_string());
    for secret in ["x4Rm", "8Kd3", "k7Qd", "p9Wn", "…"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

/// P4: an admin may decline, which destroys the key; a later hand-in takes the place of one that waits; the agency's switch
/// closes the door; and without the permission there is none.
#[tokio::test]
async fn hand_ins_are_declined_replaced_and_switched_off() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    assert_eq!(state(hand_in(&pia, "VAPI", keys::SECOND).await), "WAITING");
    assert_eq!(state(hand_in(&pia, "VAPI", keys::LIMITED).await), "WAITING");
    let list = "{ keyHandIns { id state maskedKey } }";
    let seen = scene.admin.query(list).await.ok()["keyHandIns"].clone();
    assert_eq!(
        (&seen[0]["state"], &seen[1]["state"]),
        (&json!("WAITING"), &json!("REPLACED"))
    );
    let decline = "mutation($input: DeclineKeyHandInInput!) { declineKeyHandIn(input: $input) { keyHandIn { state } } }";
    let input = json!({ "input": { "keyHandInId": seen[0]["id"] } });
    let declined = scene.admin.graphql(decline, input.clone()).await.ok();
    assert_eq!(
        declined["declineKeyHandIn"]["keyHandIn"]["state"],
        "DECLINED"
    );
    assert_eq!(scene.admin.graphql(decline, input).await.code(), "CONFLICT");
    let left = scene
        .app
        .sql("SELECT count(*) FROM key_hand_ins WHERE sealed IS NOT NULL")
        .await;
    assert_eq!(left[0].get::<i64>(0), 0);
    let states = pia.query("{ clientIntegrations { state } }").await.ok();
    assert!(
        states["clientIntegrations"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["state"] == "NOT_CONNECTED")
    );
    scene
        .admin
        .graphql(SWITCH, json!({ "input": { "isOpen": false } }))
        .await
        .ok();
    assert_eq!(hand_in(&pia, "VAPI", keys::SECOND).await.code(), "CONFLICT");
    let (looker, _) = scene
        .person(&scene.bayview, "lou@example.com", json!(["VIEW_AGENTS"]))
        .await;
    assert_eq!(
        hand_in(&looker, "VAPI", keys::SECOND).await.code(),
        "FORBIDDEN"
    );
    assert_eq!(
        hand_in(&scene.admin, "VAPI", keys::SECOND).await.code(),
        "FORBIDDEN"
    );
}

/// P4, K3: a key that waits is tried once more when it is accepted; refused by then, it stays where it is.
#[tokio::test]
async fn a_key_that_is_refused_by_then_is_not_accepted() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let seen = scene.admin.query("{ keyHandIns { id } }").await.ok();
    scene
        .app
        .sandbox
        .control()
        .inject(Fault::status(401).for_key(keys::SECOND));
    let input = json!({ "input": { "keyHandInId": seen["keyHandIns"][0]["id"] } });
    assert_eq!(
        scene.admin.graphql(ACCEPT, input).await.code(),
        "KEY_REJECTED"
    );
    let seen = scene.admin.query("{ keyHandIns { state } }").await.ok();
    assert_eq!(seen["keyHandIns"][0]["state"], "WAITING");
}

/// K16: what a client's people try uses up none of the agency's own attempts.
#[tokio::test]
async fn a_clients_attempts_are_not_the_agencys() {
    let scene = scene().await;
    for number in 0..4 {
        let (person, _) = scene
            .person(&scene.bayview, &format!("{number}@example.com"), json!(ALL))
            .await;
        for _ in 0..10 {
            hand_in(&person, "VAPI", keys::REVOKED).await;
        }
    }
    scene.admin.save_key(keys::GOOD, Some(1)).await.ok();
    scene.app.settle().await;
}

async fn decide(admin: &TestClient, mutation: &str, id: &Value) -> Answer {
    let kind = mutation[..1].to_uppercase() + &mutation[1..];
    let document =
        format!("mutation($input: {kind}Input!) {{ {mutation}(input: $input) {{ __typename }} }}");
    let input = json!({ "input": { "keyHandInId": id } });
    admin.graphql(&document, input).await
}

/// P4: an account that holds nothing proves nothing: a key of another one waits, though the stored one's is empty and
/// without an id, and its preview says that nothing is known.
#[tokio::test]
async fn an_empty_account_proves_nothing() {
    const EMPTY: &str = "vapi-key-of-an-empty-account-3Fz1";
    const FULL: &str = "vapi-key-of-a-full-account-7Hn2";
    let scene = scene().await;
    let control = scene.app.sandbox.control();
    for (key, agents) in [(EMPTY, 0), (FULL, 3)] {
        let account = NewAccount::of(ProviderKind::Vapi, key, agents);
        control.add_account(&account).unwrap();
    }
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let save = "mutation($input: SaveProviderKeyInput!) { saveProviderKey(input: $input) { providerKey { version } } }";
    let input = json!({ "provider": "VAPI", "apiKey": EMPTY, "clientId": scene.bayview });
    scene
        .admin
        .graphql(save, json!({ "input": input }))
        .await
        .ok();
    scene.app.settle().await;
    assert_eq!(state(hand_in(&pia, "VAPI", FULL).await), "WAITING");
    let waiting = scene.admin.query("{ keyHandIns { id } }").await.ok();
    let input = json!({ "provider": "VAPI", "clientId": scene.bayview, "keyHandInId": waiting["keyHandIns"][0]["id"] });
    let shown = scene
        .admin
        .graphql(PREVIEW, json!({ "input": input }))
        .await
        .ok();
    assert_eq!(
        shown["previewProviderKey"]["preview"]["relation"],
        "UNKNOWN"
    );
}

/// P4: what is declined while it is being accepted is not put in use.
#[tokio::test]
async fn what_is_declined_meanwhile_is_not_accepted() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let seen = scene.admin.query("{ keyHandIns { id } }").await.ok();
    let id = &seen["keyHandIns"][0]["id"];
    let slow = Fault::new(Effect::Delay { ms: 1500 }).for_key(keys::SECOND);
    scene.app.sandbox.control().inject(slow.times(1));
    let (accepted, declined) = tokio::join!(decide(&scene.admin, "acceptKeyHandIn", id), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        decide(&scene.admin, "declineKeyHandIn", id).await
    });
    declined.ok();
    assert_eq!(accepted.code(), "CONFLICT");
    let stored = scene
        .app
        .sql("SELECT count(*) FROM provider_keys WHERE scope_kind = 'client'")
        .await;
    assert_eq!(stored[0].get::<i64>(0), 0);
}

/// P4, P2: what is switched off, or taken away, while a key is being tried holds for that key too: nothing of it is kept.
#[tokio::test]
async fn what_is_taken_away_meanwhile_holds_for_the_key_in_hand() {
    let scene = scene().await;
    let (pia, pia_id) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let open = |is_open: bool| json!({ "input": { "isOpen": is_open } });
    let slow = || {
        let fault = Fault::new(Effect::Delay { ms: 1500 }).for_key(keys::SECOND);
        scene.app.sandbox.control().inject(fault.times(1));
    };
    slow();
    let (handed, ()) = tokio::join!(hand_in(&pia, "VAPI", keys::SECOND), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        scene.admin.graphql(SWITCH, open(false)).await.ok();
    });
    assert_eq!(handed.code(), "CONFLICT");
    scene.admin.graphql(SWITCH, open(true)).await.ok();
    slow();
    let change = "mutation($input: UpdatePortalUserInput!) { updatePortalUser(input: $input) { portalUser { id } } }";
    let input =
        json!({ "clientId": scene.bayview, "userId": pia_id, "permissions": ["VIEW_AGENTS"] });
    let (handed, ()) = tokio::join!(hand_in(&pia, "VAPI", keys::SECOND), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        scene
            .admin
            .graphql(change, json!({ "input": input }))
            .await
            .ok();
    });
    assert_eq!(handed.code(), "FORBIDDEN");
    let kept = scene.app.sql("SELECT count(*) FROM key_hand_ins").await;
    assert_eq!(kept[0].get::<i64>(0), 0);
}

/// P4, R8: a key of the connected account is in use at once although an earlier one waits, which is destroyed with that; and
/// however often a client hands in, one alert stands for what waits.
#[tokio::test]
async fn a_later_key_ends_the_one_that_waits() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    hand_in(&pia, "VAPI", keys::LIMITED).await.ok();
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let alerts = "{ alertSummary { openCount } alerts { totalCount } }";
    let seen = scene.admin.query(alerts).await.ok();
    assert_eq!(seen["alertSummary"]["openCount"], 1);
    assert_eq!(seen["alerts"]["totalCount"], 1);
    let waiting = scene.admin.query("{ keyHandIns { id state } }").await.ok();
    decide(
        &scene.admin,
        "acceptKeyHandIn",
        &waiting["keyHandIns"][0]["id"],
    )
    .await
    .ok();
    scene.app.settle().await;
    assert_eq!(state(hand_in(&pia, "VAPI", keys::GOOD).await), "WAITING");
    let same = another_of_the_second(&scene);
    assert_eq!(state(hand_in(&pia, "VAPI", same).await), "CONNECTED");
    let seen = scene
        .admin
        .query("{ keyHandIns { state } alertSummary { openCount } }")
        .await
        .ok();
    assert_eq!(seen["alertSummary"]["openCount"], 0);
    let states = seen["keyHandIns"].as_array().unwrap();
    assert!(
        states.iter().all(|it| it["state"] != "WAITING"),
        "{states:?}"
    );
    scene.app.settle().await;
}

/// P4, K10: a key that waited is destroyed when it is decided or replaced: its sealed bytes are in no file from then on, the
/// database's log included.
#[tokio::test]
async fn a_key_that_no_longer_waits_is_in_no_file() {
    let scene = scene().await;
    let (pia, _) = scene
        .person(&scene.bayview, "pia@example.com", json!(ALL))
        .await;
    let waiting = async || {
        let rows = scene
            .app
            .sql("SELECT id, sealed, wrapped_key FROM key_hand_ins WHERE sealed IS NOT NULL")
            .await;
        let secrets: [Vec<u8>; 2] = [rows[0].get(1), rows[0].get(2)];
        for bytes in &secrets {
            assert!(scene.app.keeps(bytes).await);
        }
        (json!(rows[0].get::<String>(0)), secrets)
    };
    let gone = async |secrets: [Vec<u8>; 2], what: &str| {
        for bytes in &secrets {
            assert!(!scene.app.keeps(bytes).await, "{what}");
        }
    };
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let (_, replaced) = waiting().await;
    hand_in(&pia, "VAPI", keys::LIMITED).await.ok();
    gone(replaced, "replaced").await;
    let (id, declined) = waiting().await;
    decide(&scene.admin, "declineKeyHandIn", &id).await.ok();
    gone(declined, "declined").await;
    hand_in(&pia, "VAPI", keys::SECOND).await.ok();
    let (id, accepted) = waiting().await;
    decide(&scene.admin, "acceptKeyHandIn", &id).await.ok();
    gone(accepted, "accepted").await;
    scene.app.settle().await;
    hand_in(&pia, "VAPI", keys::GOOD).await.ok();
    let (_, ended) = waiting().await;
    let same = another_of_the_second(&scene);
    assert_eq!(state(hand_in(&pia, "VAPI", same).await), "CONNECTED");
    gone(ended, "ended by a key that is used at once").await;
    scene.app.settle().await;
}
