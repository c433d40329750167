//! Placing a call (C1, C4): the route is resolved anew, the intent is committed with its route and its lease, and only then
//! the provider is asked, once. Whatever comes of that is written down; what did not come is left to the job that looks
//! for it (`look`).

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;

use super::{
    LONGEST_LEASE, Origin, State, again, events,
    look::LookJob,
    number,
    request::{self, NamedRequest},
    webhook::CallAddress,
};
use crate::{
    access::{Permission, Viewer},
    api_keys,
    app::App,
    clock::Timestamp,
    error::{Code, Error, Result, provider_code},
    health::answer::{record_health, record_success},
    id::{AgencyId, AgentId, CallId, PhoneNumberId},
    jobs, keys,
    providers::{
        CallStatus, FromNumber, NotPlaced, PlaceCall, PlacedCall, ProviderError, ProviderKind,
        RemoteCall, call_provider,
    },
    routing::{self, Explained, receipt::Receipt, words},
    store::{
        self, Conn, calls::CallRow, idempotent_requests::RequestName,
        phone_numbers::PhoneNumberRow, provider_keys::KeyRow,
    },
};

/// A provider answers within this time, or the call is unknown.
const ASK_TIME: Duration = Duration::from_secs(30);
/// When the job looks, unless it is told to sooner: the process that asked may have died.
const LOOK_AFTER: Duration = Duration::from_secs(45);
/// A request's name is good for so long (C3).
pub(crate) const KEEP_REQUESTS: Duration = Duration::from_hours(24);
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
    /// What the caller names the request, so that it can be sent again (C3).
    pub(crate) idempotency_key: Option<String>,
}

/// What became of a request for a call.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The call; refused by its provider where it has an error.
    pub(crate) row: CallRow,
    /// Where it stood when the request was answered first.
    pub(crate) state: State,
    /// Whether an earlier request of the same name had begun it.
    pub(crate) is_replay: bool,
}

impl Answered {
    /// The call, or why its provider refused it.
    pub(crate) fn placed(&self) -> Result<&CallRow> {
        let Some(code) = self.row.error_code.as_deref() else {
            return Ok(&self.row);
        };
        Err(Error::CallRefused {
            code: Code::parse(code)
                .ok_or_else(|| Error::internal(format!("unknown code {code:?} of a call")))?,
            message: self.row.error_message.clone().unwrap_or_default(),
        })
    }
}

struct Intent {
    row: CallRow,
    key: KeyRow,
    secret: SecretString,
    remote_agent_id: String,
    /// Whether Ringfence made the agent there.
    is_agent_made_here: bool,
    from: Option<PhoneNumberRow>,
}

/// Places a call; or answers again what a request of the same name was answered.
pub(crate) async fn place(app: &App, viewer: &Viewer, new: &NewCall) -> Result<Answered> {
    let agency = viewer.require(Permission::PlaceCalls)?;
    let to = number::check("phoneNumber", &new.to)?;
    let named = NamedRequest::of(viewer, new, &to)?;
    for _ in 0..TRIES {
        if let Some(named) = &named
            && let Some(before) = request::find(app, agency, named).await?
        {
            return Ok(before);
        }
        if let Some(intent) = begin(app, viewer, agency, (new, &to), named.as_ref()).await? {
            let name = named.as_ref().map(|named| named.name(agency));
            let row = ask(app, new, intent, name).await?;
            return Ok(Answered {
                state: super::progress_of(&row)?.state,
                row,
                is_replay: false,
            });
        }
    }
    Err(Error::Conflict(
        "The agent's keys change at this very moment. Nothing was dialled; place the call again."
            .to_owned(),
    ))
}

