//! Phone numbers of the accounts.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, KeyId, PhoneNumberId, SyncRunId},
    store::{
        Conn,
        agents::stopping,
        batch::{BATCH, bind_hundred, hundred},
        kept_name,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
        placements::Seen,
        sort_key,
    },
};

/// Most numbers of an agent that are read along with it; the list of numbers has them all.
pub(crate) const MOST_OF_AN_AGENT: i64 = 100;

/// A number's row, with the agent that answers it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct PhoneNumberRow {
    pub(crate) id: PhoneNumberId,
    pub(crate) provider: String,
    pub(crate) remote_id: String,
    pub(crate) number: Option<String>,
    pub(crate) sip_uri: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sort_key: String,
    pub(crate) carrier: String,
    pub(crate) status: String,
    pub(crate) agent_id: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
}

/// What a list of numbers is narrowed to; empty texts mean all.
#[derive(Clone, Debug, Default)]
pub(crate) struct PhoneNumberQuery {
    pub(crate) providers: String,
    pub(crate) statuses: String,
    pub(crate) agent_id: String,
    /// `yes`, `no` or empty: whether an agent of ours answers it.
    pub(crate) has_agent: &'static str,
    /// LIKE pattern over number, SIP address and name.
    pub(crate) pattern: String,
}

/// What numbers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PhoneNumberOrder {
    Number,
    CreatedAt,
}

impl PhoneNumberOrder {
    /// As the API names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::CreatedAt => "createdAt",
        }
    }
}

macro_rules! columns {
    () => {
        "SELECT n.id, n.provider, n.remote_id, n.number, n.sip_uri, n.name, n.sort_key, n.carrier, n.status, \
         p.agent_id, n.created_at, n.last_seen_at FROM phone_numbers n \
         LEFT JOIN placements p ON p.account_id = n.account_id AND p.remote_id = n.agent_remote_id "
    };
}

macro_rules! filter {
    () => {
        "WHERE n.agency_id = $1 AND ($2 = '' OR $2 LIKE '%|' || n.provider || '|%') \
         AND ($3 = '' OR $3 LIKE '%|' || n.status || '|%') AND ($4 = '' OR p.agent_id = $4) AND ($5 = '' OR ($5 = 'yes') = (p.agent_id IS NOT NULL)) \
         AND ($6 = '' OR n.sort_key LIKE $6 ESCAPE '\\' OR n.name_key LIKE $6 ESCAPE '\\')"
    };
}

pub(super) const BY_NUMBER: KeysetSql = keyset_sql!(concat!(columns!(), filter!()), "n.sort_key", "n.id", limit "$7", key "$8", after "$9");
pub(super) const BY_CREATED: KeysetSql = keyset_sql!(concat!(columns!(), filter!()), "n.created_at", "n.id", limit "$7", key "$8", after "$9");

/// One page of an agency's numbers.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &PhoneNumberQuery,
    order: PhoneNumberOrder,
    is_descending: bool,
    page: &Keyset,
) -> Result<Vec<PhoneNumberRow>> {
    let is_time = order == PhoneNumberOrder::CreatedAt;
    let sql = if is_time { &BY_CREATED } else { &BY_NUMBER }.text(page, is_descending);
    Ok(on!(conn, c => {
        let statement = sqlx::query_as(sql)
            .bind(agency)
            .bind(&query.providers)
            .bind(&query.statuses)
            .bind(&query.agent_id)
            .bind(query.has_agent)
            .bind(&query.pattern)
            .bind(page.limit);
        let statement = if is_time { statement.bind(page.number()) } else { statement.bind(page.key()) };
        statement.bind(page.id()).fetch_all(c).await
    })?)
}

/// How many numbers the query finds.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    query: &PhoneNumberQuery,
) -> Result<i64> {
    const SQL: &str = concat!(
        "SELECT count(*) FROM phone_numbers n \
         LEFT JOIN placements p ON p.account_id = n.account_id AND p.remote_id = n.agent_remote_id ",
        filter!()
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(&query.providers)
        .bind(&query.statuses)
        .bind(&query.agent_id)
            .bind(query.has_agent)
        .bind(&query.pattern)
        .fetch_one(c)
        .await)?)
}

pub(super) const BY_IDS: &str = concat!(
    columns!(),
    "WHERE n.agency_id || '' = $1 AND n.id IN (",
    hundred!(),
    ")"
);

/// Up to a hundred numbers of this agency by their ids.
pub(crate) async fn list_by_ids(
    conn: &mut Conn,
    agency: &AgencyId,
    ids: &[String],
) -> Result<Vec<PhoneNumberRow>> {
    Ok(on!(conn, c => bind_hundred!(sqlx::query_as(BY_IDS).bind(agency), ids).fetch_all(c).await)?)
}

/// A number of an agent, and how many it has.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct AgentNumberRow {
    #[sqlx(flatten)]
    pub(crate) number: PhoneNumberRow,
    pub(crate) agent_total: i64,
}

