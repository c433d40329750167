//! C5, K10, R4, R7: what providers post about calls. Each webhook is proven or writes nothing; what it tells moves a call once,
//! in whatever order it comes, and what it loses is found by asking.

use std::{fmt::Write as _, time::Duration};

use aws_lc_rs::hmac;
use reqwest::Method;
use ringfence::{
    access::Role,
    accounts::admin::{self, Plan},
    jobs,
    providers::ProviderKind,
    sandbox::{
        AccountHook, Effect, Fault, ForeignCall, NewAccount, NewKey, WebhookEffect, WebhookFault,
    },
};
use serde_json::{Value, json};

use super::{
    ANSWERS, call, calls, dialled, end, end_all, holds, leases, to_the_end, trigger,
    try_to_trigger, until,
};
use crate::{
    harness::{TestApp, TestClient},
    keys::save,
};

/// The key of a Retell account, which signs its webhooks.
const KEY: &str = "key-that-signs-webhooks-4Ft7";
/// Another key of the same account.
const NEXT: &str = "key-that-comes-behind-it-9Wq2";

/// An agency with the agents and numbers of a Retell account.
pub(super) async fn retell() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    connect(&app, &admin).await;
    (app, admin)
}

async fn connect(app: &TestApp, admin: &TestClient) {
    let control = app.sandbox.control();
    control.set_call_clock(app.app.clock.clone());
    control.hold_calls();
    let account = NewAccount::of(ProviderKind::Retell, KEY, 3).phone_numbers(2);
    // A second agency stores the same key.
    control.add_account(&account).ok();
    save_key(admin, KEY, None).await;
    app.settle().await;
}

async fn save_key(admin: &TestClient, key: &str, over: Option<i64>) {
    let mut input = json!({ "provider": "RETELL", "apiKey": key });
    if let Some(version) = over {
        input["expectedVersion"] = json!(version);
    }
    save(admin, input).await.ok();
}

/// How calls of the stored key are heard of.
pub(super) async fn reporting(admin: &TestClient, provider: &str) -> Value {
    let query = format!(
        "{{ providerKeys(provider: [{provider}]) {{ nodes {{ health callReporting {{ webhookUrl webhookObstacle \
         lastWebhookAt listReadAt listDueAt isListComplete listProblem }} }} }} }}"
    );
    admin.query(&query).await.ok()["providerKeys"]["nodes"][0].clone()
}

/// The address that the provider's dashboard is given.
async fn address(admin: &TestClient) -> String {
    let reporting = reporting(admin, "RETELL").await;
    let url = &reporting["callReporting"]["webhookUrl"];
    url.as_str()
        .unwrap_or_else(|| panic!("{reporting}"))
        .to_owned()
}

/// Enters an address in the provider's dashboard, and a key to sign with.
fn report_to(app: &TestApp, url: &str, secret: Option<&str>) {
    let hook = AccountHook {
        key: KEY.to_owned(),
        url: Some(url.to_owned()),
        secret: secret.map(str::to_owned),
    };
    app.sandbox.control().set_account_hook(&hook).unwrap();
}

/// Places a call from the account's first number.
async fn place(admin: &TestClient, to: &str) -> Value {
    let query = "{ agents(first: 1) { nodes { id } } phoneNumbers(first: 1) { nodes { id } } }";
    let data = admin.query(query).await.ok();
    let input = json!({
        "agentId": data["agents"]["nodes"][0]["id"],
        "fromNumberId": data["phoneNumbers"]["nodes"][0]["id"],
        "phoneNumber": to,
    });
    try_to_trigger(admin, input).await.ok()["triggerCall"].clone()
}

/// Takes a call so many steps on at the provider, and waits for what it says about that. Whoever asked about the call before
/// has its answer by then, and asks no more while the clock stands.
async fn advance(app: &TestApp, call: &Value, steps: u32) {
    app.rest().await;
    let id = call["remoteId"].as_str().unwrap();
    app.sandbox.control().advance_call(id, steps).unwrap();
    app.sandbox.control().webhooks_settled().await;
}

/// The statuses that the provider's webhooks were answered with.
fn answers(app: &TestApp) -> Vec<Option<u16>> {
    let sent = app.sandbox.control().sent_webhooks();
    sent.into_iter().map(|sent| sent.status).collect()
}

async fn count(app: &TestApp, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    app.sql(&sql).await[0].get(0)
}

/// A signature as Retell makes it, apart from the product's own code.
fn signature(key: &str, body: &str, at: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{body}{at}").as_bytes());
    let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    format!("v={at},d={hex}")
}

