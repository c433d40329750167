//! Keys that people of a client handed in and that wait for an admin. Rows carry sealed bytes until they are decided.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AgencyId, ClientId, HandInId, UserId},
    providers::ProviderKind,
    store::{Conn, on},
};

/// A hand-in.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct HandInRow {
    pub(crate) id: HandInId,
    pub(crate) agency_id: AgencyId,
    pub(crate) client_id: ClientId,
    pub(crate) provider: String,
    pub(crate) region: String,
    pub(crate) health: String,
    pub(crate) last_four: String,
    pub(crate) account_name: Option<String>,
    pub(crate) cipher: String,
    pub(crate) master_key_id: String,
    pub(crate) wrapped_key: Option<Vec<u8>>,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) state: String,
    pub(crate) handed_in_by: UserId,
    pub(crate) handed_in_at: Timestamp,
    pub(crate) decided_by: Option<UserId>,
    pub(crate) decided_at: Option<Timestamp>,
}

impl HandInRow {
    /// What its alert is about: one alert for all that a client hands in of a provider, or each try would send emails.
    pub(crate) fn alert_subject(&self) -> String {
        format!("{}:{}", self.client_id.as_str(), self.provider)
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, agency_id, client_id, provider, region, health, last_four, account_name, cipher, master_key_id, \
             wrapped_key, sealed, state, handed_in_by, handed_in_at, decided_by, decided_at FROM key_hand_ins ",
            $tail
        )
    };
}

/// The newest hand-ins of an agency, or of one client where it is not empty; those that wait first.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &str,
) -> Result<Vec<HandInRow>> {
    const SQL: &str = select!(
        "WHERE agency_id = $1 AND ($2 = '' OR client_id = $2) \
         ORDER BY CASE WHEN state = 'waiting' THEN 0 ELSE 1 END, handed_in_at DESC, id DESC LIMIT 100"
    );
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(client).fetch_all(c).await)?)
}

/// A hand-in of this agency.
pub(crate) async fn find(
    conn: &mut Conn,
    agency: &AgencyId,
    hand_in: &HandInId,
) -> Result<Option<HandInRow>> {
    const SQL: &str = select!("WHERE agency_id = $1 AND id = $2");
    Ok(on!(conn, c => sqlx::query_as(SQL).bind(agency).bind(hand_in).fetch_optional(c).await)?)
}

/// The hand-in of a client's provider that waits.
pub(crate) async fn find_waiting(
    conn: &mut Conn,
    agency: &AgencyId,
    client: &ClientId,
    provider: ProviderKind,
) -> Result<Option<HandInRow>> {
    const SQL: &str =
        select!("WHERE agency_id = $1 AND client_id = $2 AND provider = $3 AND state = 'waiting'");
    Ok(on!(conn, c => sqlx::query_as(SQL)
        .bind(agency)
        .bind(client)
        .bind(provider.as_str())
        .fetch_optional(c)
        .await)?)
}

/// Writes a hand-in.
pub(crate) async fn insert(conn: &mut Conn, row: &HandInRow) -> Result<()> {
    const SQL: &str = "INSERT INTO key_hand_ins (id, agency_id, client_id, provider, region, health, last_four, \
        account_name, cipher, master_key_id, wrapped_key, sealed, state, handed_in_by, handed_in_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    on!(conn, c => sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.agency_id)
        .bind(&row.client_id)
        .bind(&row.provider)
        .bind(&row.region)
        .bind(&row.health)
        .bind(&row.last_four)
        .bind(&row.account_name)
        .bind(&row.cipher)
        .bind(&row.master_key_id)
        .bind(&row.wrapped_key)
        .bind(&row.sealed)
        .bind(&row.state)
        .bind(&row.handed_in_by)
        .bind(row.handed_in_at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Ends a hand-in that waits and destroys its sealed bytes; false when somebody else has decided it.
pub(crate) async fn decide(
    conn: &mut Conn,
    agency: &AgencyId,
    hand_in: &HandInId,
    state: &str,
    by: Option<&UserId>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "UPDATE key_hand_ins SET state = $3, decided_by = $4, decided_at = $5, wrapped_key = NULL, \
        sealed = NULL WHERE agency_id = $1 AND id = $2 AND state = 'waiting'";
    let decided = on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(hand_in)
        .bind(state)
        .bind(by)
        .bind(now)
        .execute(c)
        .await
        .map(|r| r.rows_affected()))?;
    Ok(decided == 1)
}
