//! What an account's provider tells of its calls, by webhook or by list, written down: the call is found, or is a foreign one
//! and becomes a new row (C6), and what is told moves it (C5). A part of a call never ends it: then it is asked about first.
//! It asks no provider, and who told was proven before.

use std::{collections::HashMap, time::Duration};

use super::{Origin, State, look::LookJob, progress_of, report, set_progress};
use crate::{
    app::App,
    clock::Timestamp,
    error::Result,
    health::answer::record_health,
    id::{AccountId, AgencyId, AgentId, CallId, ClientId, PhoneNumberId},
    jobs, keys,
    providers::{CallDirection, EndCause, ProviderError, RemoteCall},
    routing::receipt::Receipt,
    store::{self, Conn, calls::CallRow, provider_keys::KeyRow},
};

/// A live call that the account's list tells of is asked about after this.
const FOLLOW_AFTER: Duration = Duration::from_secs(3);
/// Where webhooks arrive, a live call is not asked about before this is over without one.
const QUIET_TIME: Duration = Duration::from_mins(2);

/// Where a call that a provider tells of stands here.
pub(crate) enum Found {
    /// It is a call of the account, or one that was placed there and of which nobody has told yet.
    Here(Box<CallRow>),
    /// Another row of the account's agency has it; what this account's provider tells does not touch that one.
    Elsewhere,
    /// Nobody here has heard of it.
    Nowhere,
}

/// What became of what was told.
pub(crate) enum Outcome {
    /// The call was written.
    Written(Box<CallRow>),
    /// It was known already, or is none of this account's.
    Unchanged,
    /// Too little is told to take it for a foreign call: it may be one that was placed from here.
    TooLittle,
    /// Somebody else has written the call meanwhile; begin again.
    Outdated,
}

/// By what was told of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    Webhook,
    List,
}

/// The call that is told of, by the provider's id of it, else by ours that came back with it.
pub(crate) async fn find(
    conn: &mut Conn,
    (agency, account): (&AgencyId, &AccountId),
    provider: &str,
    told: &RemoteCall,
) -> Result<Found> {
    let remote_id = &told.remote_id;
    if let Some(row) = store::calls::find_by_remote(conn, agency, account, remote_id).await? {
        return Ok(Found::Here(Box::new(row)));
    }
    if let Some(id) = &told.call_id {
        let id = CallId::from(id.as_str());
        let ours = store::calls::find(conn, agency, None, &id).await?;
        // Metadata may have been copied to a call that is none of ours.
        let ours = ours.filter(|row| row.remote_id.is_none() && row.provider == provider);
        match ours {
            Some(row) if row.account_id == *account => return Ok(Found::Here(Box::new(row))),
            Some(_) => return Ok(Found::Elsewhere),
            None => {}
        }
    }
    let ids = [remote_id.clone()];
    let known = store::call_parties::list_known(conn, agency, &ids).await?;
    Ok(if known.iter().any(|row| row.provider == provider) {
        Found::Elsewhere
    } else {
        Found::Nowhere
    })
}

/// Writes down what is told of a call of the account that `key` opens, in the caller's transaction.
pub(crate) async fn write(
    conn: &mut Conn,
    key: &KeyRow,
    parties: &Parties,
    (told, means): (&RemoteCall, Means),
    now: Timestamp,
) -> Result<Outcome> {
    let account = (&key.agency_id, &key.version.account_id);
    match find(conn, account, &key.provider, told).await? {
        Found::Here(row) => apply(conn, *row, told, means, now).await,
        Found::Elsewhere => Ok(Outcome::Unchanged),
        Found::Nowhere if !told.is_whole => Ok(Outcome::TooLittle),
        Found::Nowhere => {
            let row = foreign(key, parties, told, now)?;
            if !store::calls::insert(conn, &row).await? {
                return Ok(Outcome::Outdated);
            }
            if let Some(at) = row.look_at {
                jobs::enqueue_at(conn, &LookJob::of(&row), at, now).await?;
            }
            Ok(Outcome::Written(Box::new(row)))
        }
    }
}