/// The first numbers of up to a hundred agents: at most [`MOST_OF_AN_AGENT`] of each.
pub(crate) async fn list_by_agents(
    conn: &mut Conn,
    agency: &AgencyId,
    agents: &[String],
) -> Result<Vec<AgentNumberRow>> {
    const SQL: &str = concat!(
        "SELECT * FROM (SELECT n.id, n.provider, n.remote_id, n.number, n.sip_uri, n.name, n.sort_key, n.carrier, n.status, \
         p.agent_id, n.created_at, n.last_seen_at, count(*) OVER (PARTITION BY p.agent_id) AS agent_total, \
         row_number() OVER (PARTITION BY p.agent_id ORDER BY n.sort_key, n.id) AS place FROM placements p \
         JOIN phone_numbers n ON n.account_id = p.account_id AND n.agent_remote_id = p.remote_id \
         WHERE p.agency_id = $1 AND n.status <> 'inactive' AND p.agent_id IN (",
        hundred!(),
        ")) AS numbered WHERE place <= $102 ORDER BY sort_key, id"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), agents)
        .bind(MOST_OF_AN_AGENT)
        .fetch_all(c)
        .await)?,
    )
}

/// The first working number that an agent answers in an account, by number.
pub(crate) async fn find_first_answered(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    agent_remote_id: &str,
) -> Result<Option<PhoneNumberRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE n.agency_id = $1 AND n.account_id = $2 AND n.agent_remote_id = $3 AND n.status = 'active' \
         AND n.number IS NOT NULL ORDER BY n.sort_key, n.id LIMIT 1"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(account)
        .bind(agent_remote_id)
        .fetch_optional(c)
        .await)?)
}

/// A number that this account holds and that can be called from.
pub(crate) async fn find_in_account(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    number: &PhoneNumberId,
) -> Result<Option<PhoneNumberRow>> {
    const SQL: &str = concat!(
        columns!(),
        "WHERE n.agency_id = $1 AND n.account_id = $2 AND n.id = $3 AND n.status = 'active' AND n.number IS NOT NULL"
    );
    Ok(
        on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).bind(number).fetch_optional(c).await)?,
    )
}

// Numbers `n`, with the placement `p` that answers each, in the account of the key `$2` that are lost with it (K8). Where
// another key in use opens the account too, those go on whose agents do not stop; what no agent of ours answers is the
// agency's. No account follows the key's where `$3` is empty.
macro_rules! lost {
    () => {
        concat!(
            "JOIN provider_key_versions v ON v.account_id = n.account_id \
             JOIN provider_keys k ON k.id = v.key_id AND k.active_version = v.version \
             WHERE n.agency_id = $1 AND k.id = $2 AND (NOT EXISTS (SELECT 1 FROM provider_keys o JOIN provider_key_versions w \
             ON w.key_id = o.id AND w.version = o.active_version WHERE w.account_id = n.account_id AND o.id <> k.id) \
             OR (p.agent_id IS NULL AND k.scope_kind = 'agency') OR p.agent_id IN (SELECT a.id ",
            stopping!(),
            "))"
        )
    };
}

/// Numbers in the account of a key that the provider goes on answering without Ringfence once it is cleared (K8).
/// `successor` is the account that agents go over to, as in [`super::agents::list_stopping_ids`].
pub(crate) async fn list_answering(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    successor: &str,
) -> Result<Vec<PhoneNumberRow>> {
    const SQL: &str = concat!(
        columns!(),
        lost!(),
        " AND n.is_answering AND n.status IN ('active', 'activating', 'unknown') ORDER BY n.sort_key, n.id"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(key)
        .bind(successor)
        .fetch_all(c)
        .await)?)
}

/// Ids of the numbers that are lost with a key, in a digest-friendly order.
pub(crate) async fn list_ids_by_key(
    conn: &mut Conn,
    agency: &AgencyId,
    key: &KeyId,
    successor: &str,
) -> Result<Vec<String>> {
    const SQL: &str = concat!(
        "SELECT n.id FROM phone_numbers n \
         LEFT JOIN placements p ON p.account_id = n.account_id AND p.remote_id = n.agent_remote_id ",
        lost!(),
        " AND n.status <> 'inactive' ORDER BY n.id"
    );
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(key)
        .bind(successor)
        .fetch_all(c)
        .await)?)
}

/// A number as it was before a sync saw it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct KnownNumberRow {
    pub(crate) id: PhoneNumberId,
    pub(crate) remote_id: String,
    pub(crate) number: Option<String>,
    pub(crate) sip_uri: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) carrier: String,
    pub(crate) status: String,
    pub(crate) agent_remote_id: Option<String>,
    pub(crate) is_answering: bool,
    pub(crate) last_seen_run: String,
}

/// Up to a hundred numbers of an account by their ids at the provider.
pub(crate) async fn list_known(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_ids: &[String],
) -> Result<Vec<KnownNumberRow>> {
    const SQL: &str = concat!(
        "SELECT id, remote_id, number, sip_uri, name, carrier, status, agent_remote_id, is_answering, last_seen_run \
         FROM phone_numbers \
         WHERE agency_id = $1 AND account_id = $102 AND remote_id IN (",
        hundred!(),
        ")"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), remote_ids)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// What a sync writes of a number, its run and account apart.
