//! The made-up accounts: a believable agency, a second one, and as many plain agents and numbers as a test asks for. The
//! shapes come from the fixtures of Retell's client, the words from `sample.json`. An item keeps only what sets it apart
//! from its fixture, so that a hundred thousand stay small. No name, number or secret here belongs to anyone.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::LazyLock;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::providers::ProviderKind;

use super::super::accounts::{Account, Item, Key, Resource, Standing};
use super::{LANGUAGE_MODELS, ORGANISATION, query, template};

pub(super) const GOOD: &str = "sandbox-retell-good-agency-h5Tn";
pub(super) const GOOD_SECOND: &str = "sandbox-retell-good-second-w8Jb";
pub(super) const NO_NUMBERS: &str = "sandbox-retell-no-numbers-c6Fx";
pub(super) const NO_FUNDS: &str = "sandbox-retell-no-funds-r3Dv";
pub(super) const REVOKED: &str = "sandbox-retell-revoked-g7Ys";
/// No word of it stands in the text of the refusal, where it would be masked as a piece of the key (K13).
pub(super) const THROTTLED: &str = "sandbox-retell-busy-n4Pz";
pub(super) const DOWN: &str = "sandbox-retell-down-q2Mk";

/// What the rate-limited sample key is told to wait, in seconds.
const THROTTLED_SECONDS: &str = "24";

/// The words of the sample accounts.
#[derive(Deserialize)]
struct Sample {
    organisations: BTreeMap<String, String>,
    clients: Vec<Client>,
    roles: Vec<Role>,
    extras: Vec<Extra>,
    chat: String,
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
    voice: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    name: String,
    model: String,
    first_message: String,
    prompt: String,
}

/// An agent that no language model of Retell's answers for.
#[derive(Deserialize)]
struct Extra {
    name: String,
    engine: String,
    voice: String,
    language: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    account: String,
    #[serde(rename = "type")]
    kind: String,
    number: String,
    nickname: String,
    answered_by: Vec<String>,
    #[serde(default)]
    has_webhook: bool,
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
    let mut account = Account::new(ProviderKind::Retell, name);
    let end = account.tick();
    let organisation = json!({ "org_name": sample.organisations[name] });
    let organisation = item(account.remote_id.clone(), end, map(organisation));
    account
        .others
        .insert(ORGANISATION, VecDeque::from([organisation]));
    let mut ids = HashMap::new();
    // Oldest first: a client comes to the agency, then one role after the other is set up for it.
    let mut made = 0;
    let mut next_time = || {
        made += 1;
        end - Duration::minutes(7_211 * (60 - made))
    };
    for client in sample
        .clients
        .iter()
        .filter(|client| client.account == name)
    {
        for role in &sample.roles {
            let agent_name = format!("{} – {}", client.name, role.name);
            let (llm, agent) = role_bodies(client, role, &agent_name);
            let id = add_agent(&mut account, llm, agent, next_time());
            ids.insert(agent_name, id);
        }
    }
    if name == "main" {
        for extra in &sample.extras {
            let id = push_agent(&mut account, extra_body(extra), next_time());
            ids.insert(extra.name.clone(), id);
        }
        let chat = json!({ "agent_name": sample.chat, "channel": "chat" });
        push_agent(&mut account, map(chat), next_time());
    }
    for line in sample.numbers.iter().filter(|line| line.account == name) {
        let body = line_body(line, &ids);
        push_number(&mut account, &line.number, body, next_time());
    }
    account
}

/// The language model and the agent of a client's role.
fn role_bodies(
    client: &Client,
    role: &Role,
    name: &str,
) -> (Map<String, Value>, Map<String, Value>) {
    let fill = |text: &str| {
        text.replace("{client}", &client.name)
            .replace("{business}", &client.business)
            .replace("{hours}", &client.hours)
            .replace("{services}", &client.services)
            .replace("{agent}", &client.agent)
    };
    let llm = json!({
        "model": role.model,
        "begin_message": fill(&role.first_message),
        "general_prompt": fill(&role.prompt),
    });
    let agent = json!({ "agent_name": name, "voice_id": client.voice, "language": "en-US" });
    (map(llm), map(agent))
}

fn extra_body(extra: &Extra) -> Map<String, Value> {
    let fixture = if extra.engine == "custom-llm" {
        include_str!("../../providers/retell/fixtures/agent_custom.json")
    } else {
        include_str!("../../providers/retell/fixtures/agent_flow.json")
    };
    map(json!({
        "agent_name": extra.name,
        "voice_id": extra.voice,
        "language": extra.language,
        "response_engine": template(fixture)["response_engine"],
    }))
}

fn line_body(line: &Line, ids: &HashMap<String, String>) -> Map<String, Value> {
    let agents: Vec<&str> = line
        .answered_by
        .iter()
        .filter_map(|name| ids.get(name).map(String::as_str))
        .collect();
    let mut body = number_body(&line.kind, &line.nickname, &agents);
    if !line.has_webhook {
        body.insert("inbound_webhook_url".to_owned(), Value::Null);
    }
    body
}

fn number_body(kind: &str, nickname: &str, agents: &[&str]) -> Map<String, Value> {
    map(json!({
        "phone_number_type": kind,
        "nickname": nickname,
        "inbound_agents": weighted(agents),
        "outbound_agents": weighted(agents),
    }))
}

