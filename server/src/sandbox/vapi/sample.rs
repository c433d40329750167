//! The made-up accounts: a believable agency, a second one, and as many plain assistants and numbers as a test asks for.
//! The shapes come from the fixtures of Vapi's client, the words from `sample.json`. No name, number or secret here
//! belongs to anyone.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::providers::ProviderKind;

use super::super::accounts::{Account, Item, Key, Resource, Standing};

pub(super) const GOOD: &str = "sandbox-vapi-good-agency-k7Qd";
pub(super) const GOOD_SECOND: &str = "sandbox-vapi-good-second-x4Rm";
pub(super) const NO_NUMBERS: &str = "sandbox-vapi-no-numbers-b3Ht";
pub(super) const NO_FUNDS: &str = "sandbox-vapi-no-funds-t8Ly";
pub(super) const REVOKED: &str = "sandbox-vapi-revoked-p9Wn";
pub(super) const THROTTLED: &str = "sandbox-vapi-throttled-m2Vc";
pub(super) const DOWN: &str = "sandbox-vapi-down-z6Kp";

/// What the rate-limited sample key is told to wait, in seconds.
const THROTTLED_SECONDS: &str = "24";

const ASSISTANT: &str = include_str!("../../providers/vapi/fixtures/assistant.json");
const NUMBERS: &[(&str, &str)] = &[
    (
        "vapi",
        include_str!("../../providers/vapi/fixtures/phone_number_vapi.json"),
    ),
    (
        "twilio",
        include_str!("../../providers/vapi/fixtures/phone_number_twilio.json"),
    ),
    (
        "byo-phone-number",
        include_str!("../../providers/vapi/fixtures/phone_number_byo.json"),
    ),
];

/// The words of the sample accounts.
#[derive(Deserialize)]
struct Sample {
    clients: Vec<Client>,
    roles: Vec<Role>,
    extras: Vec<Extra>,
    numbers: Vec<Line>,
}

#[derive(Deserialize)]
struct Client {
    account: String,
    name: String,
    business: String,
    hours: String,
    services: String,
    agent: String,
    voice: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    name: String,
    model: Map<String, Value>,
    first_message: String,
    prompt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    name: String,
    model: Map<String, Value>,
    language: String,
    voice: Value,
    first_message: String,
    prompt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    account: String,
    provider: String,
    number: Option<String>,
    name: String,
    answered_by: Option<String>,
    sip_uri: Option<String>,
    status: Option<String>,
}

/// The two sample accounts, the agency first.
pub(super) fn accounts() -> [Account; 2] {
    let sample: Sample = serde_json::from_str(include_str!("sample.json"))
        .expect("the sample accounts are checked by a test");
    ["main", "second"].map(|name| account(&sample, name))
}