/// Posts a webhook, and answers with status and body.
async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = app.nobody().request(Method::POST, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn path_of(url: &str) -> String {
    reqwest::Url::parse(url).unwrap().path().to_owned()
}

fn ended(remote_id: &Value) -> String {
    let call = json!({
        "call_id": remote_id, "call_status": "ended", "disconnection_reason": "user_hangup",
        "direction": "outbound", "duration_ms": 1000,
    });
    json!({ "event": "call_ended", "call": call }).to_string()
}

/// C5, A6: webhooks alone take a call to its end, where it gives back its place and the key's version; nobody is asked.
#[tokio::test]
async fn webhooks_take_a_call_to_its_end() {
    let (app, admin) = retell().await;
    report_to(&app, &address(&admin).await, None);
    let placed = place(&admin, ANSWERS).await;
    app.rest().await;
    app.sandbox.control().clear_requests();
    advance(&app, &placed["call"], 2).await;
    let now = call(&admin, &placed["callId"]).await;
    assert_eq!(now["status"], "IN_PROGRESS", "{:?}", answers(&app));
    assert_eq!((holds(&app).await, leases(&app).await), (1, 1));
    advance(&app, &placed["call"], 1).await;
    let over = call(&admin, &placed["callId"]).await;
    assert_eq!(over["status"], "COMPLETED");
    assert_eq!(over["endedReason"], "user_hangup");
    assert!(over["cost"]["amount"].is_string());
    assert_eq!((holds(&app).await, leases(&app).await), (0, 0));
    let asked = app.sandbox.control().request_counts();
    assert!(asked.is_empty(), "{asked:?}");
    let told = reporting(&admin, "RETELL").await;
    assert!(told["callReporting"]["lastWebhookAt"].is_string());
    app.settle().await;
}

/// C5, K10: the version that is being retired proves webhooks as well as the one in use; a destroyed one proves nothing.
#[tokio::test]
async fn a_retiring_version_proves_webhooks_until_it_is_destroyed() {
    let (app, admin) = retell().await;
    let control = app.sandbox.control();
    report_to(&app, &address(&admin).await, None);
    let placed = place(&admin, ANSWERS).await;
    let next = NewKey {
        key: NEXT.to_owned(),
        same_account_as: KEY.to_owned(),
        visible_agents: None,
        forbidden: vec![],
    };
    control.add_key(&next).unwrap();
    save_key(&admin, NEXT, Some(1)).await;
    advance(&app, &placed["call"], 3).await;
    let over = call(&admin, &placed["callId"]).await;
    assert_eq!(over["status"], "COMPLETED", "{:?}", answers(&app));
    assert_eq!(over["route"]["keyVersion"], 1);

    to_the_end(&app).await;
    app.advance(Duration::from_hours(25));
    jobs::tidy(&app.app).await.unwrap();
    to_the_end(&app).await;
    let before = (count(&app, "calls").await, count(&app, "call_events").await);
    control
        .add_calls(&ForeignCall::outbound(KEY, ANSWERS))
        .unwrap();
    control.webhooks_settled().await;
    assert_eq!(answers(&app).last(), Some(&Some(401)));
    let after = (count(&app, "calls").await, count(&app, "call_events").await);
    assert_eq!(after, before);
    report_to(&app, &address(&admin).await, Some(NEXT));
    control
        .add_calls(&ForeignCall::outbound(KEY, ANSWERS))
        .unwrap();
    control.webhooks_settled().await;
    assert_eq!(answers(&app).last(), Some(&Some(204)));
    assert_eq!(count(&app, "calls").await, before.0 + 1);
    to_the_end(&app).await;
}

/// C5: a wrong signature, none, and an address that nothing has are answered alike, and write nothing.
#[tokio::test]
async fn what_is_not_proven_is_refused_and_writes_nothing() {
    let (app, admin) = retell().await;
    let url = address(&admin).await;
    report_to(&app, &url, None);
    let control = app.sandbox.control();
    control.inject_webhook(WebhookFault::new(WebhookEffect::BadSignature));
    let placed = place(&admin, ANSWERS).await;
    advance(&app, &placed["call"], 2).await;
    assert!(
        answers(&app).iter().all(|status| *status == Some(401)),
        "{:?}",
        answers(&app)
    );
    assert!(!answers(&app).is_empty());
    let remote = &placed["call"]["remoteId"];
    let body = ended(remote);
    let now = app.app.clock.now().as_millis();
    let good = signature(KEY, &body, now);
    let header = |value| [("x-retell-signature", value)];
    let path = path_of(&url);
    let elsewhere = path.replace("retell", "vapi");
    let unknown = format!("{}0000", &path[..path.len() - 4]);
    let no_provider = path.replace("retell", "nobody");
    let wrong = signature(NEXT, &body, now);
    let twice = [
        ("x-retell-signature", good.as_str()),
        ("x-retell-signature", good.as_str()),
    ];
    for (path, headers) in [
        (&path, &header(wrong.as_str())[..]),
        (&path, &[]),
        (&path, &twice),
        (&elsewhere, &header(good.as_str())),
        (&unknown, &header(good.as_str())),
        (&no_provider, &header(good.as_str())),
    ] {
        let told = post(&app, path, headers, &body).await;
        assert_eq!(told, (401, String::new()), "{path} {headers:?}");
    }
    assert_eq!(count(&app, "call_events").await, 0);
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "QUEUED");
    let told = post(&app, &path, &header(&good), &body).await;
    assert_eq!(told.0, 204);
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "COMPLETED");
    let odd = "{ \"event\": 7 }";
    let signed = signature(KEY, odd, now);
    assert_eq!(post(&app, &path, &header(&signed), odd).await.0, 400);
    let long = " ".repeat(5 * 1024 * 1024);
    assert_eq!(post(&app, &path, &header(&good), &long).await.0, 413);
    end_all(&app);
    to_the_end(&app).await;
}

