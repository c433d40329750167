//! C5: the webhooks that the sandbox sends as the providers do, read by the clients as they come; and what becomes of bodies
//! that no provider should send.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::bench::{Bench, KEY, Played, hmac_hex};
use super::bland::Bland;
use super::retell::Retell;
use super::vapi::Vapi;
use super::{
    CallEvent, CallStatus, CallWebhook, FromNumber, PlaceCall, ProviderKind, ReceivedWebhook,
    Target, WebhookProof, WebhookRefused, call_provider,
};
use crate::clock::{Clock, Timestamp};
use crate::sandbox::{
    AccountHook, CallSettings, ForeignCall, NewAccount, SentWebhook, WebhookEffect, WebhookFault,
};

const OURS: &str = "01930f5e-6c00-7a10-8000-5a1e7b2c9d01";
const START: i64 = 1_795_190_400_000;
const TOKEN: &str = "token-of-ours-8f3a";
const SECRET: &str = "dashboard-secret-8f3a";

type Inbox = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// Takes webhooks as they come, the first so many with a 500.
struct Receiver {
    address: SocketAddr,
    inbox: Inbox,
    _tasks: JoinSet<()>,
}

impl Receiver {
    async fn start(failures: usize) -> Receiver {
        let inbox = Inbox::default();
        let take = async move |State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes| {
            let mut inbox = inbox.lock().unwrap();
            inbox.push((headers, body));
            if inbox.len() <= failures {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::OK
            }
        };
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(inbox.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver {
            address,
            inbox,
            _tasks: tasks,
        }
    }

    fn url(&self) -> Url {
        format!("http://{}/hook", self.address).parse().unwrap()
    }

    fn read(&self, kind: ProviderKind, now: i64) -> Vec<Result<Vec<CallEvent>, WebhookRefused>> {
        let inbox = self.inbox.lock().unwrap();
        let read = inbox.iter().map(|(headers, body)| {
            let webhook = ReceivedWebhook { headers, body };
            let now = Timestamp::from_millis(now);
            call_provider(kind).read_webhook(&webhook, &secret(kind), now)
        });
        read.collect()
    }

    /// The events that were believed.
    fn events(&self, kind: ProviderKind) -> Vec<CallEvent> {
        let events = self.read(kind, START).into_iter().flatten();
        events.flatten().collect()
    }
}

/// What a provider's webhooks are proven with.
fn secret(kind: ProviderKind) -> SecretString {
    SecretString::from(match call_provider(kind).call_info().webhook_proof {
        WebhookProof::OwnToken { .. } => TOKEN,
        WebhookProof::ApiKey => KEY,
        WebhookProof::SigningSecret => SECRET,
    })
}

/// An account whose calls go on only when they are told to.
async fn account<P: Played>() -> Bench<P> {
    let bench = Bench::<P>::new().await;
    let account = NewAccount::of(Bench::<P>::kind(), KEY, 1).phone_numbers(2);
    let control = bench.sandbox.control();
    control.add_account(&account).unwrap();
    control.hold_calls();
    control.set_call_clock(Clock::manual(Timestamp::from_millis(START)));
    if call_provider(Bench::<P>::kind()).call_info().webhook_proof == WebhookProof::SigningSecret {
        let hook = AccountHook {
            key: KEY.to_owned(),
            url: None,
            secret: Some(SECRET.to_owned()),
        };
        control.set_account_hook(&hook).unwrap();
    }
    bench
}

async fn place<P: Played>(bench: &Bench<P>, receiver: &Receiver) -> String {
    let numbers = bench.numbers(KEY, None).await.unwrap().items;
    let agent = bench.sandbox.control().agent_ids(KEY).unwrap().remove(0);
    let (url, token) = (receiver.url(), SecretString::from(TOKEN));
    let variables = BTreeMap::new();
    let placed = bench
        .ask(KEY, async |target: &Target<'_>| {
            let call = PlaceCall {
                call_id: OURS,
                remote_agent_id: &agent,
                from: Some(FromNumber {
                    remote_id: &numbers[0].remote_id,
                    number: numbers[0].number.as_deref().unwrap(),
                }),
                to: "+15035550100",
                webhook: Some(CallWebhook {
                    url: &url,
                    token: &token,
                }),
                variables: &variables,
            };
            P::CLIENT.place_call(target, &call).await
        })
        .await;
    placed.unwrap().remote_id
}

