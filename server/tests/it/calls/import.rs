//! C6: the accounts' lists of calls: what was not placed from here is imported once, attributed and followed; a walk goes on
//! where a killed one was, and trouble with a list is said and costs the key nothing.

use std::time::Duration;

use ringfence::{
    access::Role,
    clock::Clock,
    jobs,
    providers::ProviderKind,
    sandbox::{
        CallOutcome, Effect, Fault, ForeignCall, NewAccount, Resource, Sandbox, WebhookEffect,
    },
};
use serde_json::{Value, json};

use super::{
    ANSWERS, call, calls, dialled, leases, ready, to_the_end, trigger,
    webhooks::{reporting, retell},
};
use crate::{
    harness::{TestApp, TestClient, keys},
    keys::save,
    process::{Installation, Server},
    sync::{Dice, end_lease, until as until_synced},
};

const LIST: &str = "GET /vapi/call";

/// Lets the housekeeping queue what is due, and waits for it.
async fn poll(app: &TestApp) {
    jobs::tidy(&app.app).await.unwrap();
    app.rest().await;
}

async fn imported(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM calls WHERE origin = 'imported'";
    app.sql(sql).await[0].get(0)
}

/// Adds calls that were made one second after the other, five at a time: Vapi's list is paged by time.
fn add_many(sandbox: &Sandbox, key: &str, count: usize, clock: &Clock) {
    let five = ForeignCall {
        count: 5,
        ..ForeignCall::outbound(key, ANSWERS)
    };
    for _ in 0..count / 5 {
        clock.advance(Duration::from_secs(1));
        sandbox.control().add_calls(&five).unwrap();
    }
}

/// A number of the account that an agent answers, with the agent's name and the provider's id of it.
async fn line(admin: &TestClient) -> Value {
    let query = "{ phoneNumbers(filter: { status: [ACTIVE], hasAgent: true }, first: 1) { nodes { number agent { id name \
        placements { remoteId } } } } }";
    admin.query(query).await.ok()["phoneNumbers"]["nodes"][0].clone()
}

/// An agency whose Vapi calls have the time of its own clock.
async fn vapi() -> (TestApp, TestClient) {
    let (app, admin) = ready().await;
    app.sandbox.control().set_call_clock(app.app.clock.clone());
    (app, admin)
}

/// C6: inbound calls, and outbound ones from the provider's dashboard, come in once, however often the list is walked: with
/// agent, client, number, cost and who pays.
#[tokio::test]
async fn foreign_calls_are_imported_once_and_attributed() {
    let (app, admin) = vapi().await;
    let control = app.sandbox.control();
    let line = line(&admin).await;
    let number = line["number"].as_str().unwrap();
    let made = admin
        .query("mutation { createClient(input: { name: \"Bayview\" }) { client { id } } }")
        .await
        .ok();
    let client = &made["createClient"]["client"]["id"];
    let assign =
        "mutation($input: AssignAgentsInput!) { assignAgents(input: $input) { assignedCount } }";
    let input = json!({ "clientId": client, "agentIds": [line["agent"]["id"]] });
    admin.graphql(assign, json!({ "input": input })).await.ok();
    let inbound = ForeignCall {
        agent_id: line["agent"]["placements"][0]["remoteId"]
            .as_str()
            .map(str::to_owned),
        ..ForeignCall::inbound(keys::GOOD, number, "+15035550142")
    };
    control.add_calls(&inbound).unwrap();
    let busy = ForeignCall {
        outcome: Some(CallOutcome::Busy),
        from: Some(number.to_owned()),
        ..ForeignCall::outbound(keys::GOOD, "+15035550143")
    };
    control.add_calls(&busy).unwrap();
    let placed = trigger(&admin, ANSWERS).await;
    for _ in 0..3 {
        poll(&app).await;
        app.advance(Duration::from_mins(4));
    }
    let all = calls(&admin).await;
    assert_eq!(all.len(), 3, "{all:#?}");
    let by = |direction: &str, origin: &str| {
        let found = all
            .iter()
            .find(|call| call["direction"] == direction && call["origin"] == origin);
        found.unwrap_or_else(|| panic!("{all:#?}")).clone()
    };
    let inbound = by("INBOUND", "IMPORTED");
    assert_eq!(
        json!([
            inbound["status"],
            inbound["fromNumber"],
            inbound["toNumber"],
            inbound["payer"]
        ]),
        json!(["COMPLETED", "+15035550142", number, "AGENCY"])
    );
    assert_eq!(inbound["agent"]["id"], line["agent"]["id"]);
    assert_eq!(&inbound["client"]["id"], client);
    assert!(inbound["cost"]["amount"].is_string() && inbound["account"]["remoteId"].is_string());
    assert!(inbound["requestedBy"].is_null());
    let foreign = by("OUTBOUND", "IMPORTED");
    assert_eq!(
        json!([
            foreign["status"],
            foreign["toNumber"],
            foreign["fromNumber"],
            foreign["agent"]
        ]),
        json!(["BUSY", "+15035550143", number, null])
    );
    assert_eq!(by("OUTBOUND", "APP")["id"], placed["callId"]);
    assert_eq!(dialled(&app, ANSWERS), 1);
    let told = &reporting(&admin, "VAPI").await["callReporting"];
    assert!(told["listReadAt"].is_string());
    assert_eq!(
        (&told["isListComplete"], &told["listProblem"]),
        (&json!(true), &Value::Null)
    );
    super::end_all(&app);
    to_the_end(&app).await;
}

