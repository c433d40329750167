//! Who an account's calls are between: which agents and numbers of ours their ids at the provider mean, and which calls are
//! known already.

use sqlx::FromRow;

use crate::{
    error::Result,
    id::{AccountId, AgencyId, AgentId, ClientId, PhoneNumberId},
    store::{
        Conn,
        batch::{bind_hundred, hundred},
        on,
    },
};

/// An agent of an account, and whom it works for.
#[derive(Clone, Debug, FromRow)]
#[expect(clippy::struct_field_names, reason = "three ids, named as the columns")]
pub(crate) struct SpeakerRow {
    pub(crate) remote_id: String,
    pub(crate) agent_id: AgentId,
    pub(crate) client_id: Option<ClientId>,
}

/// A number of an account.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct LineRow {
    pub(crate) id: PhoneNumberId,
    pub(crate) remote_id: String,
    pub(crate) number: Option<String>,
}

/// A call that is known by the provider's id of it.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct KnownRow {
    pub(crate) provider: String,
    pub(crate) remote_id: String,
}

/// The agents behind up to a hundred ids of an account.
pub(crate) async fn list_speakers(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_ids: &[String],
) -> Result<Vec<SpeakerRow>> {
    const SQL: &str = concat!(
        "SELECT p.remote_id, p.agent_id, a.client_id FROM placements p JOIN agents a ON a.id = p.agent_id \
         WHERE p.agency_id || '' = $1 AND p.account_id = $102 AND p.remote_id IN (",
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

/// The numbers of an account that up to a hundred names mean: their ids at the provider.
pub(crate) async fn list_lines(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    remote_ids: &[String],
) -> Result<Vec<LineRow>> {
    const SQL: &str = concat!(
        "SELECT n.id, n.remote_id, n.number FROM phone_numbers n \
         WHERE n.agency_id || '' = $1 AND n.account_id = $102 AND n.remote_id IN (",
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

/// The numbers of an account among up to a hundred numbers as they are dialled.
pub(crate) async fn list_lines_by_number(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    numbers: &[String],
) -> Result<Vec<LineRow>> {
    const SQL: &str = concat!(
        "SELECT n.id, n.remote_id, n.number FROM phone_numbers n \
         WHERE n.agency_id = $1 AND n.account_id = $102 AND n.sort_key IN (",
        hundred!(),
        ") AND n.number IS NOT NULL ORDER BY n.id"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), numbers)
        .bind(account)
        .fetch_all(c)
        .await)?,
    )
}

/// Which of up to a hundred calls, by the provider's ids of them, this agency knows, in whichever account.
pub(crate) async fn list_known(
    conn: &mut Conn,
    agency: &AgencyId,
    remote_ids: &[String],
) -> Result<Vec<KnownRow>> {
    const SQL: &str = concat!(
        "SELECT c.provider, c.remote_id FROM calls c WHERE c.agency_id = $1 AND c.remote_id IN (",
        hundred!(),
        ")"
    );
    Ok(
        on!(conn, c => bind_hundred!(sqlx::query_as(SQL).bind(agency), remote_ids)
        .fetch_all(c)
        .await)?,
    )
}
