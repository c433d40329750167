//! The made-up accounts: a believable agency, a second one, one without funds, and as many plain personas and numbers as
//! a test asks for. The shapes come from the fixtures of Bland's client; the words from `sample.json` and, for what the
//! same agency has at Vapi too, from Vapi's. No name, number or secret here belongs to anyone.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::providers::ProviderKind;

use super::super::accounts::{Account, Item, Key, Resource, Standing, stable_id};
use super::{AGENTS, BILLING, PATHWAYS, iso};

pub(super) const GOOD: &str = "sandbox-bland-good-agency-h5Tg";
pub(super) const GOOD_SECOND: &str = "sandbox-bland-good-second-w2Jc";
pub(super) const NO_NUMBERS: &str = "sandbox-bland-no-numbers-e9Pv";
pub(super) const NO_FUNDS: &str = "sandbox-bland-no-funds-r6Mx";
pub(super) const REVOKED: &str = "sandbox-bland-revoked-c4Zk";
pub(super) const THROTTLED: &str = "sandbox-bland-throttled-n8Bq";
pub(super) const DOWN: &str = "sandbox-bland-down-y3Fs";

/// What the rate-limited sample key is told to wait, in seconds.
const THROTTLED_SECONDS: &str = "24";

const PERSONA: &str = include_str!("../../providers/bland/fixtures/persona.json");
const PERSONA_DRAFT: &str = include_str!("../../providers/bland/fixtures/persona_draft.json");
const AGENT: &str = include_str!("../../providers/bland/fixtures/agent.json");
const ENVIRONMENTS: &str = include_str!("../../providers/bland/fixtures/agent_environments.json");
const VERSION: &str = include_str!("../../providers/bland/fixtures/agent_version.json");
const PATHWAY: &str = include_str!("../../providers/bland/fixtures/pathway.json");
const NUMBER: &str = include_str!("../../providers/bland/fixtures/inbound_number.json");

/// Marks a persona that was never promoted; not on the wire.
const IS_DRAFT: &str = "is_draft";

/// What a persona's draft says, where that is known; not on the wire.
pub(super) const DRAFT: &str = "draft";

/// The clients of the agency and what an agent of each role says, as in Vapi's sample.
#[derive(Deserialize)]
struct Clients {
    clients: Vec<Client>,
    roles: Vec<Role>,
}

#[derive(Deserialize)]
struct Client {
    account: String,
    name: String,
    business: String,
    hours: String,
    services: String,
    agent: String,
}

#[derive(Deserialize)]
struct Role {
    name: String,
    prompt: String,
}

/// What the agency has at Bland only.
#[derive(Deserialize)]
struct Sample {
    /// The voice of each client.
    voices: BTreeMap<String, String>,
    /// The roles that each client has a persona for.
    roles: Vec<String>,
    extras: Vec<Extra>,
    agents: Vec<V2Agent>,
    pathways: Vec<Pathway>,
    numbers: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    account: String,
    name: String,
    voice: String,
    language: String,
    /// Never promoted to production.
    is_draft: bool,
    prompt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V2Agent {
    account: String,
    name: String,
    voice: Option<String>,
    languages: Vec<String>,
    /// The semantic version that production is pinned to.
    production: Option<String>,
    /// The prompt of that version, or else of the only saved one.
    prompt: Option<String>,
    /// The prompt of a version that was saved since.
    newer_prompt: Option<String>,
}

#[derive(Deserialize)]
struct Pathway {
    account: String,
    name: String,
    description: Option<String>,
    version: Option<u32>,
}

#[derive(Deserialize)]
struct Line {
    account: String,
    number: String,
    label: Option<String>,
    persona: Option<String>,
    pathway: Option<String>,
    agent: Option<String>,
    prompt: Option<String>,
}

/// The sample accounts, the agency first.
pub(super) fn accounts() -> [Account; 3] {
    let clients: Clients = serde_json::from_str(include_str!("../vapi/sample.json"))
        .expect("the sample accounts are checked by a test");
    let sample: Sample = serde_json::from_str(include_str!("sample.json"))
        .expect("the sample accounts are checked by a test");
    ["main", "second", "unfunded"].map(|name| account(&clients, &sample, name))
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
    let no_numbers = Key {
        forbidden: vec![Resource::PhoneNumbers],
        ..Key::full(0)
    };
    [
        (GOOD, Key::full(0)),
        (GOOD_SECOND, Key::full(1)),
        (NO_NUMBERS, no_numbers),
        (NO_FUNDS, Key::full(2)),
        (
            THROTTLED,
            refused(StatusCode::TOO_MANY_REQUESTS, Some(THROTTLED_SECONDS)),
        ),
        (DOWN, refused(StatusCode::INTERNAL_SERVER_ERROR, None)),
    ]
}

fn account(clients: &Clients, sample: &Sample, name: &str) -> Account {
    let mut account = Account::new(ProviderKind::Bland, name);
    let mut maker = Maker {
        end: account.tick(),
        ids: HashMap::new(),
    };
    let bodies = personas(clients, sample, name);
    account.agents = maker.make(&mut account, "persona", bodies).into();
    let agents = sample.agents.iter().filter(|agent| agent.account == name);
    let agents = maker.make(&mut account, "agent", agents.map(agent).collect());
    account.others.insert(AGENTS, agents.into());
    let pathways = sample.pathways.iter().filter(|it| it.account == name);
    let pathways = pathways.enumerate().map(|(at, it)| maker.pathway(at, it));
    let pathways = pathways.collect();
    let pathways = maker.make(&mut account, "pathway", pathways);
    account.others.insert(PATHWAYS, pathways.into());
    if name == "unfunded" {
        let billing = Item {
            id: BILLING.to_owned(),
            created_at: maker.end,
            updated_at: maker.end,
            body: object(json!({ "current_balance": -3.4, "refill_to": null })),
        };
        account.others.insert(BILLING, [billing].into());
    }
    let lines = sample.numbers.iter().filter(|line| line.account == name);
    let lines: Vec<&Line> = lines.collect();
    let count = lines.len();
    for (at, line) in lines.into_iter().enumerate() {
        let (created_at, updated_at) = history(maker.end, count - at);
        account.numbers.push_front(Item {
            id: line.number.clone(),
            created_at,
            updated_at,
            body: maker.number(line),
        });
    }
    account
}

/// Gives items their ids and their times, and knows them by name.
struct Maker {
    end: OffsetDateTime,
    ids: HashMap<(&'static str, String), String>,
}

impl Maker {
    /// Items from bodies, the oldest of which comes first; the newest item comes first.
    fn make(
        &mut self,
        account: &mut Account,
        kind: &'static str,
        bodies: Vec<Map<String, Value>>,
    ) -> Vec<Item> {
        let count = bodies.len();
        let mut items: Vec<Item> = Vec::with_capacity(count);
        for (at, body) in bodies.into_iter().enumerate() {
            let (created_at, updated_at) = history(self.end, count - at);
            let id = account.next_id(kind);
            let name = body["name"].as_str().unwrap_or_default().to_owned();
            self.ids.insert((kind, name), id.clone());
            items.push(Item {
                id,
                created_at,
                updated_at,
                body,
            });
        }
        items.reverse();
        items
    }

