//! Figures about calls, summed by the database: per day and result, per client and payer, and per reason of a failure. What a
//! day is, the caller says; amounts are millionths of one currency, and calls of other currencies are left out of them.

use sqlx::FromRow;

use super::calls::{CallQuery, filter};
use crate::{
    error::Result,
    id::AgencyId,
    store::{Conn, on},
};

/// The calls of one day that stand alike.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct DayRow {
    /// Days since 1970-01-01, by the caller's clock.
    pub(crate) day: i64,
    pub(crate) state: String,
    pub(crate) count: i64,
    pub(crate) duration_ms: i64,
    pub(crate) cost_micros: i64,
}

/// The calls of one client that one kind of key paid for.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct PayerRow {
    pub(crate) client_id: Option<String>,
    pub(crate) client_name: Option<String>,
    pub(crate) payer: String,
    pub(crate) count: i64,
    pub(crate) duration_ms: i64,
    pub(crate) cost_micros: i64,
}

/// The calls that failed for one reason.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct ReasonRow {
    /// `None`: it has nothing to do with an error of ours.
    pub(crate) error_code: Option<String>,
    pub(crate) end_cause: Option<String>,
    pub(crate) count: i64,
}

macro_rules! fetch {
    ($conn:ident, $sql:ident, $agency:ident, $query:ident $(, $more:expr)?) => {
        on!($conn, c => sqlx::query_as($sql)
            .bind($agency)
            .bind(&$query.client_id)
            .bind(&$query.agent_id)
            .bind(&$query.providers)
            .bind(&$query.payers)
            .bind(&$query.states)
            .bind($query.since)
            .bind($query.until)
            .bind(&$query.origins)
            .bind(&$query.directions)
            $(.bind($more))?
            .fetch_all(c)
            .await)
    };
}

/// By day and state. `offset_ms` is how far the caller's clock is ahead of UTC.
pub(crate) async fn by_day(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &CallQuery,
    offset_ms: i64,
) -> Result<Vec<DayRow>> {
    const SQL: &str = concat!(
        "SELECT (c.created_at + $11) / 86400000 AS day, c.state, count(*) AS count, \
         CAST(COALESCE(SUM(c.duration_ms), 0) AS BIGINT) AS duration_ms, \
         CAST(COALESCE(SUM(c.cost_micros), 0) AS BIGINT) AS cost_micros FROM calls c ",
        filter!(),
        " GROUP BY 1, 2 ORDER BY 1, 2"
    );
    Ok(fetch!(conn, SQL, agency, query, offset_ms)?)
}

/// By client and payer, the dearest first.
pub(crate) async fn by_payer(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &CallQuery,
) -> Result<Vec<PayerRow>> {
    const SQL: &str = concat!(
        "SELECT s.client_id, k.name AS client_name, s.payer, s.count, s.duration_ms, s.cost_micros FROM \
         (SELECT c.client_id, c.payer, count(*) AS count, CAST(COALESCE(SUM(c.duration_ms), 0) AS BIGINT) AS duration_ms, \
         CAST(COALESCE(SUM(c.cost_micros), 0) AS BIGINT) AS cost_micros FROM calls c ",
        filter!(),
        " GROUP BY c.client_id, c.payer) s LEFT JOIN clients k ON k.agency_id = $1 AND k.id = s.client_id \
         ORDER BY s.cost_micros DESC, s.duration_ms DESC, k.name, s.payer"
    );
    Ok(fetch!(conn, SQL, agency, query)?)
}

/// Why calls were not answered or not placed, the most frequent reason first.
pub(crate) async fn by_reason(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &CallQuery,
) -> Result<Vec<ReasonRow>> {
    const SQL: &str = concat!(
        "SELECT c.error_code, c.end_cause, count(*) AS count FROM calls c ",
        filter!(),
        " AND c.state IN ('failed', 'busy', 'no_answer', 'unconfirmed') GROUP BY c.error_code, c.end_cause \
         ORDER BY count(*) DESC, c.error_code, c.end_cause"
    );
    Ok(fetch!(conn, SQL, agency, query)?)
}
