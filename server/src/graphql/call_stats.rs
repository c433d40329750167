//! Figures about calls: per day and result, per client and payer, and why calls failed. The database sums; here the sums get
//! their units.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    calls::{self, State},
    clock::Timestamp,
    error::{Code, Error, Result},
    graphql::{
        call::{CallCost, CallEndCause, CallFilter, narrowing, payer_of},
        context::ContextExt,
        provider::unknown_word,
        provider_key::KeyScope,
        scalars::Date,
    },
    store::{
        self,
        call_stats::{DayRow, PayerRow, ReasonRow},
    },
};

/// All three voice providers bill in it.
const CURRENCY: &str = "USD";
const DAY_MS: i64 = 86_400_000;
/// No clock on earth is further from UTC.
const MAX_OFFSET_MINUTES: i32 = 14 * 60;

/// How many calls stand alike.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallStatusCount {
    /// Where they stand.
    status: State,
    /// How many they are.
    count: i64,
}

/// The calls of one day; days without a call are left out.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallDay {
    /// The day, by the clock that was asked for.
    date: Date,
    /// All calls of the day.
    count: i64,
    /// The same by where they stand.
    statuses: Vec<CallStatusCount>,
    /// Minutes that they took.
    minutes: f64,
    /// What they cost, so far; needs `VIEW_CALL_COSTS`.
    cost: Option<CallCost>,
}

/// The calls of one client, or of the agency itself, that one kind of key paid for.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallPayer {
    /// The client; null: the agency's own agents.
    client_id: Option<ID>,
    /// What the client is called.
    client_name: Option<String>,
    /// Whose key they went over, and whose account paid.
    payer: KeyScope,
    /// How many they are.
    count: i64,
    /// Minutes that they took.
    minutes: f64,
    /// What they cost, so far; needs `VIEW_CALL_COSTS`.
    cost: Option<CallCost>,
}

/// The calls that failed for one reason.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallFailureCount {
    /// Why they ended; null where they were not placed, or nobody told.
    end_cause: Option<CallEndCause>,
    /// Why they were not placed; null where they were.
    code: Option<Code>,
    /// How many they are.
    count: i64,
}

/// Figures about calls.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct CallStats {
    /// All of them.
    count: i64,
    /// Minutes that they took.
    minutes: f64,
    /// What they cost, so far; needs `VIEW_CALL_COSTS`.
    cost: Option<CallCost>,
    /// By where they stand.
    statuses: Vec<CallStatusCount>,
    /// By day, the first one first.
    days: Vec<CallDay>,
    /// By client and by who paid, the dearest first.
    payers: Vec<CallPayer>,
    /// Calls that failed, found the callee busy, were not answered or could not be confirmed, by reason; the most frequent
    /// first.
    failures: Vec<CallFailureCount>,
}

#[derive(Default)]
pub(crate) struct CallStatsQuery;

#[Object]
impl CallStatsQuery {
    /// Figures about the agency's calls, or those of the viewer's own client.
    #[graphql(complexity = "50 + child_complexity")]
    async fn call_stats(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the calls.")] filter: Option<CallFilter>,
        #[graphql(
            desc = "How far the days' clock is ahead of UTC, in minutes, such as 60 or -300; 0 when absent."
        )]
        utc_offset_minutes: Option<i32>,
    ) -> Result<CallStats> {
        let offset = utc_offset_minutes.unwrap_or_default();
        if offset.abs() > MAX_OFFSET_MINUTES {
            return Err(Error::invalid(
                "utcOffsetMinutes",
                "A clock is at most 840 minutes ahead of UTC or behind it.",
            ));
        }
        let agency = ctx.agency()?;
        let query = narrowing(filter.unwrap_or_default(), ctx.viewer()?.client());
        let mut conn = ctx.app()?.db.read().await?;
        let days = store::call_stats::by_day(&mut conn, agency, &query, i64::from(offset) * 60_000)
            .await?;
        let payers = store::call_stats::by_payer(&mut conn, agency, &query).await?;
        let reasons = store::call_stats::by_reason(&mut conn, agency, &query).await?;
        drop(conn);
        Ok(CallStats {
            count: days.iter().map(|row| row.count).sum(),
            minutes: minutes(days.iter().map(|row| row.duration_ms).sum()),
            cost: Some(cost(days.iter().map(|row| row.cost_micros).sum())),
            statuses: statuses(&days)?,
            days: days
                .chunk_by(|one, next| one.day == next.day)
                .map(day)
                .collect::<Result<_>>()?,
            payers: payers.into_iter().map(payer).collect::<Result<_>>()?,
            failures: reasons.into_iter().map(reason).collect::<Result<_>>()?,
        })
    }
}

fn minutes(duration_ms: i64) -> f64 {
    // Tenths are all that a chart shows, and no sum of calls comes near what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "below 2^52 ms, 142,000 years")]
    let minutes = (duration_ms as f64 / 6_000.0).round() / 10.0;
    minutes
}

fn cost(micros: i64) -> CallCost {
    CallCost::new(micros, CURRENCY)
}

fn status(word: &str) -> Result<State> {
    State::parse(word).ok_or_else(|| unknown_word("state of a call", word))
}

/// The sums over days, in the order of a call's life.
fn statuses(rows: &[DayRow]) -> Result<Vec<CallStatusCount>> {
    let mut counts: Vec<CallStatusCount> = State::ALL
        .into_iter()
        .map(|status| CallStatusCount { status, count: 0 })
        .collect();
    for row in rows {
        let status = status(&row.state)?;
        for entry in counts.iter_mut().filter(|entry| entry.status == status) {
            entry.count += row.count;
        }
    }
    counts.retain(|entry| entry.count > 0);
    Ok(counts)
}

fn day(rows: &[DayRow]) -> Result<CallDay> {
    let number = rows.first().map_or(0, |row| row.day);
    Ok(CallDay {
        date: Timestamp::from_millis(number * DAY_MS).try_into()?,
        count: rows.iter().map(|row| row.count).sum(),
        statuses: statuses(rows)?,
        minutes: minutes(rows.iter().map(|row| row.duration_ms).sum()),
        cost: Some(cost(rows.iter().map(|row| row.cost_micros).sum())),
    })
}

fn payer(row: PayerRow) -> Result<CallPayer> {
    Ok(CallPayer {
        client_id: row.client_id.map(ID),
        client_name: row.client_name,
        payer: payer_of(&row.payer)?,
        count: row.count,
        minutes: minutes(row.duration_ms),
        cost: Some(cost(row.cost_micros)),
    })
}

fn reason(row: ReasonRow) -> Result<CallFailureCount> {
    let code = row.error_code.as_deref();
    Ok(CallFailureCount {
        end_cause: calls::cause_of(row.end_cause.as_deref()).map(Into::into),
        code: code
            .map(|word| Code::parse(word).ok_or_else(|| unknown_word("code of a call", word)))
            .transpose()?,
        count: row.count,
    })
}