async fn advance<P: Played>(bench: &Bench<P>, id: &str, steps: u32) {
    for _ in 0..steps {
        bench.sandbox.control().advance_call(id, 1).unwrap();
        bench.sandbox.control().webhooks_settled().await;
    }
}

async fn tells_how_it_goes<P: Played>(expected: &[(&str, CallStatus)]) {
    let bench = account::<P>().await;
    let receiver = Receiver::start(0).await;
    let id = place(&bench, &receiver).await;
    advance(&bench, &id, 3).await;
    let events = receiver.events(Bench::<P>::kind());
    let told: Vec<(&str, CallStatus)> = events
        .iter()
        .map(|event| (event.event.as_str(), event.call.status.clone()))
        .collect();
    assert_eq!(told, expected);
    for event in &events {
        assert_eq!(event.call.remote_id, id);
        assert_eq!(event.call.call_id.as_deref(), Some(OURS));
    }
    let last = &events.last().unwrap().call;
    assert!(last.is_whole && last.is_over && last.cost.is_some());
    assert!(!format!("{events:?}").contains("never-store-me"));
    let sent = bench.sandbox.control().sent_webhooks();
    assert!(sent.iter().all(|sent| sent.status == Some(200)), "{sent:?}");
}

/// C5: a webhook for one call tells its status, with our id, and proves where it comes from.
#[tokio::test]
async fn webhooks_tell_how_a_call_goes() {
    let update = "status-update";
    tells_how_it_goes::<Vapi>(&[
        (update, CallStatus::Queued),
        (update, CallStatus::Ringing),
        (update, CallStatus::InProgress),
        (update, CallStatus::Completed),
        ("end-of-call-report", CallStatus::Completed),
    ])
    .await;
    tells_how_it_goes::<Retell>(&[
        ("call_started", CallStatus::InProgress),
        ("call_ended", CallStatus::Completed),
        ("call_analyzed", CallStatus::Completed),
    ])
    .await;
    tells_how_it_goes::<Bland>(&[("post_call", CallStatus::Completed)]).await;
}

async fn is_not_believed<P: Played>() {
    let bench = account::<P>().await;
    let receiver = Receiver::start(0).await;
    bench
        .sandbox
        .control()
        .inject_webhook(WebhookFault::new(WebhookEffect::BadSignature));
    let id = place(&bench, &receiver).await;
    advance(&bench, &id, 3).await;
    let read = receiver.read(Bench::<P>::kind(), START);
    assert!(!read.is_empty());
    assert!(
        read.iter()
            .all(|read| *read == Err(WebhookRefused::BadSignature)),
        "{read:?}"
    );
}

/// C5
#[tokio::test]
async fn a_wrongly_signed_webhook_is_not_believed() {
    is_not_believed::<Vapi>().await;
    is_not_believed::<Retell>().await;
    is_not_believed::<Bland>().await;
}

/// C5: Bland signs nothing before a secret is made, and such a webhook proves nothing.
#[tokio::test]
async fn an_unsigned_webhook_is_not_believed() {
    let bench = Bench::<Bland>::new().await;
    let account = NewAccount::of(ProviderKind::Bland, KEY, 1).phone_numbers(2);
    bench.sandbox.control().add_account(&account).unwrap();
    bench.sandbox.control().hold_calls();
    let receiver = Receiver::start(0).await;
    let id = place(&bench, &receiver).await;
    advance(&bench, &id, 3).await;
    assert_eq!(
        receiver.read(ProviderKind::Bland, START),
        [Err(WebhookRefused::Unsigned)]
    );
}