/// C6, A6: a live call that was not placed from here is followed to its end, and takes nobody's place.
#[tokio::test]
async fn a_live_foreign_call_is_followed_without_a_lease() {
    let (app, admin) = vapi().await;
    let control = app.sandbox.control();
    let live = ForeignCall {
        steps: Some(2),
        ..ForeignCall::outbound(keys::GOOD, ANSWERS)
    };
    let id = control.add_calls(&live).unwrap().remove(0);
    poll(&app).await;
    let seen = calls(&admin).await;
    assert_eq!(seen[0]["status"], "IN_PROGRESS");
    assert_eq!(leases(&app).await, 0);
    control.advance_call(&id, 1).unwrap();
    to_the_end(&app).await;
    assert_eq!(call(&admin, &seen[0]["id"]).await["status"], "COMPLETED");
    assert_eq!(imported(&app).await, 1);
}

/// C6: the list is asked for from the watermark on, each few minutes and not more often; "Sync now" asks at once.
#[tokio::test]
async fn a_list_is_walked_from_its_watermark() {
    let (app, admin) = vapi().await;
    let control = app.sandbox.control();
    let listed = || control.request_counts().get(LIST).copied().unwrap_or(0);
    poll(&app).await;
    assert_eq!(listed(), 1);
    app.advance(Duration::from_mins(1));
    poll(&app).await;
    assert_eq!(listed(), 1);
    app.advance(Duration::from_hours(2));
    poll(&app).await;
    assert_eq!(listed(), 2);
    let sql = "SELECT next_poll_at - watermark FROM call_imports";
    assert_eq!(app.sql(sql).await[0].get::<i64>(0), 3 * 60 * 1000);
    control
        .add_calls(&ForeignCall::outbound(keys::GOOD, ANSWERS))
        .unwrap();
    admin.start_sync().await.ok();
    app.settle().await;
    // A page with a call on it is not the last one before the next is empty.
    assert_eq!((listed(), imported(&app).await), (4, 1));
}