    fn pathway(&self, at: usize, pathway: &Pathway) -> Map<String, Value> {
        let mut body = template(PATHWAY);
        let published = self.end - Duration::days(i64::try_from(at).unwrap_or_default() * 9 + 2);
        let published = pathway.version.map(|_| iso(published));
        body.insert("name".to_owned(), json!(pathway.name));
        body.insert("description".to_owned(), json!(pathway.description));
        body.insert("published_at".to_owned(), json!(published));
        body.insert(
            "production_version_number".to_owned(),
            json!(pathway.version),
        );
        body.remove("folder_name");
        body
    }

    /// A number of a v2 agent is routed through a persona that is in no list.
    fn number(&self, line: &Line) -> Map<String, Value> {
        let id = |kind, name: &Option<String>| {
            let name = name.clone()?;
            self.ids.get(&(kind, name)).cloned()
        };
        let hidden = id("agent", &line.agent).map(|agent| stable_id(&["hidden persona", &agent]));
        let persona = id("persona", &line.persona).or(hidden);
        object(json!({
            "label": line.label,
            "persona_id": persona,
            "pathway_id": id("pathway", &line.pathway),
            "prompt": line.prompt,
        }))
    }
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

/// Oldest first: a client comes to the agency, then one role after the other is set up for it.
fn personas(clients: &Clients, sample: &Sample, account: &str) -> Vec<Map<String, Value>> {
    let mut bodies = Vec::new();
    for client in clients
        .clients
        .iter()
        .filter(|client| client.account == account)
    {
        let voice = sample
            .voices
            .get(&client.name)
            .map_or("maya", String::as_str);
        for role in clients
            .roles
            .iter()
            .filter(|role| sample.roles.contains(&role.name))
        {
            let prompt = role
                .prompt
                .replace("{client}", &client.name)
                .replace("{business}", &client.business)
                .replace("{hours}", &client.hours)
                .replace("{services}", &client.services)
                .replace("{agent}", &client.agent);
            let name = format!("{} – {}", client.name, role.name);
            bodies.push(persona(&name, voice, "en-US", &prompt));
        }
    }
    for extra in sample.extras.iter().filter(|it| it.account == account) {
        let mut body = persona(&extra.name, &extra.voice, &extra.language, &extra.prompt);
        if extra.is_draft {
            body.insert(IS_DRAFT.to_owned(), json!(true));
        }
        bodies.push(body);
    }
    bodies
}

/// What sets a persona apart from the fixture; [`persona_form`] has the rest, so that many fit into the memory.
fn persona(name: &str, voice: &str, language: &str, prompt: &str) -> Map<String, Value> {
    object(json!({ "name": name, "voice": voice, "language": language, "prompt": prompt }))
}

/// A persona as on the wire, but for its id and its times.
pub(super) fn persona_form(body: &Map<String, Value>) -> Map<String, Value> {
    static PERSONAS: LazyLock<[Map<String, Value>; 2]> =
        LazyLock::new(|| [template(PERSONA), template(PERSONA_DRAFT)]);
    let [promoted, draft] = &*PERSONAS;
    let (mut form, version) = if body.contains_key(IS_DRAFT) {
        (draft.clone(), "current_draft_version")
    } else {
        (promoted.clone(), "current_production_version")
    };
    let field = |name: &str| body.get(name).cloned().unwrap_or_default();
    form.insert("name".to_owned(), field("name"));
    say(&mut form[version], body);
    if let Some(tags) = body.get("tags") {
        form.insert("tags".to_owned(), tags.clone());
    }
    if let Some(Value::Object(draft)) = body.get(DRAFT) {
        say(&mut form["current_draft_version"], draft);
    }
    form
}

/// Puts what a persona says into a version of it.
fn say(version: &mut Value, words: &Map<String, Value>) {
    let field = |name: &str| words.get(name).cloned().unwrap_or_default();
    version["personality_prompt"] = field("prompt");
    if !version["call_config"].is_object() {
        version["call_config"] = json!({});
    }
    version["call_config"]["voice"] = field("voice");
    version["call_config"]["language"] = field("language");
    if let Some(first) = words.get("first_sentence") {
        version["call_config"]["first_sentence"] = first.clone();
    }
}

/// A v2 agent with its environments and versions, which the wire has on pages of their own.
fn agent(agent: &V2Agent) -> Map<String, Value> {
    let mut body = fresh_agent(&agent.name);
    let mut versions = Map::new();
    if let Some(prompt) = &agent.prompt {
        let saved = version(agent, prompt);
        if let Some(semver) = &agent.production {
            versions.insert(semver.clone(), saved.clone());
        }
        let latest = agent
            .newer_prompt
            .as_ref()
            .map_or(saved, |newer| version(agent, newer));
        versions.insert("latest".to_owned(), latest);
    }
    if let Some(semver) = &agent.production {
        let production = body["environments"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .find(|environment| environment["env_type"] == "production");
        if let Some(production) = production {
            let id = stable_id(&["version", &agent.name, semver]);
            production["current_version_id"] = json!(id);
            production["current_version"] = json!({ "name": null, "semver": semver });
        }
    }
    body.insert("versions".to_owned(), Value::Object(versions));
    body
}

fn version(agent: &V2Agent, prompt: &str) -> Value {
    let mut version = Value::Object(template(VERSION));
    let settings = &mut version["snapshot"]["settings"];
    settings["displayName"] = json!(agent.name);
    settings["systemPrompt"] = json!(prompt);
    settings["voice"] = json!(agent.voice);
    settings["languages"] = json!(agent.languages);
    version
}

/// An agent without a version.
pub(super) fn fresh_agent(name: &str) -> Map<String, Value> {
    let mut body = template(AGENT);
    body.insert("name".to_owned(), json!(name));
    body.remove("color");
    let mut environments: Value = serde_json::from_str(ENVIRONMENTS).unwrap_or_default();
    for environment in environments.as_array_mut().into_iter().flatten() {
        environment["current_version_id"] = Value::Null;
        environment["current_version"] = Value::Null;
    }
    body.insert("environments".to_owned(), environments);
    body.insert("versions".to_owned(), json!({}));
    body
}

/// A plain persona, for accounts of any size.
pub(super) fn seeded_persona(name: &str) -> Map<String, Value> {
    persona(
        name,
        "maya",
        "en-US",
        &format!("You are {name}. Answer briefly."),
    )
}

/// A plain number: the `number`th of an account of any size.
pub(super) fn seeded_number(number: usize, persona_id: Option<&str>) -> Map<String, Value> {
    object(json!({ "label": format!("Seeded number {number:05}"), "persona_id": persona_id }))
}

/// A number as on the wire, but for itself and its time: what was set of it, and for the rest the fixture.
pub(super) fn number_form(number: &str, body: &Map<String, Value>) -> Map<String, Value> {
    static NUMBERS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
        let mut number = template(NUMBER);
        for field in ["persona_id", "pathway_id", "prompt", "label"] {
            number.insert(field.to_owned(), Value::Null);
        }
        number
    });
    let mut form = NUMBERS.clone();
    form.insert("area_code".to_owned(), json!(number.get(2..5)));
    form.extend(body.clone());
    form
}

/// A fixture without what makes it one certain item.
fn template(fixture: &str) -> Map<String, Value> {
    let mut body: Map<String, Value> =
        serde_json::from_str(fixture).expect("the fixtures are checked by the conversion tests");
    for field in ["id", "org_id", "created_at", "updated_at"] {
        body.remove(field);
    }
    body
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
