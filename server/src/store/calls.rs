//! Calls: the intent, how each stands, and who counts it among those under way. What a report makes of a call is decided in
//! `crate::calls`.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, AgentId, CallId, ClientId, KeyId, PhoneNumberId, UserId},
    store::{
        Conn,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on, unless_taken,
    },
};

/// A call's row.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct CallRow {
    pub(crate) id: CallId,
    pub(crate) agency_id: AgencyId,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) agent_id: Option<AgentId>,
    pub(crate) provider: String,
    pub(crate) account_id: AccountId,
    pub(crate) key_id: KeyId,
    pub(crate) key_version: i64,
    /// `client` or `agency`.
    pub(crate) payer: String,
    /// `api`, `app`, `test` or `imported`.
    pub(crate) origin: String,
    pub(crate) direction: String,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) api_key_id: Option<String>,
    pub(crate) remote_id: Option<String>,
    pub(crate) to_number: Option<String>,
    pub(crate) from_number: Option<String>,
    pub(crate) phone_number_id: Option<PhoneNumberId>,
    pub(crate) state: String,
    pub(crate) provider_status: String,
    pub(crate) ended_reason: Option<String>,
    pub(crate) end_cause: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) route: String,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) cost_currency: Option<String>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) lease_holder: Option<String>,
    pub(crate) lease_until: Option<Timestamp>,
    pub(crate) look_at: Option<Timestamp>,
    pub(crate) look_count: i64,
    pub(crate) revision: i64,
    /// What its agent and its client are called now; read along, never written.
    pub(crate) agent_name: Option<String>,
    pub(crate) client_name: Option<String>,
}

/// What a list of calls is narrowed to; empty texts mean all.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallQuery {
    pub(crate) client_id: String,
    pub(crate) agent_id: String,
    /// Word sets, such as `|vapi|bland|`.
    pub(crate) providers: String,
    pub(crate) payers: String,
    pub(crate) states: String,
    pub(crate) origins: String,
    pub(crate) directions: String,
    pub(crate) since: i64,
    pub(crate) until: i64,
}

macro_rules! select {
    ($tail:expr) => {
        concat!(
            "SELECT c.id, c.agency_id, c.client_id, c.agent_id, c.provider, c.account_id, c.key_id, c.key_version, c.payer, \
             c.origin, c.direction, c.requested_by, c.api_key_id, c.remote_id, c.to_number, c.from_number, \
             c.phone_number_id, c.state, c.provider_status, c.ended_reason, c.end_cause, c.error_code, c.error_message, \
             c.route, c.cost_micros, c.cost_currency, c.duration_ms, c.created_at, c.updated_at, c.started_at, c.ended_at, \
             c.lease_holder, c.lease_until, c.look_at, c.look_count, c.revision, a.name AS agent_name, \
             k.name AS client_name FROM calls c \
             LEFT JOIN agents a ON a.agency_id = c.agency_id AND a.id = c.agent_id \
             LEFT JOIN clients k ON k.agency_id = c.agency_id AND k.id = c.client_id ",
            $tail
        )
    };
}

/// The condition of a [`CallQuery`], bound from `$1` for the agency to `$10`.
macro_rules! filter {
    () => {
        "WHERE c.agency_id = $1 AND ($2 = '' OR c.client_id = $2) AND ($3 = '' OR c.agent_id = $3) \
         AND ($4 = '' OR $4 LIKE '%|' || c.provider || '|%') AND ($5 = '' OR $5 LIKE '%|' || c.payer || '|%') \
         AND ($6 = '' OR $6 LIKE '%|' || c.state || '|%') AND c.created_at >= $7 AND c.created_at < $8 \
         AND ($9 = '' OR $9 LIKE '%|' || c.origin || '|%') AND ($10 = '' OR $10 LIKE '%|' || c.direction || '|%')"
    };
}

pub(super) use filter;

