//! The agents of a placement run, and what becomes of each. A row's state moves only from the state that the writer
//! has seen, so that of two workers one makes an agent and the other one does nothing.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, PlacementItemId, PlacementRunId},
    store::{
        Conn,
        batch::{BATCH, bind_hundred, hundred},
        keyset::{Keyset, KeysetSql, keyset_sql},
        on, storable,
    },
};

/// An agent of a run.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct PlacementItemRow {
    pub(crate) id: PlacementItemId,
    pub(crate) run_id: PlacementRunId,
    pub(crate) agent_id: AgentId,
    pub(crate) account_id: AccountId,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) marker: String,
    pub(crate) is_look_first: bool,
    pub(crate) attempts: i64,
    pub(crate) intended_at: Option<Timestamp>,
    pub(crate) remote_id: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) finished_at: Option<Timestamp>,
}

macro_rules! select {
    () => {
        "SELECT i.id, i.run_id, i.agent_id, i.account_id, i.name, i.state, i.marker, i.is_look_first, i.attempts, \
         i.intended_at, i.remote_id, i.error_code, i.message, i.finished_at FROM placement_items i "
    };
}

/// Adds agents to a run.
pub(crate) async fn insert_many(
    conn: &mut Conn,
    agency: &AgencyId,
    rows: &[PlacementItemRow],
) -> Result<()> {
    const SQL: &str = "INSERT INTO placement_items (id, run_id, agency_id, agent_id, account_id, name, state, marker, \
        is_look_first, intended_at) ";
    for batch in rows.chunks(BATCH) {
        on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut values, row| {
                values
                    .push_bind(&row.id)
                    .push_bind(&row.run_id)
                    .push_bind(agency)
                    .push_bind(&row.agent_id)
                    .push_bind(&row.account_id)
                    .push_bind(storable(&row.name))
                    .push_bind(&row.state)
                    .push_bind(&row.marker)
                    .push_bind(row.is_look_first)
                    .push_bind(row.intended_at);
            });
            statement.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Agents of a run of which it is not known whether they were made, or whether an attempt before made them.
pub(crate) async fn list_to_look_for(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
    limit: i64,
) -> Result<Vec<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id = $1 AND i.run_id = $2 AND (i.state = 'creating' OR (i.state = 'pending' AND i.is_look_first)) \
         ORDER BY i.id LIMIT $3"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(run).bind(limit).fetch_all(c).await)?)
}

/// The next agent of a run that nothing was done for.
pub(crate) async fn find_next(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
) -> Result<Option<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id = $1 AND i.run_id = $2 AND i.state = 'pending' ORDER BY i.id LIMIT 1"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(run).fetch_optional(c).await)?)
}

/// The newest attempt to make an agent, in whichever account.
pub(crate) async fn find_newest(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<Option<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id = $1 AND i.agent_id = $2 ORDER BY i.id DESC LIMIT 1"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(agent).fetch_optional(c).await)?)
}

/// Whether an agent is being made somewhere at this moment.
pub(crate) async fn is_in_the_making(
    conn: &mut Conn,
    agency: &AgencyId,
    agent: &AgentId,
) -> Result<bool> {
    const SQL: &str = "SELECT count(*) FROM placement_items \
        WHERE agency_id = $1 AND agent_id = $2 AND state = 'creating'";
    let count: i64 =
        on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(agent).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Agents that are being made in an account at this moment.
pub(crate) async fn list_in_the_making(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Vec<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id = $1 AND i.account_id = $2 AND i.state = 'creating' ORDER BY i.id LIMIT 100"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_all(c).await)?)
}

/// What was ever made in an account under one of up to a hundred markers, the oldest first.
pub(crate) async fn list_by_markers(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    markers: &[String],
) -> Result<Vec<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id || '' = $1 AND i.account_id = $102 AND i.marker IN (",
        hundred!(),
        ") ORDER BY i.id"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), markers)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// Of up to a hundred agents the attempts in an account that were never confirmed, the oldest first.
pub(crate) async fn list_unconfirmed(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    agents: &[String],
) -> Result<Vec<PlacementItemRow>> {
    const SQL: &str = concat!(
        select!(),
        "WHERE i.agency_id || '' = $1 AND i.account_id = $102 AND i.state = 'unconfirmed' AND i.agent_id IN (",
        hundred!(),
        ") ORDER BY i.id"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), agents)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// Says that the provider is about to be asked; false when somebody else has said so.