/// C6, R7: a key that may not list calls is not asked again each few minutes, its card says so, and its health stays what it
/// was; a list that is refused later says so and is asked again when another key is saved.
#[tokio::test]
async fn a_key_that_may_not_list_calls_says_so() {
    let (app, admin) = vapi().await;
    let control = app.sandbox.control();
    let listed = || control.request_counts().get(LIST).copied().unwrap_or(0);
    control.inject(Fault::status(403).on("/vapi/call"));
    poll(&app).await;
    let told = reporting(&admin, "VAPI").await;
    assert_eq!(told["callReporting"]["listProblem"], "MISSING_PERMISSION");
    assert_eq!(told["health"], "VALID");
    let asked = listed();
    for _ in 0..10 {
        app.advance(Duration::from_mins(10));
        poll(&app).await;
    }
    assert_eq!(listed(), asked);
    control.clear_faults();
    let forbidden = ringfence::sandbox::NewKey {
        key: "key-without-calls-6Jm3".to_owned(),
        same_account_as: keys::GOOD.to_owned(),
        visible_agents: None,
        forbidden: vec![Resource::Calls],
    };
    control.add_key(&forbidden).unwrap();
    admin.save_key("key-without-calls-6Jm3", Some(1)).await.ok();
    app.settle().await;
    control.clear_requests();
    poll(&app).await;
    assert_eq!(listed(), 0);
    admin.save_key(keys::GOOD, Some(2)).await.ok();
    app.settle().await;
    control.clear_requests();
    poll(&app).await;
    assert_eq!(listed(), 1);
    assert!(reporting(&admin, "VAPI").await["callReporting"]["listProblem"].is_null());
}

/// C6: a provider in trouble leaves the walk where it is, and it goes on there.
#[tokio::test]
async fn a_walk_goes_on_after_the_providers_trouble() {
    let (app, admin) = vapi().await;
    let control = app.sandbox.control();
    add_many(&app.sandbox, keys::GOOD, 350, &app.app.clock);
    control.inject(Fault::status(503).on("/vapi/call").after(2));
    poll(&app).await;
    let before = imported(&app).await;
    assert!((101..350).contains(&before), "{before}");
    let told = reporting(&admin, "VAPI").await;
    assert_eq!(told["callReporting"]["listProblem"], "UNREACHABLE");
    assert!(told["callReporting"]["listReadAt"].is_null());
    control.clear_faults();
    control.clear_requests();
    app.advance(Duration::from_mins(2));
    poll(&app).await;
    assert_eq!(imported(&app).await, 350);
    assert!(control.request_counts()[LIST] <= 3);
    app.settle().await;
}

/// C4, C6: a call of ours whose answer was lost is that call when the list tells of it, and not a foreign one; also where the
/// list does not tell our id and each call has to be read.
#[tokio::test]
async fn a_call_of_ours_is_never_imported() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    let control = app.sandbox.control();
    control.set_call_clock(app.app.clock.clone());
    control.hold_calls();
    let key = "key-of-thin-lists-8Pd5";
    let account = NewAccount::of(ProviderKind::Bland, key, 2).phone_numbers(1);
    control.add_account(&account).unwrap();
    let input = json!({ "provider": "BLAND", "apiKey": key });
    save(&admin, input).await.ok();
    app.settle().await;
    let lost = Fault::new(Effect::CutAfter)
        .on("/bland/v1/calls")
        .method("POST");
    control.inject(lost.times(1));
    let agents = admin
        .query("{ agents(first: 1) { nodes { id } } }")
        .await
        .ok();
    let input = json!({ "agentId": agents["agents"]["nodes"][0]["id"], "phoneNumber": ANSWERS });
    let placed = super::try_to_trigger(&admin, input).await.ok()["triggerCall"].clone();
    control
        .add_calls(&ForeignCall::inbound(key, "+15550000001", "+15035550142"))
        .unwrap();
    control
        .add_calls(&ForeignCall::outbound(key, "+15035550101"))
        .unwrap();
    poll(&app).await;
    let all = calls(&admin).await;
    assert_eq!(all.len(), 3, "{all:#?}");
    let mut statuses: Vec<&str> = all
        .iter()
        .filter(|call| call["origin"] == "IMPORTED")
        .filter_map(|call| call["status"].as_str())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["BUSY", "COMPLETED"]);
    assert!(call(&admin, &placed["callId"]).await["remoteId"].is_string());
    super::end_all(&app);
    to_the_end(&app).await;
    assert_eq!(calls(&admin).await.len(), 3);
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "COMPLETED");
}