#[derive(Clone, Debug)]
pub(crate) struct PhoneNumberWrite<'a> {
    pub(crate) id: PhoneNumberId,
    pub(crate) remote_id: &'a str,
    pub(crate) number: Option<&'a str>,
    pub(crate) sip_uri: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) carrier: &'a str,
    pub(crate) status: &'a str,
    pub(crate) agent_remote_id: Option<&'a str>,
    pub(crate) is_answering: bool,
    pub(crate) created_at: Timestamp,
}

/// Writes numbers as the provider tells them; no two of one id.
pub(crate) async fn upsert_many(
    conn: &mut Conn,
    seen: Seen<'_>,
    writes: &[PhoneNumberWrite<'_>],
) -> Result<()> {
    const SQL: &str = "INSERT INTO phone_numbers (id, agency_id, account_id, provider, remote_id, number, sip_uri, name, \
        name_key, sort_key, carrier, status, agent_remote_id, is_answering, created_at, last_seen_at, last_seen_run) ";
    const ON_CONFLICT: &str = " ON CONFLICT (account_id, remote_id) DO UPDATE SET number = excluded.number, \
        sip_uri = excluded.sip_uri, name = excluded.name, name_key = excluded.name_key, sort_key = excluded.sort_key, \
        carrier = excluded.carrier, status = excluded.status, agent_remote_id = excluded.agent_remote_id, \
        is_answering = excluded.is_answering, last_seen_at = excluded.last_seen_at, last_seen_run = excluded.last_seen_run";
    for batch in writes.chunks(BATCH) {
        on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut row, write| {
                row.push_bind(&write.id)
                    .push_bind(seen.agency)
                    .push_bind(seen.account)
                    .push_bind(seen.provider)
                    .push_bind(write.remote_id)
                    .push_bind(write.number)
                    .push_bind(write.sip_uri)
                    .push_bind(write.name.map(kept_name))
                    .push_bind(sort_key(write.name.unwrap_or_default()))
                    .push_bind(number_key(write))
                    .push_bind(write.carrier)
                    .push_bind(write.status)
                    .push_bind(write.agent_remote_id)
                    .push_bind(write.is_answering)
                    .push_bind(write.created_at)
                    .push_bind(seen.at)
                    .push_bind(seen.run);
            });
            statement.push(ON_CONFLICT);
            statement.build().execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

pub(super) const MARK_SEEN: &str = concat!(
    "UPDATE phone_numbers SET last_seen_at = $102, last_seen_run = $103 WHERE agency_id || '' = $1 AND id IN (",
    hundred!(),
    ")"
);

/// Writes down that a run has seen up to a hundred numbers, which are as they were.
pub(crate) async fn mark_seen(conn: &mut Conn, seen: Seen<'_>, numbers: &[String]) -> Result<()> {
    on!(conn, c => bind_hundred!(sqlx::query(MARK_SEEN).bind(seen.agency), numbers)
        .bind(seen.at)
        .bind(seen.run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

fn number_key(write: &PhoneNumberWrite<'_>) -> String {
    sort_key(write.number.or(write.sip_uri).unwrap_or(write.remote_id))
}

// Numbers of the account `$2` that are gone (S3): the run `$3` of the key `$4` did not list them, and neither did the newest
// import of any other key in use that opens the account.
macro_rules! gone {
    () => {
        "phone_numbers.agency_id = $1 AND phone_numbers.account_id = $2 AND phone_numbers.last_seen_run <> $3 \
         AND phone_numbers.status <> 'inactive' AND NOT EXISTS (SELECT 1 FROM sync_runs r \
         JOIN provider_keys k ON k.id = r.key_id JOIN provider_key_versions v ON v.key_id = k.id AND v.version = k.active_version \
         WHERE r.id = phone_numbers.last_seen_run AND k.id <> $4 AND v.account_id = phone_numbers.account_id \
         AND NOT EXISTS (SELECT 1 FROM sync_runs t WHERE t.key_id = r.key_id AND t.account_id = r.account_id \
         AND t.state = 'succeeded' AND t.id > r.id))"
    };
}
pub(super) use gone;

/// Marks the numbers of an account that no key's newest complete list holds any more; never deletes them.
pub(crate) async fn mark_unseen_inactive(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    (run, key): (&SyncRunId, &KeyId),
) -> Result<u64> {
    const SQL: &str = concat!(
        "UPDATE phone_numbers SET status = 'inactive' WHERE ",
        gone!()
    );
    Ok(on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .bind(key)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?)
}

/// Writes down that a number was detached from its agent.
pub(crate) async fn set_detached(
    conn: &mut Conn,
    agency: &AgencyId,
    number: &PhoneNumberId,
) -> Result<()> {
    const SQL: &str = "UPDATE phone_numbers SET agent_remote_id = NULL, is_answering = $3 WHERE agency_id = $1 AND id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(number).bind(false).execute(c).await.map(|_| ()))?;
    Ok(())
}
