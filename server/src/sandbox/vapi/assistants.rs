//! `/assistant`: list, read, create, change, delete, with Vapi's statuses and texts. A handler locks the world for the
//! time of one answer and holds nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Map, Value};

use super::super::Shared;
use super::super::accounts::Item;
use super::super::gate::Caller;
use super::{Refusal, object, query, unknown_properties, wire_form};

/// The properties of `CreateAssistantDTO`, from the official SDK of 2026-11.
const PROPERTIES: &[&str] = &[
    "analysisPlan",
    "artifactPlan",
    "backgroundSound",
    "backgroundSpeechDenoisingPlan",
    "clientMessages",
    "compliancePlan",
    "credentialIds",
    "credentials",
    "endCallMessage",
    "endCallPhrases",
    "firstMessage",
    "firstMessageInterruptionsEnabled",
    "firstMessageMode",
    "hooks",
    "keypadInputPlan",
    "maxDurationSeconds",
    "metadata",
    "model",
    "modelOutputInMessagesEnabled",
    "monitorPlan",
    "name",
    "observabilityPlan",
    "server",
    "serverMessages",
    "startSpeakingPlan",
    "stopSpeakingPlan",
    "transcriber",
    "transportConfigurations",
    "voice",
    "voicemailDetection",
    "voicemailMessage",
];

/// Whose models an assistant may have, from the same SDK.
const MODEL_PROVIDERS: &[&str] = &[
    "anthropic",
    "anthropic-bedrock",
    "anyscale",
    "cerebras",
    "custom-llm",
    "deep-seek",
    "deepinfra",
    "google",
    "groq",
    "inflection-ai",
    "minimax",
    "openai",
    "openrouter",
    "perplexity-ai",
    "together-ai",
    "vapi",
    "xai",
];

/// Whose voices, likewise.
const VOICE_PROVIDERS: &[&str] = &[
    "11labs",
    "azure",
    "cartesia",
    "custom-voice",
    "deepgram",
    "hume",
    "inworld",
    "lmnt",
    "microsoft",
    "minimax",
    "neuphonic",
    "openai",
    "playht",
    "rime-ai",
    "sesame",
    "smallest-ai",
    "tavus",
    "vapi",
    "wellsaid",
    "xai",
];

const MAX_NAME_CHARS: usize = 40;
const MAX_DURATION_SECONDS: f64 = 43_200.0;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query(), &[])?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = account
        .agents
        .iter()
        .filter(|item| caller.sees(&item.id) && query.matches(item))
        .take(query.limit)
        .map(|item| wire_form(item, &account.remote_id));
    Ok(Json(Value::Array(items.collect())))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = account
        .agents
        .iter()
        .find(|item| item.id == id)
        .ok_or_else(|| not_found(&id))?;
    check_visible(&caller, &id)?;
    Ok(Json(wire_form(item, &account.remote_id)))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<impl IntoResponse, Refusal> {
    let body = checked(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let org_id = account.remote_id.clone();
    let at = account.tick();
    let item = Item {
        id: account.next_id("assistant"),
        created_at: at,
        updated_at: at,
        body,
    };
    let created = wire_form(&item, &org_id);
    account.agents.push_front(item);
    Ok((StatusCode::CREATED, Json(created)))
}

/// Merges at the top level; a nested object is replaced whole.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let changes = checked(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let (at, org_id) = (account.tick(), account.remote_id.clone());
    let item = account
        .agents
        .iter_mut()
        .find(|item| item.id == id)
        .ok_or_else(|| not_found(&id))?;
    check_visible(&caller, &id)?;
    item.body.extend(changes);
    item.updated_at = at;
    Ok(Json(wire_form(item, &org_id)))
}

pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let position = account.agents.iter().position(|item| item.id == id);
    check_visible(&caller, &id)?;
    let item = position
        .and_then(|at| account.agents.remove(at))
        .ok_or_else(|| not_found(&id))?;
    Ok(Json(wire_form(&item, &account.remote_id)))
}

fn checked(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    let body = object(body)?;
    let mut problems = unknown_properties(&body, PROPERTIES);
    match body.get("name") {
        Some(Value::String(name)) if name.chars().count() > MAX_NAME_CHARS => {
            problems.push(format!(
                "name must be shorter than or equal to {MAX_NAME_CHARS} characters"
            ));
        }
        Some(Value::String(_) | Value::Null) | None => {}
        Some(_) => problems.push("name must be a string".to_owned()),
    }
    if body
        .get("maxDurationSeconds")
        .and_then(Value::as_f64)
        .is_some_and(|seconds| seconds > MAX_DURATION_SECONDS)
    {
        problems.push(format!(
            "maxDurationSeconds must not be greater than {MAX_DURATION_SECONDS}"
        ));
    }
    check_part(&body, "model", MODEL_PROVIDERS, "model", &mut problems);
    check_part(&body, "voice", VOICE_PROVIDERS, "voiceId", &mut problems);
    if problems.is_empty() {
        Ok(body)
    } else {
        Err(Refusal::validation(&problems))
    }
}

/// A part that names whose it is, and which one; both have to be there.
fn check_part(
    body: &Map<String, Value>,
    name: &str,
    providers: &[&str],
    which: &str,
    problems: &mut Vec<String>,
) {
    let part = match body.get(name) {
        None | Some(Value::Null) => return,
        Some(Value::Object(part)) => part,
        Some(_) => {
            problems.push(format!("{name} must be an object"));
            return;
        }
    };
    let provider = part.get("provider").and_then(Value::as_str);
    if !provider.is_some_and(|provider| providers.contains(&provider)) {
        let providers = providers.join(", ");
        problems.push(format!(
            "{name}.provider must be one of the following values: {providers}"
        ));
    }
    if !part.get(which).is_some_and(Value::is_string) {
        problems.push(format!("{name}.{which} must be a string"));
    }
}

/// A key that is restricted to some assistants is refused the others.
fn check_visible(caller: &Caller, id: &str) -> Result<(), Refusal> {
    if caller.sees(id) {
        Ok(())
    } else {
        Err(Refusal::usual(StatusCode::FORBIDDEN))
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::text(
        StatusCode::NOT_FOUND,
        &format!("Couldn't Find Assistant With Id {id}."),
    )
}

/// The account went away with a reset between the check of the key and the answer.
pub(super) fn gone() -> Refusal {
    Refusal::usual(StatusCode::UNAUTHORIZED)
}