/// C5, C6: what a webhook lost of a foreign call the list tells.
#[tokio::test]
async fn the_list_tells_what_webhooks_lost() {
    let (app, admin) = retell().await;
    let control = app.sandbox.control();
    let told = reporting(&admin, "RETELL").await;
    let hook = ringfence::sandbox::AccountHook {
        key: "key-that-signs-webhooks-4Ft7".to_owned(),
        url: told["callReporting"]["webhookUrl"]
            .as_str()
            .map(str::to_owned),
        secret: None,
    };
    control.set_account_hook(&hook).unwrap();
    control.inject_webhook(ringfence::sandbox::WebhookFault::new(WebhookEffect::Lose));
    let foreign = ForeignCall::inbound(
        "key-that-signs-webhooks-4Ft7",
        "+15550000001",
        "+15035550142",
    );
    control.add_calls(&foreign).unwrap();
    control.webhooks_settled().await;
    assert_eq!(calls(&admin).await.len(), 0);
    poll(&app).await;
    assert_eq!(calls(&admin).await.len(), 1);
    app.settle().await;
}

/// C6: killed again and again in the middle of a walk over three thousand calls, the next process goes on behind the pages
/// that were written, and every call is there once.
#[tokio::test]
async fn a_killed_walk_goes_on_where_it_was() {
    const KEY: &str = "key-of-many-calls-2Vx8";
    const CALLS: usize = 3000;
    let mut dice = Dice::new();
    let seed = dice.seed;
    let installation = Installation::new().await;
    let control = installation.sandbox.control().clone();
    control.add_account(&NewAccount::vapi(KEY, 3)).unwrap();
    let mut server = installation.start().await;
    server.admin.save_key(KEY, None).await.ok();
    until_synced(&server.admin, "SUCCEEDED").await;
    let yesterday = Clock::System.now().minus(Duration::from_hours(24));
    let clock = Clock::manual(yesterday);
    control.set_call_clock(clock.clone());
    add_many(&installation.sandbox, KEY, CALLS, &clock);
    control.set_page_delay(Duration::from_millis(40));
    server.admin.start_sync().await.ok();
    let done =
        "SELECT count(*) FROM call_imports WHERE polled_at IS NOT NULL AND watermark IS NOT NULL";
    let count = "SELECT count(*) FROM calls";
    let mut kills = 0;
    while kills < 8 && installation.number(count).await < i64::try_from(CALLS).unwrap() {
        tokio::time::sleep(Duration::from_millis(100 + dice.roll(400))).await;
        Server::kill_nine(server).await;
        kills += 1;
        let twice = "SELECT count(*) - count(DISTINCT remote_id) FROM calls";
        assert_eq!(installation.number(twice).await, 0, "seed {seed}");
        end_lease(&installation).await;
        server = installation.spawn().await;
    }
    assert!(
        kills >= 3,
        "seed {seed}: the walk ended after {kills} kills"
    );
    for _ in 0..3000 {
        if installation.number(done).await == 1
            && installation.number(count).await == i64::try_from(CALLS).unwrap()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        installation.number(count).await,
        i64::try_from(CALLS).unwrap(),
        "seed {seed}"
    );
    let distinct = "SELECT count(DISTINCT remote_id) FROM calls";
    assert_eq!(
        installation.number(distinct).await,
        i64::try_from(CALLS).unwrap(),
        "seed {seed}"
    );
    let pages = control.request_counts()["GET /vapi/call"];
    let most = u64::try_from(CALLS / 100).unwrap() * 2 + 2 * kills;
    assert!(
        pages <= most,
        "seed {seed}: {pages} pages were read for {kills} kills"
    );
}
