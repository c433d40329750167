//! Placing a call (C1, C4): the route is resolved anew, the intent is committed with its route and its lease, and only then
//! the provider is asked, once. Whatever comes of that is written down; what did not come is left to the job that looks
//! for it (`look`).

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;

use super::{LONGEST_LEASE, Origin, State, again, look::LookJob, number};
use crate::{
    access::{Permission, Viewer},
    app::App,
    clock::Timestamp,
    error::{Code, Error, Result, provider_code},
    id::{AgencyId, AgentId, CallId, PhoneNumberId},
    jobs, keys,
    providers::{
        CallStatus, FromNumber, NotPlaced, PlaceCall, PlacedCall, ProviderError, ProviderKind,
        RemoteCall, call_provider,
    },
    routing::{self, Explained, receipt::Receipt, words},
    store::{self, Conn, calls::CallRow, phone_numbers::PhoneNumberRow, provider_keys::KeyRow},
    sync::run::record_health,
};

/// A provider answers within this time, or the call is unknown.
const ASK_TIME: Duration = Duration::from_secs(30);
/// When the job looks, unless it is told to sooner: the process that asked may have died.
const LOOK_AFTER: Duration = Duration::from_secs(45);
/// A route that changes between reading and writing it is resolved again so often.
const TRIES: usize = 4;

/// A call to place.
pub(crate) struct NewCall {
    pub(crate) agent: AgentId,
    /// Who is called, as it was typed.
    pub(crate) to: String,
    /// Which of the account's numbers it comes from; none: the first that the agent answers.
    pub(crate) from: Option<PhoneNumberId>,
    /// What the agent's prompt may name.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) origin: Origin,
}

/// Who counts the calls that are under way, and how many there may be (A5, A6).
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub(crate) holder: String,
    pub(crate) most: i64,
}

struct Intent {
    row: CallRow,
    key: KeyRow,
    secret: SecretString,
    remote_agent_id: String,
    from: Option<PhoneNumberRow>,
}

/// Places a call.
pub(crate) async fn place(
    app: &App,
    viewer: &Viewer,
    new: &NewCall,
    lease: Option<&Lease>,
) -> Result<CallRow> {
    let agency = viewer.require(Permission::PlaceCalls)?;
    let to = number::check("phoneNumber", &new.to)?;
    for _ in 0..TRIES {
        if let Some(intent) = begin(app, viewer, agency, (new, &to), lease).await? {
            return ask(app, new, intent).await;
        }
    }
    Err(Error::Conflict(
        "The agent's keys change at this very moment. Nothing was dialled; place the call again."
            .to_owned(),
    ))
}

/// Commits the intent; `None` when the route has changed since it was read.
async fn begin(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    (new, to): (&NewCall, &str),
    lease: Option<&Lease>,
) -> Result<Option<Intent>> {
    let explained = routing::explain(app, agency, viewer.client(), &new.agent).await?;
    if let Some(block) = explained.route.block {
        return Err(words::refusal(&explained, block)?);
    }
    let (Some(key), Some(placement)) = (explained.key(), explained.placement()) else {
        return Err(Error::internal(
            "an open route without a key or a placement",
        ));
    };
    let provider = keys::provider_of(&key.provider)?;
    let from = from_number(app, agency, &explained, new.from.as_ref(), provider).await?;
    let secret = keys::open(app, key)?;
    let now = app.clock.now();
    let row = new_row(
        viewer,
        agency,
        &explained,
        key,
        (new, to, from.as_ref(), lease),
        now,
    )?;
    let mut tx = app.db.begin().await?;
    if !is_as_it_was(&mut tx, agency, key).await? {
        return Ok(None);
    }
    if let Some(lease) = lease
        && store::calls::count_under_way(&mut tx, &lease.holder, now).await? >= lease.most
    {
        return Err(Error::TooManyCalls { most: lease.most });
    }
    store::calls::insert(&mut tx, &row).await?;
    store::calls::hold_version(&mut tx, &row, now).await?;
    jobs::enqueue_at(&mut tx, &LookJob::of(&row), now.plus(LOOK_AFTER), now).await?;
    tx.commit().await?;
    Ok(Some(Intent {
        remote_agent_id: placement.remote_id.clone(),
        key: key.clone(),
        row,
        secret,
        from,
    }))
}