/// Commits the intent; `None` when the route has changed since it was read, or another request has taken the name.
async fn begin(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    (new, to): (&NewCall, &str),
    named: Option<&NamedRequest>,
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
    let from = from_number(
        app,
        (viewer, agency),
        &explained,
        new.from.as_ref(),
        provider,
    )
    .await?;
    let secret = keys::open(app, key)?;
    let now = app.clock.now();
    let row = new_row(
        viewer,
        agency,
        &explained,
        key,
        (new, to, from.as_ref()),
        now,
    )?;
    let mut tx = app.db.begin().await?;
    check_room(app, &mut tx, viewer, agency, now).await?;
    if !is_as_it_was(&mut tx, agency, key).await? {
        return Ok(None);
    }
    store::calls::insert(&mut tx, &row).await?;
    if let Some(named) = named
        && !request::begin(&mut tx, named.name(agency), &named.hash, &row.id, now).await?
    {
        return Ok(None);
    }
    store::calls::hold_version(&mut tx, &row, now).await?;
    jobs::enqueue_at(&mut tx, &LookJob::of(&row), now.plus(LOOK_AFTER), now).await?;
    tx.commit().await?;
    events::publish(app, &row);
    Ok(Some(Intent {
        remote_agent_id: placement.remote_id.clone(),
        is_agent_made_here: placement.is_made_here,
        key: key.clone(),
        row,
        secret,
        from,
    }))
}

/// Refuses a call too many (A5, A6). The agency's row is held until the transaction ends, so that two requests do not both
/// take the last place, and what is switched off meanwhile places no call (A8).
async fn check_room(
    app: &App,
    conn: &mut Conn,
    viewer: &Viewer,
    agency: &AgencyId,
    now: Timestamp,
) -> Result<()> {
    let row = store::api_keys::lock_access(conn, agency).await?;
    let access: api_keys::Access = row.ok_or(Error::NotFound)?.try_into()?;
    if viewer.api_key().is_some() {
        access.check()?;
    }
    let limit = app.config.api_limits.of(access.plan);
    let holder = viewer.api_key().map_or("", |key| key.lineage.as_str());
    let (of_agency, of_key) = store::calls::count_under_way(conn, agency, holder, now).await?;
    for (count, most, is_of_key) in [
        (of_key, limit.calls_per_key, true),
        (of_agency, limit.calls_per_agency, false),
    ] {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        if count >= most && (!is_of_key || viewer.api_key().is_some()) {
            return Err(Error::TooManyCalls { most, is_of_key });
        }
    }
    Ok(())
}

/// Whether the version that the route leads to is still the one in use; on PostgreSQL it stays so until the transaction ends.
async fn is_as_it_was(conn: &mut Conn, agency: &AgencyId, key: &KeyRow) -> Result<bool> {
    let version = key.version.version;
    let locked = store::health::lock(conn, agency, &key.id, version).await?;
    Ok(locked.is_some_and(|health| health.breaker == key.breaker))
}