/// Moves a call by what is told of it, in the caller's transaction. An end that is told in part is not believed before the
/// provider was asked for the rest.
pub(crate) async fn apply(
    conn: &mut Conn,
    mut row: CallRow,
    told: &RemoteCall,
    means: Means,
    now: Timestamp,
) -> Result<Outcome> {
    let before = progress_of(&row)?;
    let is_first_told = row.remote_id.is_none();
    if told.is_over && !told.is_whole {
        if before.is_settled && !is_first_told {
            return Ok(Outcome::Unchanged);
        }
        row.remote_id.get_or_insert_with(|| told.remote_id.clone());
        row.look_at = Some(now);
        if !store::calls::update(conn, &row, now).await? {
            return Ok(Outcome::Outdated);
        }
        row.revision += 1;
        look_at(conn, &row, now, now).await?;
        return Ok(Outcome::Written(Box::new(row)));
    }
    if before.after(told, now) == before && !is_first_told {
        return Ok(Outcome::Unchanged);
    }
    if means == Means::Webhook && row.look_at.is_some() && !told.is_over {
        row.look_at = Some(now.plus(QUIET_TIME));
    }
    if !report(conn, &mut row, told, now).await? {
        return Ok(Outcome::Outdated);
    }
    match row.look_at {
        None => jobs::cancel(conn, &LookJob::of(&row)).await?,
        Some(at) if means == Means::Webhook => look_at(conn, &row, at, now).await?,
        Some(_) => {}
    }
    Ok(Outcome::Written(Box::new(row)))
}

async fn look_at(conn: &mut Conn, row: &CallRow, at: Timestamp, now: Timestamp) -> Result<()> {
    let job = LookJob::of(row);
    if !jobs::enqueue_at(conn, &job, at, now).await? {
        jobs::hasten(conn, &job, at).await?;
    }
    Ok(())
}

/// A call that ended for want of funds says so of the key that it went over (R7), where that version is the one in use and
/// was not checked since.
pub(crate) async fn note_end(app: &App, row: &CallRow) -> Result<()> {
    if row.end_cause.as_deref() != Some(EndCause::NoFunds.as_str()) {
        return Ok(());
    }
    let mut conn = app.db.read().await?;
    let key = store::provider_keys::find(&mut conn, &row.agency_id, &row.key_id).await?;
    drop(conn);
    let is_news = |key: &KeyRow| row.ended_at > key.checked_at;
    match key.filter(|key| key.version.version == row.key_version && is_news(key)) {
        Some(key) => {
            let message = row.ended_reason.clone();
            record_health(app, &key, &ProviderError::NoFunds { message }).await
        }
        None => Ok(()),
    }
}

/// The agents and numbers that a few calls are between.
#[derive(Default)]
pub(crate) struct Parties {
    agents: HashMap<String, (AgentId, Option<ClientId>)>,
    lines: HashMap<String, Line>,
}

#[derive(Clone)]
struct Line {
    id: PhoneNumberId,
    number: Option<String>,
}

impl Parties {
    /// Those of at most [`store::batch::BATCH`] calls of the account that `key` opens.
    pub(crate) async fn of<'a>(
        conn: &mut Conn,
        key: &KeyRow,
        calls: impl Iterator<Item = &'a RemoteCall> + Clone,
    ) -> Result<Self> {
        let (agency, account) = (&key.agency_id, &key.version.account_id);
        let distinct = |names: &mut Vec<String>| {
            names.sort_unstable();
            names.dedup();
        };
        let mut agents: Vec<String> = calls
            .clone()
            .filter_map(|call| call.agent_remote_id.clone())
            .collect();
        let mut ids: Vec<String> = calls
            .clone()
            .filter_map(|call| call.number_remote_id.clone())
            .collect();
        let mut numbers: Vec<String> = calls.filter_map(|call| own_number(call).cloned()).collect();
        for names in [&mut agents, &mut ids, &mut numbers] {
            distinct(names);
        }
        let mut parties = Self::default();
        for row in store::call_parties::list_speakers(conn, agency, account, &agents).await? {
            let agent = (row.agent_id, row.client_id);
            parties.agents.insert(row.remote_id, agent);
        }
        let by_number =
            store::call_parties::list_lines_by_number(conn, agency, account, &numbers).await?;
        let by_id = store::call_parties::list_lines(conn, agency, account, &ids).await?;
        for row in by_number.into_iter().chain(by_id) {
            let line = Line {
                id: row.id,
                number: row.number.clone(),
            };
            if let Some(number) = row.number {
                parties.lines.insert(number, line.clone());
            }
            parties.lines.insert(row.remote_id, line);
        }
        Ok(parties)
    }

    fn line(&self, call: &RemoteCall) -> Option<&Line> {
        let names = [call.number_remote_id.as_ref(), own_number(call)];
        let mut known = names.into_iter().flatten();
        known.find_map(|name| self.lines.get(name))
    }
}