/// Writes a call down; false when the account has one of this remote id already.
pub(crate) async fn insert(conn: &mut Conn, row: &CallRow) -> Result<bool> {
    const SQL: &str = "INSERT INTO calls (id, agency_id, client_id, agent_id, provider, account_id, key_id, key_version, \
        payer, origin, direction, requested_by, api_key_id, remote_id, to_number, from_number, phone_number_id, state, \
        provider_status, ended_reason, end_cause, route, cost_micros, cost_currency, duration_ms, created_at, updated_at, \
        started_at, ended_at, lease_holder, lease_until, look_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
        $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.client_id)
        .bind(&row.agent_id)
        .bind(&row.provider)
        .bind(&row.account_id)
        .bind(&row.key_id)
        .bind(row.key_version)
        .bind(&row.payer)
        .bind(&row.origin)
        .bind(&row.direction)
        .bind(&row.requested_by)
        .bind(&row.api_key_id)
        .bind(&row.remote_id)
        .bind(&row.to_number)
        .bind(&row.from_number)
        .bind(&row.phone_number_id)
        .bind(&row.state)
        .bind(&row.provider_status)
        .bind(&row.ended_reason)
        .bind(&row.end_cause)
        .bind(&row.route)
        .bind(row.cost_micros)
        .bind(&row.cost_currency)
        .bind(row.duration_ms)
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(row.started_at)
        .bind(row.ended_at)
        .bind(&row.lease_holder)
        .bind(row.lease_until)
        .bind(row.look_at)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}

/// A call of this agency; of this client's alone where one is named.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    client: Option<&ClientId>,
    call: &CallId,
) -> Result<Option<CallRow>> {
    const SQL: &str =
        select!("WHERE c.agency_id = $1 AND c.id = $2 AND ($3 = '' OR c.client_id = $3)");
    let client = client.map_or("", ClientId::as_str);
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(call).bind(client).fetch_optional(c).await)?,
    )
}

/// A call by the provider's id of it.
pub(crate) async fn find_by_remote(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_id: &str,
) -> Result<Option<CallRow>> {
    const SQL: &str = select!("WHERE c.agency_id = $1 AND c.account_id = $2 AND c.remote_id = $3");
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).bind(remote_id).fetch_optional(c).await)?,
    )
}

/// Writes how a call stands; false when somebody else has written it since `row` was read, or when another call of the
/// account has this remote id.
pub(crate) async fn update(conn: &mut Conn, row: &CallRow, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE calls SET remote_id = $3, state = $4, provider_status = $5, ended_reason = $6, end_cause = $7, \
        error_code = $8, error_message = $9, cost_micros = $10, cost_currency = $11, duration_ms = $12, started_at = $13, \
        ended_at = $14, lease_until = $15, look_at = $16, look_count = $17, updated_at = $19, \
        revision = revision + 1 WHERE agency_id = $1 AND id = $2 AND revision = $18";
    let updated = on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.id)
        .bind(&row.remote_id)
        .bind(&row.state)
        .bind(&row.provider_status)
        .bind(&row.ended_reason)
        .bind(&row.end_cause)
        .bind(&row.error_code)
        .bind(&row.error_message)
        .bind(row.cost_micros)
        .bind(&row.cost_currency)
        .bind(row.duration_ms)
        .bind(row.started_at)
        .bind(row.ended_at)
        .bind(row.lease_until)
        .bind(row.look_at)
        .bind(row.look_count)
        .bind(row.revision)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()));
    Ok(unless_taken(updated)? == Some(1))
}

/// How many calls are under way (A6), those whose lease has neither been given back nor run out: of all of an agency, and of
/// one API key and those that come in its place. The caller holds the agency's row, so that nobody begins another meanwhile.
pub(crate) async fn count_under_way(
    conn: &mut Conn,
    agency: &AgencyId,
    holder: &str,
    now: Timestamp,
) -> Result<(i64, i64)> {
    const SQL: &str = "SELECT count(*), COALESCE(SUM(CASE WHEN lease_holder = $2 THEN 1 ELSE 0 END), 0) FROM calls \
        WHERE agency_id = $1 AND lease_until IS NOT NULL AND lease_until > $3";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(holder).bind(now).fetch_one(c).await)?)
}