pub(crate) async fn begin(
    conn: &mut Conn,
    agency: &AgencyId,
    item: &PlacementItemId,
    name: &str,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE placement_items SET state = 'creating', name = $3, intended_at = $4, \
        attempts = attempts + 1, error_code = NULL WHERE agency_id = $1 AND id = $2 AND state = 'pending'";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(item)
        .bind(storable(name))
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// What the provider answered that says neither that the agent is there nor that it is not.
pub(crate) async fn note_answer(
    conn: &mut Conn,
    agency: &AgencyId,
    item: &PlacementItemId,
    code: &str,
    message: &str,
) -> Result<()> {
    const SQL: &str = "UPDATE placement_items SET error_code = $3, message = $4 \
        WHERE agency_id = $1 AND id = $2 AND state = 'creating'";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(item)
        .bind(code)
        .bind(message)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Says that the agent is not there, so that it may be made.
pub(crate) async fn put_back(
    conn: &mut Conn,
    agency: &AgencyId,
    item: &PlacementItemId,
    message: Option<&str>,
) -> Result<()> {
    const SQL: &str = "UPDATE placement_items SET state = 'pending', is_look_first = $4, message = $3 \
        WHERE agency_id = $1 AND id = $2 AND state IN ('pending', 'creating')";
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(item)
        .bind(message)
        .bind(false)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// How an agent of a run ended.
#[derive(Clone, Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) state: &'a str,
    pub(crate) remote_id: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
}

/// Writes how it ended; false when it has ended before. One that was never confirmed may still be found.
pub(crate) async fn end(
    conn: &mut Conn,
    agency: &AgencyId,
    item: &PlacementItemId,
    ending: &Ending<'_>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE placement_items SET state = $3, remote_id = $4, error_code = $5, message = $6, \
        finished_at = $7 WHERE agency_id = $1 AND id = $2 AND state IN ('pending', 'creating', 'unconfirmed')";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(item)
        .bind(ending.state)
        .bind(ending.remote_id)
        .bind(ending.code)
        .bind(ending.message)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(updated == 1)
}

/// Ends what is left of a run that goes on no more: what was being made stays unconfirmed, the rest is skipped. How many
/// of either.
pub(crate) async fn end_all(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
    (unconfirmed, skipped): (&str, &str),
    now: Timestamp,
) -> Result<(i64, i64)> {
    const SQL: &str = "UPDATE placement_items SET state = $4, message = $5, finished_at = $6 \
        WHERE agency_id = $1 AND run_id = $2 AND state = $3";
    let mut counts = [0, 0];
    let endings = [
        ("creating", "unconfirmed", unconfirmed),
        ("pending", "skipped", skipped),
    ];
    for (count, (from, to, message)) in counts.iter_mut().zip(endings) {
        let updated = on!(conn, c => sqlx::query(SQL)
            .bind(agency)
            .bind(run)
            .bind(from)
            .bind(to)
            .bind(message)
            .bind(now)
            .execute(c)
            .await
            .map(|r| r.rows_affected()))?;
        *count = i64::try_from(updated).unwrap_or(i64::MAX);
    }
    Ok((counts[0], counts[1]))
}

pub(super) const BY_ID: KeysetSql = keyset_sql!(
    concat!(
        select!(),
        "WHERE i.agency_id = $1 AND i.run_id = $2 AND ($3 = '' OR $3 LIKE '%|' || i.state || '|%')"
    ),
    "i.id", "i.id", limit "$4", key "$5", after "$6"
);

/// One page of a run's agents.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
    states: &str,
    page: &Keyset,
) -> Result<Vec<PlacementItemRow>> {
    let sql = BY_ID.text(page, false);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(run)
        .bind(states)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many of them there are.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &PlacementRunId,
    states: &str,
) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM placement_items i WHERE i.agency_id = $1 AND i.run_id = $2 \
        AND ($3 = '' OR $3 LIKE '%|' || i.state || '|%')";
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(run)
        .bind(states)
        .fetch_one(c)
        .await)?)
}