async fn comes_as_it_may<P: Played>(last: &str) {
    for (effect, times, expected) in [
        (WebhookEffect::Duplicate, Some(1), 2),
        (WebhookEffect::Lose, Some(1), 0),
        (WebhookEffect::Hold, None, 1),
        (WebhookEffect::Swap, Some(1), 1),
        (WebhookEffect::Delay { ms: 20 }, Some(1), 1),
    ] {
        let bench = account::<P>().await;
        let receiver = Receiver::start(0).await;
        let fault = WebhookFault {
            times,
            ..WebhookFault::new(effect).on(last)
        };
        bench.sandbox.control().inject_webhook(fault);
        let id = place(&bench, &receiver).await;
        advance(&bench, &id, 3).await;
        let kind = Bench::<P>::kind();
        let count = |receiver: &Receiver| {
            let events = receiver.events(kind);
            let mut keys: Vec<String> = events
                .iter()
                .filter(|event| event.dedupe_key.contains(last))
                .map(|event| event.dedupe_key.clone())
                .collect();
            let all = keys.len();
            keys.dedup();
            (all, keys.len())
        };
        if effect == WebhookEffect::Hold {
            assert_eq!(count(&receiver), (0, 0));
        }
        bench.sandbox.control().release_webhooks();
        tokio::time::sleep(Duration::from_millis(40)).await;
        bench.sandbox.control().webhooks_settled().await;
        assert_eq!(count(&receiver), (expected, expected.min(1)), "{effect:?}");
    }
}

/// C5: webhooks are lost, late, doubled and out of order, and the key says which are the same.
#[tokio::test]
async fn webhooks_come_late_twice_or_never() {
    comes_as_it_may::<Vapi>("end-of-call-report").await;
    comes_as_it_may::<Retell>("call_ended").await;
    comes_as_it_may::<Bland>("post_call").await;
}

/// C5: out of order: the end before the beginning.
#[tokio::test]
async fn a_beginning_can_come_after_the_end() {
    let bench = account::<Retell>().await;
    let receiver = Receiver::start(0).await;
    let fault = WebhookFault::new(WebhookEffect::Swap).on("call_started");
    bench.sandbox.control().inject_webhook(fault.times(1));
    let id = place(&bench, &receiver).await;
    advance(&bench, &id, 3).await;
    let events = receiver.events(ProviderKind::Retell);
    let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["call_ended", "call_started", "call_analyzed"]);
}

/// C5: Retell sends again what was not taken, Vapi does not.
#[tokio::test]
async fn a_webhook_that_was_not_taken_is_sent_again_or_not() {
    async fn attempts<P: Played>() -> Vec<SentWebhook> {
        let bench = account::<P>().await;
        bench.sandbox.control().set_calls(CallSettings {
            webhook_retry_ms: Some(1),
            ..CallSettings::default()
        });
        let receiver = Receiver::start(1).await;
        let id = place(&bench, &receiver).await;
        advance(&bench, &id, 2).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.sandbox.control().webhooks_settled().await;
        bench.sandbox.control().sent_webhooks()
    }
    let retell = attempts::<Retell>().await;
    let told: Vec<_> = retell
        .iter()
        .map(|sent| (sent.attempt, sent.status))
        .collect();
    assert_eq!(told, [(1, Some(500)), (2, Some(200))]);
    let vapi = attempts::<Vapi>().await;
    assert!(vapi.iter().all(|sent| sent.attempt == 1), "{vapi:?}");
    assert_eq!(vapi[0].status, Some(500));
}

/// C5, C6: an account's own webhook hears of calls that were placed elsewhere; one beyond this machine is refused (H6).
#[tokio::test]
async fn an_account_tells_of_foreign_calls_and_only_here() {
    let bench = account::<Retell>().await;
    let receiver = Receiver::start(0).await;
    let control = bench.sandbox.control();
    let hook = |url: &str| AccountHook {
        key: KEY.to_owned(),
        url: Some(url.to_owned()),
        secret: None,
    };
    for beyond in [
        "https://example.com/hook",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "x",
    ] {
        assert!(control.set_account_hook(&hook(beyond)).is_err(), "{beyond}");
    }
    control
        .set_account_hook(&hook(receiver.url().as_str()))
        .unwrap();
    let inbound = ForeignCall::inbound(KEY, "+15550000001", "+15035550177");
    control.add_calls(&inbound).unwrap();
    control.webhooks_settled().await;
    let events = receiver.events(ProviderKind::Retell);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.call.call_id.is_none()));
}