/// C5: a webhook that is played again is taken within its window and counts once; outside of it it is refused.
#[tokio::test]
async fn a_replay_counts_once_and_only_within_its_window() {
    let (app, admin) = retell().await;
    let path = path_of(&address(&admin).await);
    let placed = place(&admin, ANSWERS).await;
    let body = ended(&placed["call"]["remoteId"]);
    let now = app.app.clock.now().as_millis();
    for (at, status, events) in [
        (now - 300_001, 401, 0),
        (now + 300_001, 401, 0),
        (now - 300_000, 204, 1),
        (now, 204, 1),
    ] {
        let signed = signature(KEY, &body, at);
        let told = post(&app, &path, &[("x-retell-signature", &signed)], &body).await;
        assert_eq!(
            (told.0, count(&app, "call_events").await),
            (status, events),
            "{}",
            at - now
        );
    }
    let revision = "SELECT revision FROM calls";
    let before = app.sql(revision).await[0].get::<i64>(0);
    let signed = signature(KEY, &body, now);
    post(&app, &path, &[("x-retell-signature", &signed)], &body).await;
    assert_eq!(app.sql(revision).await[0].get::<i64>(0), before);
    end_all(&app);
    to_the_end(&app).await;
}

/// C5: events that come twice, and in another order than they happened, leave the call where it would be anyway.
#[tokio::test]
async fn duplicates_and_swapped_events_end_in_the_same_place() {
    let mut ends = Vec::new();
    for effect in [
        None,
        Some(WebhookEffect::Duplicate),
        Some(WebhookEffect::Swap),
    ] {
        let (app, admin) = retell().await;
        report_to(&app, &address(&admin).await, None);
        let control = app.sandbox.control();
        if let Some(effect) = effect {
            control.inject_webhook(WebhookFault::new(effect));
        }
        let placed = place(&admin, ANSWERS).await;
        advance(&app, &placed["call"], 3).await;
        control.clear_webhook_faults();
        control.release_webhooks();
        control.webhooks_settled().await;
        let over = call(&admin, &placed["callId"]).await;
        assert_eq!(over["status"], "COMPLETED", "{effect:?}");
        ends.push(json!([
            over["status"],
            over["endCause"],
            over["endedReason"],
            over["cost"],
            over["durationMs"],
            count(&app, "calls").await,
            count(&app, "call_events").await,
            leases(&app).await,
        ]));
        assert!(answers(&app).iter().all(|status| *status == Some(204)));
        to_the_end(&app).await;
    }
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0], ends[2]);
}

/// A6, C5: when every webhook is lost the end is found by asking, and the place is given back long before the lease ends.
#[tokio::test]
async fn a_lost_webhook_frees_its_lease() {
    let (app, admin) = retell().await;
    report_to(&app, &address(&admin).await, None);
    let control = app.sandbox.control();
    let placed = place(&admin, ANSWERS).await;
    advance(&app, &placed["call"], 2).await;
    assert_eq!(
        call(&admin, &placed["callId"]).await["status"],
        "IN_PROGRESS"
    );
    control.inject_webhook(WebhookFault::new(WebhookEffect::Lose));
    advance(&app, &placed["call"], 1).await;
    assert_eq!(leases(&app).await, 1);
    let began = app.app.clock.now();
    until(&app, &admin, &placed["callId"], "COMPLETED").await;
    assert_eq!((holds(&app).await, leases(&app).await), (0, 0));
    assert!(began.until(app.app.clock.now()) < Duration::from_mins(10));
    to_the_end(&app).await;
}