/// The first agent takes most of the calls.
fn weighted(agents: &[&str]) -> Value {
    match agents {
        [] => json!([]),
        [only] => json!([{ "agent_id": only, "weight": 1 }]),
        [first, rest @ ..] => {
            let share = 0.25 / f64::from(u32::try_from(rest.len()).unwrap_or(1));
            let rest = rest
                .iter()
                .map(|id| json!({ "agent_id": id, "weight": share }));
            // The main one last: a client that takes the first for the main one is found out.
            let main = json!({ "agent_id": first, "weight": 0.75 });
            Value::Array(rest.chain([main]).collect())
        }
    }
}

/// Adds a plain agent with a language model of its own, for accounts of any size.
pub(super) fn add_seeded_agent(account: &mut Account, name: &str, at: OffsetDateTime) -> String {
    let llm = json!({
        "begin_message": format!("Hello, this is {name}."),
        "general_prompt": format!("You are {name}. Answer briefly."),
    });
    let agent = json!({ "agent_name": name });
    add_agent(account, map(llm), map(agent), at)
}

/// Adds a plain number: the `number`th of an account of any size.
pub(super) fn add_seeded_number(
    account: &mut Account,
    number: usize,
    answered_by: Option<&str>,
    at: OffsetDateTime,
) {
    let id = format!("+1555{number:07}");
    let agents: Vec<&str> = answered_by.into_iter().collect();
    let body = number_body(
        "retell-twilio",
        &format!("Seeded number {number:05}"),
        &agents,
    );
    push_number(account, &id, body, at);
}

/// Adds a language model and the agent that it answers for.
fn add_agent(
    account: &mut Account,
    llm: Map<String, Value>,
    mut agent: Map<String, Value>,
    at: OffsetDateTime,
) -> String {
    let llm_id = push_llm(account, llm, at);
    let engine = json!({ "type": "retell-llm", "llm_id": llm_id, "version": 3 });
    agent.insert("response_engine".to_owned(), engine);
    push_agent(account, agent, at)
}

/// Adds a language model as the newest one.
pub(super) fn push_llm(
    account: &mut Account,
    body: Map<String, Value>,
    at: OffsetDateTime,
) -> String {
    let uuid = account.next_id("language-model");
    let llms = account.others.entry(LANGUAGE_MODELS).or_default();
    let ordinal = query::next_ordinal(llms);
    let llm_id = query::id("llm", &uuid, ordinal);
    llms.push_front(numbered(llm_id.clone(), at, body, ordinal));
    llm_id
}

/// Adds an agent as the newest one.
pub(super) fn push_agent(
    account: &mut Account,
    body: Map<String, Value>,
    at: OffsetDateTime,
) -> String {
    let uuid = account.next_id("agent");
    let ordinal = query::next_ordinal(&account.agents);
    let id = query::id("agent", &uuid, ordinal);
    account
        .agents
        .push_front(numbered(id.clone(), at, body, ordinal));
    id
}

fn push_number(account: &mut Account, number: &str, body: Map<String, Value>, at: OffsetDateTime) {
    let ordinal = query::next_ordinal(&account.numbers);
    account
        .numbers
        .push_front(numbered(number.to_owned(), at, body, ordinal));
}

fn numbered(id: String, at: OffsetDateTime, mut body: Map<String, Value>, ordinal: u64) -> Item {
    body.insert(query::ORDINAL.to_owned(), json!(ordinal));
    item(id, at, body)
}

fn item(id: String, at: OffsetDateTime, body: Map<String, Value>) -> Item {
    Item {
        id,
        created_at: at,
        updated_at: at,
        body,
    }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A number of this type, apart from what sets it apart.
pub(super) fn phone_number(kind: &str) -> Map<String, Value> {
    static OWN_TRUNK: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        template(include_str!(
            "../../providers/retell/fixtures/phone_number_custom.json"
        ))
    });
    static BOUGHT: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        template(include_str!(
            "../../providers/retell/fixtures/phone_number.json"
        ))
    });
    let mut body = if kind == "custom" {
        OWN_TRUNK.clone()
    } else {
        BOUGHT.clone()
    };
    for field in ["phone_number_pretty", "area_code"] {
        body.remove(field);
    }
    body
}

/// An item of the list of agents, apart from what sets it apart.
pub(super) fn listed_agent() -> Map<String, Value> {
    static FIXTURE: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        template(include_str!(
            "../../providers/retell/fixtures/agent_item.json"
        ))
    });
    FIXTURE.clone()
}

/// An agent, apart from what sets it apart.
pub(super) fn agent() -> Map<String, Value> {
    static FIXTURE: LazyLock<Map<String, Value>> =
        LazyLock::new(|| template(include_str!("../../providers/retell/fixtures/agent.json")));
    FIXTURE.clone()
}

/// A language model, apart from what sets it apart.
pub(super) fn language_model() -> Map<String, Value> {
    static FIXTURE: LazyLock<Map<String, Value>> =
        LazyLock::new(|| template(include_str!("../../providers/retell/fixtures/llm.json")));
    FIXTURE.clone()
}
