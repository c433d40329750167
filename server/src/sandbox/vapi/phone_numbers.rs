//! `/phone-number` and `/v2/phone-number`: list, read, change, with Vapi's statuses and texts. Twilio numbers answer with
//! made-up secrets, as Vapi's specification has it, so that a client that keeps them is found out.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::super::Shared;
use super::super::accounts::{Account, Item};
use super::super::gate::Caller;
use super::assistants::gone;
use super::{Refusal, object, query, unknown_properties, wire_form};

/// The providers that tell the forms of a change apart, and the properties that each knows besides [`COMMON`].
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "byo-phone-number",
        &["number", "credentialId", "numberE164CheckEnabled"],
    ),
    (
        "twilio",
        &[
            "number",
            "smsEnabled",
            "twilioAccountSid",
            "twilioAuthToken",
            "twilioApiKey",
            "twilioApiSecret",
        ],
    ),
    ("vonage", &["number", "credentialId"]),
    ("vapi", &["sipUri", "authentication"]),
    ("telnyx", &["number", "credentialId"]),
];

const COMMON: &[&str] = &[
    "provider",
    "name",
    "assistantId",
    "squadId",
    "workflowId",
    "server",
    "fallbackDestination",
    "hooks",
];

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::list(uri.query(), &[])?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let items = account
        .numbers
        .iter()
        .filter(|item| query.matches(item))
        .take(query.limit);
    Ok(Json(
        items
            .map(|item| wire_form(item, &account.remote_id))
            .collect(),
    ))
}

pub(super) async fn list_pages(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let query = query::page(uri.query())?;
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let is_found = |item: &&Item| {
        let search = query.search.as_deref();
        let holds = |field| {
            item.text(field).is_some_and(|text| {
                search.is_none_or(|search| text.to_lowercase().contains(search))
            })
        };
        query.list.matches(item) && (search.is_none() || holds("name") || holds("number"))
    };
    let mut found: Vec<&Item> = account.numbers.iter().filter(is_found).collect();
    if query.is_ascending {
        found.reverse();
    }
    let total = found.len();
    let size = query.list.limit;
    let start = (query.page - 1).saturating_mul(size);
    let results: Vec<Value> = found
        .into_iter()
        .skip(start)
        .take(size)
        .map(|item| wire_form(item, &account.remote_id))
        .collect();
    let metadata = json!({
        "itemsPerPage": size,
        "totalItems": total,
        "currentPage": query.page,
        "totalPages": if size == 0 { 0 } else { total.div_ceil(size) },
        "hasNextPage": start.saturating_add(size) < total,
        "sortOrder": if query.is_ascending { "ASC" } else { "DESC" },
    });
    Ok(Json(json!({ "results": results, "metadata": metadata })))
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let world = shared.world();
    let account = world.accounts.account(caller.account).ok_or_else(gone)?;
    let item = account
        .numbers
        .iter()
        .find(|item| item.id == id)
        .ok_or_else(|| not_found(&id))?;
    Ok(Json(wire_form(item, &account.remote_id)))
}

/// Merges at the top level. The body says which provider's form it has, and that must be the number's.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let changes = object(&body)?;
    let mut world = shared.world();
    let account = world
        .accounts
        .account_mut(caller.account)
        .ok_or_else(gone)?;
    let position = account
        .numbers
        .iter()
        .position(|item| item.id == id)
        .ok_or_else(|| not_found(&id))?;
    check(account, &account.numbers[position], &changes)?;
    let (at, org_id) = (account.tick(), account.remote_id.clone());
    let item = &mut account.numbers[position];
    for (name, value) in changes {
        // An optional property that is set to null is absent from the next answer.
        if value.is_null() {
            item.body.remove(&name);
        } else {
            item.body.insert(name, value);
        }
    }
    item.updated_at = at;
    Ok(Json(wire_form(item, &org_id)))
}

fn check(account: &Account, item: &Item, changes: &Map<String, Value>) -> Result<(), Refusal> {
    let provider = changes.get("provider").and_then(Value::as_str);
    let Some((_, own)) = PROPERTIES.iter().find(|(name, _)| Some(*name) == provider) else {
        let names: Vec<&str> = PROPERTIES.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "provider must be one of the following values: {}",
            names.join(", ")
        );
        return Err(Refusal::validation(&[text]));
    };
    if provider != item.text("provider") {
        return Err(Refusal::validation(&[
            "provider must be the provider of the phone number".to_owned(),
        ]));
    }
    let known: Vec<&str> = COMMON.iter().chain(own.iter()).copied().collect();
    let problems = unknown_properties(changes, &known);
    if !problems.is_empty() {
        return Err(Refusal::validation(&problems));
    }
    match changes.get("assistantId") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(id)) if account.agents.iter().any(|item| item.id == *id) => Ok(()),
        Some(_) => Err(Refusal::text(
            StatusCode::BAD_REQUEST,
            "Couldn't Find Assistant For `assistantId`.",
        )),
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::text(
        StatusCode::NOT_FOUND,
        &format!("Couldn't Find Phone Number With Id {id}."),
    )
}