/// The keys that are known at the beginning. The revoked one is not: that is what revoked means.
pub(super) fn keys() -> [(&'static str, Key); 6] {
    let refused = |status, retry_after| Key {
        standing: Some(Standing {
            status,
            retry_after,
        }),
        ..Key::full(0)
    };
    [
        (GOOD, Key::full(0)),
        (GOOD_SECOND, Key::full(1)),
        (
            NO_NUMBERS,
            Key {
                forbidden: vec![Resource::PhoneNumbers],
                ..Key::full(0)
            },
        ),
        (NO_FUNDS, refused(StatusCode::PAYMENT_REQUIRED, None)),
        (
            THROTTLED,
            refused(StatusCode::TOO_MANY_REQUESTS, Some(THROTTLED_SECONDS)),
        ),
        (DOWN, refused(StatusCode::INTERNAL_SERVER_ERROR, None)),
    ]
}

fn account(sample: &Sample, name: &str) -> Account {
    let mut account = Account::new(ProviderKind::Vapi, name);
    let end = account.tick();
    let mut ids = HashMap::new();
    // Oldest first: a client comes to the agency, then one role after the other is set up for it.
    let mut bodies: Vec<Map<String, Value>> = Vec::new();
    for client in sample
        .clients
        .iter()
        .filter(|client| client.account == name)
    {
        bodies.extend(sample.roles.iter().map(|role| role_assistant(client, role)));
    }
    if name == "main" {
        bodies.extend(sample.extras.iter().map(extra_assistant));
    }
    let count = bodies.len();
    for (index, body) in bodies.into_iter().enumerate() {
        let (created_at, updated_at) = history(end, count - index);
        let id = account.next_id("assistant");
        ids.insert(
            body["name"].as_str().unwrap_or_default().to_owned(),
            id.clone(),
        );
        account.agents.push_front(Item {
            id,
            created_at,
            updated_at,
            body,
        });
    }
    let numbers: Vec<&Line> = sample
        .numbers
        .iter()
        .filter(|number| number.account == name)
        .collect();
    let count = numbers.len();
    for (index, number) in numbers.into_iter().enumerate() {
        let (created_at, updated_at) = history(end, count - index);
        let id = account.next_id("phone-number");
        let attached = number.answered_by.as_ref().and_then(|name| ids.get(name));
        let body = number_body(number, attached.map(String::as_str));
        account.numbers.push_front(Item {
            id,
            created_at,
            updated_at,
            body,
        });
    }
    account
}

/// When the item with so many behind it was made and last changed: about one in five days, changed since now and then.
fn history(end: OffsetDateTime, age: usize) -> (OffsetDateTime, OffsetDateTime) {
    let age = i64::try_from(age).unwrap_or(i64::MAX);
    let created = end - Duration::minutes(age * 7_211);
    let updated = if age % 3 == 0 {
        end - Duration::minutes(age * 1_409)
    } else {
        created
    };
    (created, updated)
}

fn role_assistant(client: &Client, role: &Role) -> Map<String, Value> {
    let fill = |text: &str| {
        text.replace("{client}", &client.name)
            .replace("{business}", &client.business)
            .replace("{hours}", &client.hours)
            .replace("{services}", &client.services)
            .replace("{agent}", &client.agent)
    };
    assistant(
        &format!("{} – {}", client.name, role.name),
        &role.model,
        &client.voice,
        "en-US",
        &fill(&role.first_message),
        &fill(&role.prompt),
    )
}

fn extra_assistant(extra: &Extra) -> Map<String, Value> {
    assistant(
        &extra.name,
        &extra.model,
        &extra.voice,
        &extra.language,
        &extra.first_message,
        &extra.prompt,
    )
}

fn assistant(
    name: &str,
    model: &Map<String, Value>,
    voice: &Value,
    language: &str,
    first_message: &str,
    prompt: &str,
) -> Map<String, Value> {
    let mut body = template(ASSISTANT);
    body.insert("name".to_owned(), json!(name));
    body.insert("voice".to_owned(), voice.clone());
    body.insert("firstMessage".to_owned(), json!(first_message));
    body["transcriber"]["language"] = json!(language);
    let mut model = model.clone();
    model.insert(
        "messages".to_owned(),
        json!([{ "role": "system", "content": prompt }]),
    );
    model.insert("temperature".to_owned(), json!(0.4));
    body.insert("model".to_owned(), Value::Object(model));
    body.remove("voicemailMessage");
    body
}

fn number_body(number: &Line, assistant_id: Option<&str>) -> Map<String, Value> {
    let mut body = number_template(&number.provider);
    let optional = [
        ("number", number.number.as_deref()),
        ("sipUri", number.sip_uri.as_deref()),
        ("assistantId", assistant_id),
        ("status", Some(number.status.as_deref().unwrap_or("active"))),
        ("name", Some(number.name.as_str())),
    ];
    for (field, value) in optional {
        match value {
            Some(value) => body.insert(field.to_owned(), json!(value)),
            None => body.remove(field),
        };
    }
    body.remove("squadId");
    body
}

/// A plain assistant, for accounts of any size.
pub(super) fn seeded_assistant(name: &str) -> Map<String, Value> {
    let mut body = template(ASSISTANT);
    body.insert("name".to_owned(), json!(name));
    body.insert(
        "firstMessage".to_owned(),
        json!(format!("Hello, this is {name}.")),
    );
    body["model"]["messages"][0]["content"] = json!(format!("You are {name}. Answer briefly."));
    body
}

/// A plain number: the `number`th of an account of any size.
pub(super) fn seeded_number(number: usize, assistant_id: Option<&str>) -> Map<String, Value> {
    let mut body = number_template("vapi");
    body.insert("number".to_owned(), json!(format!("+1555{number:07}")));
    body.insert(
        "name".to_owned(),
        json!(format!("Seeded number {number:05}")),
    );
    match assistant_id {
        Some(id) => body.insert("assistantId".to_owned(), json!(id)),
        None => body.remove("assistantId"),
    };
    body
}

fn number_template(provider: &str) -> Map<String, Value> {
    let fixture = NUMBERS
        .iter()
        .find(|(name, _)| *name == provider)
        .or(NUMBERS.first());
    let mut body = template(fixture.map_or("{}", |(_, text)| text));
    body.insert("provider".to_owned(), json!(provider));
    body
}

/// A fixture without what makes it one certain item.
fn template(fixture: &str) -> Map<String, Value> {
    let mut body: Map<String, Value> =
        serde_json::from_str(fixture).expect("the fixtures are checked by the conversion tests");
    for field in ["id", "orgId", "createdAt", "updatedAt"] {
        body.remove(field);
    }
    body
}