/// The side of a call that is the account's.
fn own_number(call: &RemoteCall) -> Option<&String> {
    match call.direction {
        Some(CallDirection::Inbound) => call.to.as_ref(),
        _ => call.from.as_ref(),
    }
}

/// The row of a call that was not placed from here: of the key that told of it, whose account pays, and of the client whose
/// agent spoke, or whose own key it is. It holds no lease: nobody here asked for it.
fn foreign(key: &KeyRow, parties: &Parties, told: &RemoteCall, now: Timestamp) -> Result<CallRow> {
    let agent = told
        .agent_remote_id
        .as_ref()
        .and_then(|id| parties.agents.get(id));
    let line = parties.line(told);
    let own_number = line.and_then(|line| line.number.clone());
    let is_inbound = told.direction == Some(CallDirection::Inbound);
    let (to_number, from_number) = if is_inbound {
        (told.to.clone().or(own_number), told.from.clone())
    } else {
        (told.to.clone(), told.from.clone().or(own_number))
    };
    let made_at = told.created_at_ms.or(told.started_at_ms);
    let receipt = Receipt {
        payer: Some(key.scope_kind.clone()),
        key_id: Some(key.id.as_str().to_owned()),
        key_version: Some(key.version.version),
        account_id: Some(key.version.account_id.as_str().to_owned()),
        remote_agent_id: told.agent_remote_id.clone(),
        has_passed_over_agency: false,
        doubt: None,
    };
    let mut row = CallRow {
        id: CallId::new(),
        agency_id: key.agency_id.clone(),
        client_id: agent
            .and_then(|(_, client)| client.clone())
            .or_else(|| keys::client_of(key)),
        agent_id: agent.map(|(agent, _)| agent.clone()),
        provider: key.provider.clone(),
        account_id: key.version.account_id.clone(),
        key_id: key.id.clone(),
        key_version: key.version.version,
        payer: key.scope_kind.clone(),
        origin: Origin::Imported.as_str().to_owned(),
        direction: told
            .direction
            .unwrap_or(CallDirection::Outbound)
            .as_str()
            .to_owned(),
        requested_by: None,
        api_key_id: None,
        remote_id: Some(told.remote_id.clone()),
        to_number,
        from_number,
        phone_number_id: line.map(|line| line.id.clone()),
        state: State::Placing.as_str().to_owned(),
        provider_status: String::new(),
        ended_reason: None,
        end_cause: None,
        error_code: None,
        error_message: None,
        route: serde_json::to_string(&receipt)?,
        cost_micros: None,
        cost_currency: None,
        duration_ms: None,
        created_at: made_at.map_or(now, Timestamp::from_millis),
        updated_at: now,
        started_at: None,
        ended_at: None,
        lease_holder: None,
        lease_until: None,
        look_at: Some(now.plus(FOLLOW_AFTER)),
        look_count: 0,
        revision: 0,
        agent_name: None,
        client_name: None,
    };
    let progress = progress_of(&row)?.after(told, now);
    if progress.is_settled {
        row.look_at = None;
    }
    set_progress(&mut row, progress);
    Ok(row)
}
