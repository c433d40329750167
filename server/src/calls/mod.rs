//! Calls: placing one over the key that its route leads to, and finding out what became of it. The intent is committed
//! before the provider is asked, no request stands in a transaction, and nothing is ever dialled twice: a call without an
//! answer is looked for, and ends as found or unconfirmed (C4). It holds no rule about whose key it is: `crate::routing` does.

pub(crate) mod events;
pub(crate) mod import;
pub(crate) mod look;
pub(crate) mod number;
pub(crate) mod place;
pub(crate) mod progress;
mod request;
mod told;
pub(crate) mod webhook;

pub(crate) use progress::{Progress, State};

use std::time::Duration;

use crate::{
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    providers::{CallCost, EndCause, RemoteCall},
    store::{self, Conn, calls::CallRow},
};

/// A call that nobody tells the end of counts as under way for so long at the most (A6). No provider lets one take longer
/// unless its agent says so.
pub(crate) const LONGEST_LEASE: Duration = Duration::from_hours(4);

/// Who asked for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "CallOrigin")]
pub(crate) enum Origin {
    /// A script, with an API key.
    Api,
    /// A person in the web app.
    App,
    /// A person who tries an agent out.
    Test,
    /// Somebody outside of Ringfence: a caller, or whoever uses the account directly.
    Imported,
}

impl Origin {
    /// As the database keeps it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::App => "app",
            Self::Test => "test",
            Self::Imported => "imported",
        }
    }

    /// What [`Origin::as_str`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Api, Self::App, Self::Test, Self::Imported]
            .into_iter()
            .find(|origin| origin.as_str() == text)
    }
}

/// The causes that rows name, by the words that they are kept under.
const CAUSES: [EndCause; 16] = [
    EndCause::CustomerHungUp,
    EndCause::AgentHungUp,
    EndCause::Transferred,
    EndCause::Voicemail,
    EndCause::Busy,
    EndCause::NoAnswer,
    EndCause::Declined,
    EndCause::TimeLimit,
    EndCause::Silence,
    EndCause::Canceled,
    EndCause::NoFunds,
    EndCause::ConcurrencyLimit,
    EndCause::InvalidNumber,
    EndCause::CarrierFailure,
    EndCause::ProviderFailure,
    EndCause::Other,
];

/// The cause of a row's word.
pub(crate) fn cause_of(word: Option<&str>) -> Option<EndCause> {
    CAUSES
        .into_iter()
        .find(|known| Some(known.as_str()) == word)
}

/// How a call stands, as its row says.
pub(crate) fn progress_of(row: &CallRow) -> Result<Progress> {
    let state = State::parse(&row.state)
        .ok_or_else(|| Error::internal(format!("unknown state {:?} of a call", row.state)))?;
    Ok(Progress {
        state,
        provider_status: row.provider_status.clone(),
        ended_reason: row.ended_reason.clone(),
        end_cause: cause_of(row.end_cause.as_deref()).map(EndCause::as_str),
        started_at: row.started_at,
        ended_at: row.ended_at,
        duration_ms: row.duration_ms,
        cost: row.cost_micros.map(|micros| CallCost {
            micros,
            // All three providers bill in it.
            currency: "USD",
        }),
        // Whoever has nothing left to ask for is settled.
        is_settled: row.look_at.is_none() && row.ended_at.is_some(),
    })
}

/// Writes into a row how its call stands.
fn set_progress(row: &mut CallRow, progress: Progress) {
    progress.state.as_str().clone_into(&mut row.state);
    row.provider_status = progress.provider_status;
    row.ended_reason = progress.ended_reason;
    row.end_cause = progress.end_cause.map(str::to_owned);
    row.started_at = progress.started_at;
    row.ended_at = progress.ended_at;
    row.duration_ms = progress.duration_ms;
    row.cost_micros = progress.cost.map(|cost| cost.micros);
    row.cost_currency = progress.cost.map(|cost| cost.currency.to_owned());
}

/// What a report of the provider makes of a call, in the caller's transaction: its row, and what is given back when it is
/// over. False when somebody else has written the call since `row` was read; then it is read again.
pub(crate) async fn report(
    conn: &mut Conn,
    row: &mut CallRow,
    told: &RemoteCall,
    now: Timestamp,
) -> Result<bool> {
    let before = progress_of(row)?;
    let after = before.after(told, now);
    let is_over = after.ended_at.is_some();
    row.remote_id.get_or_insert_with(|| told.remote_id.clone());
    if after.is_settled {
        row.look_at = None;
    }
    if is_over {
        row.lease_until = None;
    }
    set_progress(row, after);
    if !store::calls::update(conn, row, now).await? {
        return Ok(false);
    }
    row.revision += 1;
    if is_over && before.ended_at.is_none() {
        store::calls::release_version(conn, row).await?;
    }
    Ok(true)
}

/// The newest row of a call, for whoever came second.
async fn again(app: &App, row: &CallRow) -> Result<CallRow> {
    let mut conn = app.db.read().await?;
    store::calls::find(&mut conn, &row.agency_id, None, &row.id)
        .await?
        .ok_or(Error::NotFound)
}