/// C4, C5: the answer to the request that dials is lost, and a webhook brings our id back: it is that call, and no other row.
#[tokio::test]
async fn a_webhook_finds_a_call_whose_answer_was_lost() {
    let (app, admin) = retell().await;
    report_to(&app, &address(&admin).await, None);
    let control = app.sandbox.control();
    let lost = Fault::new(Effect::StatusAfter { status: 502 });
    control.inject(lost.on("/retell/v2/create-phone-call").times(1));
    // Nothing is found by asking.
    control.inject(Fault::status(503).on("/retell/v3/list-calls"));
    let placed = place(&admin, ANSWERS).await;
    assert_eq!(placed["status"], "UNKNOWN");
    let remote = control.calls()[0].id.clone();
    control.advance_call(&remote, 2).unwrap();
    control.webhooks_settled().await;
    let found = call(&admin, &placed["callId"]).await;
    assert_eq!(
        (&found["status"], &found["remoteId"]),
        (&json!("IN_PROGRESS"), &json!(remote))
    );
    control.clear_faults();
    control.advance_call(&remote, 1).unwrap();
    control.webhooks_settled().await;
    assert_eq!(calls(&admin).await.len(), 1);
    assert_eq!(dialled(&app, ANSWERS), 1);
    to_the_end(&app).await;
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "COMPLETED");
}

/// C5, P5: what is posted to another agency's address moves nothing here, though the same account is connected there and its
/// key proves the webhook.
#[tokio::test]
async fn another_agencys_address_changes_nothing_here() {
    let (app, admin) = retell().await;
    let slug = admin::create_agency(&app.app, "Southside Calls", Plan::Agency)
        .await
        .unwrap();
    let stranger = app.user_of(&slug, Role::Admin).await;
    connect(&app, &stranger).await;
    let (here, there) = (address(&admin).await, address(&stranger).await);
    assert_ne!(here, there);
    report_to(&app, &there, None);
    let placed = place(&admin, ANSWERS).await;
    advance(&app, &placed["call"], 3).await;
    assert!(answers(&app).contains(&Some(204)));
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "QUEUED");
    let theirs = calls(&stranger).await;
    assert_eq!(theirs.len(), 1);
    assert_eq!(
        (&theirs[0]["origin"], &theirs[0]["status"]),
        (&json!("IMPORTED"), &json!("COMPLETED"))
    );
    assert_ne!(theirs[0]["id"], placed["callId"]);
    to_the_end(&app).await;
    assert_eq!(call(&admin, &placed["callId"]).await["status"], "COMPLETED");
}

/// C6: a webhook about a call that was not placed from here brings it in, once, with its agent and its number.
#[tokio::test]
async fn a_foreign_call_comes_in_by_webhook() {
    let (app, admin) = retell().await;
    report_to(&app, &address(&admin).await, None);
    let control = app.sandbox.control();
    let query = "{ phoneNumbers(first: 1) { nodes { number } } }";
    let data = admin.query(query).await.ok();
    let number = data["phoneNumbers"]["nodes"][0]["number"].as_str().unwrap();
    let foreign = ForeignCall {
        agent_id: Some(control.agent_ids(KEY).unwrap().remove(0)),
        steps: Some(2),
        ..ForeignCall::inbound(KEY, number, "+15035550142")
    };
    let id = control.add_calls(&foreign).unwrap().remove(0);
    control.webhooks_settled().await;
    let live = calls(&admin).await;
    assert_eq!(live.len(), 1);
    assert_eq!(live[0]["status"], "IN_PROGRESS");
    assert_eq!(leases(&app).await, 0);
    control.advance_call(&id, 1).unwrap();
    control.webhooks_settled().await;
    let over = calls(&admin).await;
    assert_eq!(over.len(), 1);
    let told = &over[0];
    assert_eq!(
        json!([
            told["status"],
            told["origin"],
            told["direction"],
            told["toNumber"],
            told["fromNumber"],
            told["payer"]
        ]),
        json!([
            "COMPLETED",
            "IMPORTED",
            "INBOUND",
            number,
            "+15035550142",
            "AGENCY"
        ])
    );
    assert!(told["agent"]["id"].is_string());
    to_the_end(&app).await;
}