async fn from_number(
    app: &App,
    (viewer, agency): (&Viewer, &AgencyId),
    explained: &Explained,
    wanted: Option<&PhoneNumberId>,
    provider: ProviderKind,
) -> Result<Option<PhoneNumberRow>> {
    let found = match (wanted, explained.placement()) {
        (Some(id), Some(placement)) => {
            let account = &placement.account_id;
            let mut conn = app.db.read().await?;
            let row = store::phone_numbers::find_in_account(&mut conn, agency, account, id).await?;
            // The numbers of other agents are not for a client's people.
            let is_own = |row: &PhoneNumberRow| {
                viewer.client().is_none()
                    || row.agent_id.as_deref() == Some(explained.agent.id.as_str())
            };
            Some(row.filter(is_own).ok_or_else(|| {
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
    (new, to, from): (&NewCall, &str, Option<&PhoneNumberRow>),
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
        updated_at: now,
        started_at: None,
        ended_at: None,
        lease_holder: viewer.api_key().map(|key| key.lineage.as_str().to_owned()),
        lease_until: Some(now.plus(LONGEST_LEASE)),
        look_at: Some(now.plus(LOOK_AFTER)),
        look_count: 0,
        revision: 0,
        agent_name: Some(explained.agent.name.clone()),
        client_name: explained.client.as_ref().map(|row| row.name.clone()),
    })
}

/// Asks the provider, once.
async fn ask(
    app: &App,
    new: &NewCall,
    intent: Intent,
    name: Option<RequestName<'_>>,
) -> Result<CallRow> {
    let Intent {
        row,
        key,
        secret,
        remote_agent_id,
        is_agent_made_here,
        from,
    } = intent;
    let provider = keys::provider_of(&row.provider)?;
    let region = keys::region_of(&key.version.region)?;
    let base_url = match keys::host(app, provider, region) {
        Ok(base_url) => base_url,
        Err(error) => {
            let failure = (error.code(), error.to_string());
            return write(app, row, &Heard::Refused(failure), name).await;
        }
    };
    let address = CallAddress::of(app, &row, is_agent_made_here, base_url);
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
        webhook: address.as_ref().map(CallAddress::as_webhook),
        variables: &new.variables,
    };
    match call_provider(provider).place_call(&target, &call).await {
        Ok(placed) => {
            let row = write(app, row, &Heard::Taken(Box::new(told(placed))), name).await?;
            record_success(app, &key).await?;
            Ok(row)
        }
        Err(NotPlaced {
            error,
            may_have_dialled: true,
        }) => {
            tracing::warn!(
                call.id = %row.id, provider.kind = row.provider, %error,
                "a call got no answer; it is looked for"
            );
            write(app, row, &Heard::Nothing, name).await
        }
        Err(NotPlaced { error, .. }) => {
            let failure = (code_of(&error), refusal(provider, &error));
            let row = write(app, row, &Heard::Refused(failure), name).await?;
            record_health(app, &key, &error).await?;
            Ok(row)
        }
    }
}

/// What the request that dials was answered.
enum Heard {
    /// The provider has taken the call.
    Taken(Box<RemoteCall>),
    /// No answer said whether it was dialled.
    Nothing,
    /// It was not dialled, for this reason.
    Refused((Code, String)),
}

/// Writes down what was heard, and what the caller is answered. A webhook may have told more of the call meanwhile.
async fn write(
    app: &App,
    mut row: CallRow,
    heard: &Heard,
    name: Option<RequestName<'_>>,
) -> Result<CallRow> {
    loop {
        let now = app.clock.now();
        let mut tx = app.db.begin().await?;
        let is_written = match heard {
            Heard::Taken(told) => super::report(&mut tx, &mut row, told, now).await?,
            Heard::Nothing => unknown(&mut tx, &mut row, now).await?,
            Heard::Refused(failure) => refused(&mut tx, &mut row, failure, now).await?,
        };
        if !is_written {
            drop(tx);
            row = again(app, &row).await?;
            continue;
        }
        if row.look_at.is_some() {
            jobs::hasten(&mut tx, &LookJob::of(&row), now).await?;
        } else {
            jobs::cancel(&mut tx, &LookJob::of(&row)).await?;
        }
        if let Some(name) = name {
            store::idempotent_requests::answer(&mut tx, name, &row.state).await?;
        }
        tx.commit().await?;
        app.job_bell.notify_waiters();
        events::publish(app, &row);
        return Ok(row);
    }
}

/// Leaves a call of which nobody knows to the job, which looks for it; unless somebody has told of it meanwhile.
async fn unknown(conn: &mut Conn, row: &mut CallRow, now: Timestamp) -> Result<bool> {
    if row.state != State::Placing.as_str() {
        return Ok(true);
    }
    State::Unknown.as_str().clone_into(&mut row.state);
    let is_written = store::calls::update(conn, row, now).await?;
    row.revision += i64::from(is_written);
    Ok(is_written)
}

/// Writes a call that was not dialled, and gives back what it held. It stays in the list of calls.
async fn refused(
    conn: &mut Conn,
    row: &mut CallRow,
    (code, message): &(Code, String),
    now: Timestamp,
) -> Result<bool> {
    State::Failed.as_str().clone_into(&mut row.state);
    row.error_code = Some(code.as_str().to_owned());
    row.error_message = Some(message.clone());
    row.ended_at = Some(now);
    row.lease_until = None;
    row.look_at = None;
    let is_written = store::calls::update(conn, row, now).await?;
    if is_written {
        row.revision += 1;
        store::calls::release_version(conn, row).await?;
    }
    Ok(is_written)
}

/// What a provider's refusal is called: here it is about the call, not about a key that is being checked.
fn code_of(error: &ProviderError) -> Code {
    match error {
        ProviderError::Rejected { .. } | ProviderError::NotFound => Code::ProviderRefused,
        other => provider_code(other),
    }
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
        ProviderError::Rejected {
            message: Some(message),
            ..
        } => format!("{name} refused this call, so nothing was dialled. It said: {message}"),
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