pub(super) const BY_CREATED: KeysetSql = keyset_sql!(
    select!(filter!()),
    "c.created_at", "c.id", limit "$11", key "$12", after "$13"
);

/// One page of an agency's calls, newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &CallQuery,
    page: &Keyset,
) -> Result<Vec<CallRow>> {
    let sql = BY_CREATED.text(page, true);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(&query.client_id)
        .bind(&query.agent_id)
        .bind(&query.providers)
        .bind(&query.payers)
        .bind(&query.states)
        .bind(query.since)
        .bind(query.until)
        .bind(&query.origins)
        .bind(&query.directions)
        .bind(page.limit)
        .bind(page.number())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// Calls that were written since, the oldest write first: of this client alone where one is named.
pub(crate) async fn list_changed(
    conn: &mut Conn,
    agency: &AgencyId,
    client: Option<&ClientId>,
    (since, limit): (Timestamp, i64),
) -> Result<Vec<CallRow>> {
    const SQL: &str = select!(
        "WHERE c.agency_id = $1 AND ($2 = '' OR c.client_id = $2) AND c.updated_at >= $3 \
         ORDER BY c.updated_at, c.id LIMIT $4"
    );
    let client = client.map_or("", ClientId::as_str);
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(client)
        .bind(since)
        .bind(limit)
        .fetch_all(c)
        .await)?)
}

/// How many calls there are.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId, query: &CallQuery) -> Result<i64> {
    const SQL: &str = concat!("SELECT count(*) FROM calls c ", filter!());
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(&query.client_id)
        .bind(&query.agent_id)
        .bind(&query.providers)
        .bind(&query.payers)
        .bind(&query.states)
        .bind(query.since)
        .bind(query.until)
        .bind(&query.origins)
        .bind(&query.directions)
        .fetch_one(c)
        .await)?)
}

/// Keeps a version of a key from being destroyed while this call needs it (K10, R4).
pub(crate) async fn hold_version(conn: &mut Conn, row: &CallRow, now: Timestamp) -> Result<()> {
    const SQL: &str = "INSERT INTO provider_key_holds (key_id, version, holder, agency_id, held_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.key_id)
        .bind(row.key_version)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Lets the version go: the call is over.
pub(crate) async fn release_version(conn: &mut Conn, row: &CallRow) -> Result<()> {
    const SQL: &str =
        "DELETE FROM provider_key_holds WHERE agency_id = $1 AND key_id = $2 AND holder = $3";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.agency_id)
        .bind(&row.key_id)
        .bind(&row.id)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// How many calls of this key are under way (K8).
pub(crate) async fn count_live(conn: &mut Conn, agency: &AgencyId, key: &KeyId) -> Result<i64> {
    const SQL: &str =
        "SELECT count(*) FROM calls WHERE agency_id = $1 AND key_id = $2 AND ended_at IS NULL";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).bind(key).fetch_one(c).await)?)
}

/// Forgets webhooks' events that came before this, in all agencies.
pub(crate) async fn delete_old_events(conn: &mut Conn, before: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM call_events WHERE received_at < $1";
    on!(conn, c => sqlx::query(SQL).bind(before).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Remembers a webhook's event; false when it was delivered before.
pub(crate) async fn insert_event(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    (dedupe_key, event, at): (&str, &str, Option<i64>),
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO call_events (account_id, dedupe_key, agency_id, event, at, received_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let inserted = on!(conn, c => sqlx::query(SQL)
        .bind(account)
        .bind(dedupe_key)
        .bind(agency)
        .bind(event)
        .bind(at)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(inserted == 1)
}
