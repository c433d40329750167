//! Voices of the accounts: the provider's list where it has one, else the voices that its agents use.

use sqlx::FromRow;

use crate::{
    error::Result,
    id::{AccountId, AgencyId, SyncRunId, VoiceId},
    store::{
        Conn, kept_name,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
    },
};

/// A voice's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct VoiceRow {
    pub(crate) id: VoiceId,
    pub(crate) provider: String,
    pub(crate) engine: String,
    pub(crate) voice_id: String,
    pub(crate) name: Option<String>,
    pub(crate) agent_count: i64,
}

macro_rules! select {
    () => {
        "SELECT v.id, v.provider, v.engine, v.voice_id, v.name, v.agent_count FROM voices v WHERE v.agency_id = $1"
    };
}

pub(super) const BY_ENGINE: KeysetSql =
    keyset_sql!(select!(), "v.engine", "v.id", limit "$2", key "$3", after "$4");

/// One page of an agency's voices, by engine.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    page: &Keyset,
) -> Result<Vec<VoiceRow>> {
    let sql = BY_ENGINE.text(page, false);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many voices there are.
pub(crate) async fn count(conn: &mut Conn, agency: &AgencyId) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM voices WHERE agency_id = $1";
    Ok(on!(conn, c => sqlx::query_scalar(SQL).bind(agency).fetch_one(c).await)?)
}

/// A voice as a provider lists it, or as the agents of an account use it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct VoiceWrite {
    pub(crate) engine: String,
    pub(crate) voice_id: String,
    pub(crate) name: Option<String>,
}

/// The voices that the active agents of an account use.
pub(crate) async fn list_in_use(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<Vec<VoiceWrite>> {
    const SQL: &str = "SELECT DISTINCT voice_engine AS engine, voice_id, CAST(NULL AS TEXT) AS name FROM placements \
        WHERE agency_id = $1 AND account_id = $2 AND status = 'active' \
        AND voice_engine IS NOT NULL AND voice_id IS NOT NULL ORDER BY voice_engine, voice_id";
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(account).fetch_all(c).await)?)
}

/// Writes a voice.
pub(crate) async fn upsert(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    provider: &str,
    voice: &VoiceWrite,
    run: &SyncRunId,
) -> Result<()> {
    const SQL: &str = "INSERT INTO voices (id, agency_id, account_id, provider, engine, voice_id, name, agent_count, \
        last_seen_run) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8) \
        ON CONFLICT (account_id, engine, voice_id) DO UPDATE SET name = excluded.name, \
        last_seen_run = excluded.last_seen_run";
    on!(conn, c => sqlx::query(SQL)
        .bind(VoiceId::new())
        .bind(agency)
        .bind(account)
        .bind(provider)
        .bind(&voice.engine)
        .bind(&voice.voice_id)
        .bind(voice.name.as_deref().map(kept_name))
        .bind(run)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Forgets the voices of an account that a run did not see; nothing refers to a voice's row.
pub(crate) async fn delete_unseen(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    run: &SyncRunId,
) -> Result<()> {
    const SQL: &str =
        "DELETE FROM voices WHERE agency_id = $1 AND account_id = $2 AND last_seen_run <> $3";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(account).bind(run).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Counts the active agents of each voice of an account.
pub(crate) async fn count_agents(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
) -> Result<()> {
    const SQL: &str = "UPDATE voices SET agent_count = (SELECT count(*) FROM placements p \
        WHERE p.account_id = voices.account_id AND p.voice_engine = voices.engine AND p.voice_id = voices.voice_id \
        AND p.status = 'active') WHERE agency_id = $1 AND account_id = $2";
    on!(conn, c => sqlx::query(SQL).bind(agency).bind(account).execute(c).await.map(|_| ()))?;
    Ok(())
}