/// Calls go on by themselves at the pace that they are told.
///
/// X4
#[tokio::test]
async fn calls_go_on_by_their_own_clock() {
    let bench = account::<Retell>().await;
    let receiver = Receiver::start(0).await;
    bench.sandbox.control().set_calls(CallSettings {
        step_ms: Some(5),
        ..CallSettings::default()
    });
    place(&bench, &receiver).await;
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while receiver.events(ProviderKind::Retell).len() < 3 {
        assert!(tokio::time::Instant::now() < end, "the call does not end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn signed(kind: ProviderKind, body: &str) -> HeaderMap {
    let (name, value) = match kind {
        ProviderKind::Vapi => ("x-ringfence-token", TOKEN.to_owned()),
        ProviderKind::Retell => {
            let digest = hmac_hex(KEY, &format!("{body}{START}"));
            ("x-retell-signature", format!("v={START},d={digest}"))
        }
        ProviderKind::Bland => ("x-webhook-signature", hmac_hex(SECRET, body)),
    };
    HeaderMap::from_iter([(
        axum::http::HeaderName::from_static(name),
        HeaderValue::from_str(&value).unwrap(),
    )])
}

fn read(kind: ProviderKind, body: &str) -> Result<Vec<CallEvent>, WebhookRefused> {
    let headers = signed(kind, body);
    let webhook = ReceivedWebhook {
        headers: &headers,
        body: body.as_bytes(),
    };
    let now = Timestamp::from_millis(START);
    call_provider(kind).read_webhook(&webhook, &secret(kind), now)
}

fn samples() -> [(ProviderKind, Value, &'static str); 3] {
    let parse = |text| serde_json::from_str::<Value>(text).unwrap();
    let retell = parse(include_str!("retell/fixtures/call.json"));
    [
        (
            ProviderKind::Vapi,
            parse(include_str!(
                "vapi/fixtures/webhook_end_of_call_report.json"
            )),
            "0f6e2a4c-7d31-4c58-9b1e-2a8d6c0f5e77",
        ),
        (
            ProviderKind::Retell,
            json!({ "event": "call_ended", "call": retell }),
            "call_9f2b4c6d8e0a1357924680bdfac",
        ),
        (
            ProviderKind::Bland,
            parse(include_str!("bland/fixtures/call.json")),
            "6c1d8e2f-5a47-4b90-8c3d-7e6f5a4b3c21",
        ),
    ]
}

/// The places of a body, as JSON pointers.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                self::places(field, &format!("{at}/{name}"), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                self::places(item, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

/// C5: any part of another type, of any size, or gone, costs itself and not the call's id, and nothing panics.
#[test]
fn an_odd_part_costs_only_itself() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\u{202e}9999-99-99T99:99:99Z"),
        json!("x".repeat(20_000)),
        json!([]),
        json!({}),
        json!([[[[{}]]]]),
    ];
    for (kind, body, id) in samples() {
        let mut found = Vec::new();
        places(&body, "", &mut found);
        let mut told = 0;
        for place in &found {
            for odd in &odd {
                let mut changed = body.clone();
                *changed.pointer_mut(place).unwrap() = odd.clone();
                if let Ok(events) = read(kind, &changed.to_string()) {
                    for event in events {
                        let is_id = place.ends_with("/id") || place.ends_with("call_id");
                        assert!(is_id || event.call.remote_id == id, "{kind} {place} {odd}");
                        told += 1;
                    }
                }
            }
        }
        assert!(told > 100, "{kind}: {told}");
    }
}

/// C5: a body that breaks off anywhere is refused, and does not panic.
#[test]
fn a_body_that_breaks_off_is_refused() {
    for (kind, body, _) in samples() {
        let body = body.to_string();
        for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
            let read = read(kind, &body[..end]);
            assert!(
                matches!(read, Err(WebhookRefused::Malformed { .. })),
                "{kind} {end}"
            );
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(kind, &deep).is_err());
        assert!(read(kind, &format!(r#"{{"call":{deep}}}"#)).is_err());
    }
}