/// Whether the version that the route leads to is still the one in use; on PostgreSQL it stays so until the transaction ends.
async fn is_as_it_was(conn: &mut Conn, agency: &AgencyId, key: &KeyRow) -> Result<bool> {
    let version = key.version.version;
    let locked = store::health::lock(conn, agency, &key.id, version).await?;
    Ok(locked.is_some_and(|health| health.breaker == key.breaker))
}

async fn from_number(
    app: &App,
    agency: &AgencyId,
    explained: &Explained,
    wanted: Option<&PhoneNumberId>,
    provider: ProviderKind,
) -> Result<Option<PhoneNumberRow>> {
    let found = match (wanted, explained.placement()) {
        (Some(id), Some(placement)) => {
            let mut conn = app.db.read().await?;
            let account = &placement.account_id;
            let row = store::phone_numbers::find_in_account(&mut conn, agency, account, id).await?;
            Some(row.ok_or_else(|| {
                Error::invalid(
                    "fromNumberId",
                    "The account that this call goes over has no such number. Choose one of that account, or none.",
                )
            })?)
        }
        _ => explained.from_number.clone(),
    };
    if found.is_none() && call_provider(provider).call_info().needs_from_number {
        return Err(Error::NoOutboundNumber(provider));
    }
    Ok(found)
}

fn new_row(
    viewer: &Viewer,
    agency: &AgencyId,
    explained: &Explained,
    key: &KeyRow,
    (new, to, from, lease): (&NewCall, &str, Option<&PhoneNumberRow>, Option<&Lease>),
    now: Timestamp,
) -> Result<CallRow> {
    let taken = explained.route.taken;
    let payer = taken.ok_or_else(|| Error::internal("an open route without a key"))?;
    Ok(CallRow {
        id: CallId::new(),
        agency_id: agency.clone(),
        client_id: explained.agent.client_id.clone(),
        agent_id: Some(explained.agent.id.clone()),
        provider: key.provider.clone(),
        account_id: key.version.account_id.clone(),
        key_id: key.id.clone(),
        key_version: key.version.version,
        payer: payer.as_str().to_owned(),
        origin: new.origin.as_str().to_owned(),
        direction: "outbound".to_owned(),
        requested_by: Some(viewer.user_id.clone()),
        api_key_id: viewer.api_key().map(|key| key.id.as_str().to_owned()),
        remote_id: None,
        to_number: Some(to.to_owned()),
        from_number: from.and_then(|row| row.number.clone()),
        phone_number_id: from.map(|row| row.id.clone()),
        state: State::Placing.as_str().to_owned(),
        provider_status: String::new(),
        ended_reason: None,
        end_cause: None,
        error_code: None,
        error_message: None,
        route: serde_json::to_string(&Receipt::of(explained))?,
        cost_micros: None,
        cost_currency: None,
        duration_ms: None,
        created_at: now,
        started_at: None,
        ended_at: None,
        lease_holder: lease.map(|lease| lease.holder.clone()),
        lease_until: Some(now.plus(LONGEST_LEASE)),
        look_at: Some(now.plus(LOOK_AFTER)),
        look_count: 0,
        revision: 0,
    })
}

/// Asks the provider, once.
async fn ask(app: &App, new: &NewCall, intent: Intent) -> Result<CallRow> {
    let Intent {
        row,
        key,
        secret,
        remote_agent_id,
        from,
    } = intent;
    let provider = keys::provider_of(&row.provider)?;
    let region = keys::region_of(&key.version.region)?;
    let base_url = match keys::host(app, provider, region) {
        Ok(base_url) => base_url,
        Err(error) => {
            refused(app, row, error.code(), &error.to_string()).await?;
            return Err(error);
        }
    };
    let target = keys::target(app, base_url, &secret, ASK_TIME);
    let to = row.to_number.clone().unwrap_or_default();
    let call = PlaceCall {
        call_id: row.id.as_str(),
        remote_agent_id: &remote_agent_id,
        from: from.as_ref().and_then(|row| {
            let number = row.number.as_deref()?;
            Some(FromNumber {
                remote_id: &row.remote_id,
                number,
            })
        }),
        to: &to,
        webhook: None,
        variables: &new.variables,
    };
    match call_provider(provider).place_call(&target, &call).await {
        Ok(placed) => taken(app, row, placed).await,
        Err(not_placed) if not_placed.may_have_dialled => unknown(app, row, &not_placed).await,
        Err(NotPlaced { error, .. }) => {
            let message = refusal(provider, &error);
            refused(app, row, provider_code(&error), &message).await?;
            record_health(app, &key, &error).await?;
            Err(Error::Provider {
                provider,
                cause: error,
                message,
            })
        }
    }
}