/// C5: a call has a webhook of its own where the agent was made here, and none where an imported agent might have one that
/// would go silent. Its token proves this call's webhooks alone, and a status that tells the end in part is asked about.
#[tokio::test]
async fn only_an_agent_that_was_made_here_reports_to_us() {
    let app = TestApp::new().await;
    let admin = app.user(Role::Admin).await;
    admin.import(&app).await;
    let control = app.sandbox.control();
    control.set_call_clock(app.app.clock.clone());
    control.hold_calls();
    let imported = trigger(&admin, ANSWERS).await;
    advance(&app, &imported["call"], 1).await;
    assert_eq!(answers(&app), []);

    let create =
        "mutation($input: CreateAgentInput!) { createAgent(input: $input) { agent { id } } }";
    let draft = json!({
        "provider": "VAPI", "name": "Night desk", "prompt": "You answer at night.", "firstMessage": "Good evening.",
        "voice": { "engine": "11labs", "voiceId": "maya" }, "language": "en-GB",
        "model": { "vendor": "openai", "name": "gpt-4.1" },
    });
    let made = admin.graphql(create, json!({ "input": draft })).await.ok();
    let made = &made["createAgent"]["agent"]["id"];
    let number = "{ phoneNumbers(filter: { status: [ACTIVE] }, first: 1) { nodes { id } } }";
    let number = admin.query(number).await.ok()["phoneNumbers"]["nodes"][0]["id"].clone();
    let input = json!({ "agentId": made, "fromNumberId": number, "phoneNumber": "+15551230100" });
    let placed = try_to_trigger(&admin, input).await.ok()["triggerCall"].clone();
    // The one that tells how it went is lost; the status before it tells the end in part.
    let lost = WebhookFault::new(WebhookEffect::Lose).on("end-of-call-report");
    control.inject_webhook(lost);
    advance(&app, &placed["call"], 2).await;
    assert_eq!(
        call(&admin, &placed["callId"]).await["status"],
        "IN_PROGRESS"
    );
    let other = path_of(&app.url("/hooks/vapi")) + "/" + imported["callId"].as_str().unwrap();
    let body = json!({ "message": { "type": "status-update", "status": "in-progress",
        "call": { "id": imported["call"]["remoteId"] } } });
    let token = "0".repeat(64);
    let told = post(
        &app,
        &other,
        &[("x-ringfence-token", &token)],
        &body.to_string(),
    )
    .await;
    assert_eq!(told, (401, String::new()));
    advance(&app, &placed["call"], 1).await;
    app.rest().await;
    let over = call(&admin, &placed["callId"]).await;
    assert_eq!(over["status"], "COMPLETED");
    assert!(over["cost"]["amount"].is_string());
    let statuses = answers(&app);
    assert!(statuses.contains(&Some(204)), "{statuses:?}");
    end(&app, &imported["call"]);
    to_the_end(&app).await;
    let reporting = reporting(&admin, "VAPI").await;
    assert_eq!(
        reporting["callReporting"]["webhookObstacle"],
        "NOT_PROVABLE"
    );
}

/// R7: a call that ends for want of funds says so of the key in use.
#[tokio::test]
async fn a_call_without_funds_is_the_keys_health() {
    let (app, admin) = retell().await;
    report_to(&app, &address(&admin).await, None);
    let placed = place(&admin, "+15551230106").await;
    app.advance(Duration::from_secs(5));
    advance(&app, &placed["call"], 1).await;
    let over = call(&admin, &placed["callId"]).await;
    assert_eq!(over["endCause"], "NO_FUNDS");
    assert_eq!(reporting(&admin, "RETELL").await["health"], "NO_FUNDS");
    to_the_end(&app).await;
}

mod postgres {
    use super::*;

    /// X1, C5: two servers that are told of the same events at once write each of them once.
    #[tokio::test]
    async fn two_servers_take_the_same_webhooks_once() {
        let (app, admin) = retell().await;
        let replica = app.replica(true).await;
        let path = path_of(&address(&admin).await);
        let now = app.app.clock.now().as_millis();
        let bodies: Vec<String> = (0..20)
            .map(|number| ended(&json!(format!("call_{number}"))))
            .collect();
        let posts = bodies.iter().flat_map(|body| {
            let signed = signature(KEY, body, now);
            [&app, &replica].map(|server| {
                let (path, signed) = (path.clone(), signed.clone());
                async move {
                    let header = [("x-retell-signature", signed.as_str())];
                    post(server, &path, &header, body).await.0
                }
            })
        });
        let answered = futures_util::future::join_all(posts).await;
        assert!(answered.iter().all(|status| *status == 204), "{answered:?}");
        assert_eq!(count(&app, "calls").await, 20);
        assert_eq!(count(&app, "call_events").await, 20);
        to_the_end(&app).await;
    }
}