/// Writes a call that the provider has taken. A report may have come before the answer.
async fn taken(app: &App, mut row: CallRow, placed: PlacedCall) -> Result<CallRow> {
    let told = told(placed);
    let now = app.clock.now();
    loop {
        let mut tx = app.db.begin().await?;
        if super::report(&mut tx, &mut row, &told, now).await? {
            jobs::hasten(&mut tx, &LookJob::of(&row), now).await?;
            tx.commit().await?;
            app.job_bell.notify_waiters();
            return Ok(row);
        }
        drop(tx);
        row = again(app, &row).await?;
    }
}

/// Leaves a call of which nobody knows to the job, which looks for it.
async fn unknown(app: &App, mut row: CallRow, not_placed: &NotPlaced) -> Result<CallRow> {
    let now = app.clock.now();
    tracing::warn!(
        call.id = %row.id, provider.kind = row.provider, error = %not_placed.error,
        "a call got no answer; it is looked for"
    );
    loop {
        if row.state != State::Placing.as_str() {
            // A webhook has told of it meanwhile.
            return Ok(row);
        }
        State::Unknown.as_str().clone_into(&mut row.state);
        let mut tx = app.db.begin().await?;
        if store::calls::update(&mut tx, &row).await? {
            jobs::hasten(&mut tx, &LookJob::of(&row), now).await?;
            tx.commit().await?;
            app.job_bell.notify_waiters();
            row.revision += 1;
            return Ok(row);
        }
        drop(tx);
        row = again(app, &row).await?;
    }
}

/// Writes a call that the provider refused, and gives back what it held. It stays in the list of calls.
async fn refused(app: &App, mut row: CallRow, code: Code, message: &str) -> Result<()> {
    let now = app.clock.now();
    State::Failed.as_str().clone_into(&mut row.state);
    row.error_code = Some(code.as_str().to_owned());
    row.error_message = Some(message.to_owned());
    row.ended_at = Some(now);
    row.lease_until = None;
    row.look_at = None;
    let mut tx = app.db.begin().await?;
    if store::calls::update(&mut tx, &row).await? {
        store::calls::release_version(&mut tx, &row).await?;
        jobs::cancel(&mut tx, &LookJob::of(&row)).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What a provider's refusal means, for people.
fn refusal(provider: ProviderKind, error: &ProviderError) -> String {
    let name = provider.display_name();
    match error {
        ProviderError::InvalidKey { .. } => format!(
            "{name} refused the stored key, so nothing was dialled. Replace the key; no other one is used instead."
        ),
        ProviderError::MissingPermission { .. } => format!(
            "The key may not place calls at {name}, so nothing was dialled. Give it that permission, or replace it."
        ),
        ProviderError::NoFunds { .. } => {
            format!("The {name} account is out of funds, so nothing was dialled. Top it up.")
        }
        ProviderError::RateLimited { .. } => {
            format!("{name} limits calls right now, so nothing was dialled. Place it again later.")
        }
        ProviderError::Unavailable { .. } => {
            format!("{name} could not be reached, so nothing was dialled. Place it again later.")
        }
        ProviderError::NotFound
        | ProviderError::Rejected { .. }
        | ProviderError::Malformed { .. } => {
            format!("{name} refused this call, so nothing was dialled.")
        }
    }
}

/// What an answer to the request tells of the call. A word that nobody knows is still the word of a provider that has it.
fn told(placed: PlacedCall) -> RemoteCall {
    let is_over = placed.status.is_final();
    let status = match placed.status {
        CallStatus::Unknown(_) => CallStatus::Queued,
        status => status,
    };
    RemoteCall {
        status,
        provider_status: placed.provider_status,
        is_over,
        ..RemoteCall::unknown(placed.remote_id)
    }
}
