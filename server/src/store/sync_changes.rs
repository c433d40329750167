//! The change feed of a sync (S8): what a run found to be different, one row for each agent or number.

use sqlx::FromRow;

use crate::{
    clock::Timestamp,
    error::Result,
    id::{AccountId, AgencyId, KeyId, SyncRunId},
    store::{
        Conn,
        batch::BATCH,
        keyset::{Keyset, KeysetSql, keyset_sql},
        on,
        phone_numbers::gone,
        sort_key,
    },
};

/// A change's row.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct ChangeRow {
    pub(crate) subject: String,
    pub(crate) subject_id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) name_key: String,
    /// As `|name|prompt|`.
    pub(crate) fields: String,
    pub(crate) at: Timestamp,
}

/// What a sync writes of a change.
#[derive(Clone, Debug)]
pub(crate) struct ChangeWrite {
    pub(crate) subject: &'static str,
    pub(crate) subject_id: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) fields: String,
}

/// Writes changes of a run, and answers with how many are new to it. What the run has written of a subject before stays: an agent that is new is not changed by
/// its own details.
pub(crate) async fn insert_many(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &SyncRunId,
    changes: &[ChangeWrite],
    at: Timestamp,
) -> Result<u64> {
    const SQL: &str = "INSERT INTO sync_changes (run_id, agency_id, subject, subject_id, kind, name, name_key, fields, at) ";
    let mut inserted = 0;
    for batch in changes.chunks(BATCH) {
        inserted += on!(conn, c => {
            let mut statement = sqlx::QueryBuilder::new(SQL);
            statement.push_values(batch, |mut row, change| {
                row.push_bind(run)
                    .push_bind(agency)
                    .push_bind(change.subject)
                    .push_bind(&change.subject_id)
                    .push_bind(change.kind)
                    .push_bind(&change.name)
                    .push_bind(sort_key(&change.name))
                    .push_bind(&change.fields)
                    .push_bind(at);
            });
            statement.push(" ON CONFLICT (run_id, subject_id) DO NOTHING");
            statement.build().execute(c).await.map(|r| r.rows_affected())
        })?;
    }
    Ok(inserted)
}

/// Writes down the numbers of an account that are gone, before they are marked.
pub(crate) async fn insert_gone_numbers(
    conn: &mut Conn,
    agency: &AgencyId,
    account: &AccountId,
    (run, key): (&SyncRunId, &KeyId),
    at: Timestamp,
) -> Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO sync_changes (run_id, agency_id, subject, subject_id, kind, name, name_key, fields, at) \
         SELECT $3, agency_id, 'phone_number', id, 'gone', COALESCE(number, sip_uri, name, remote_id), sort_key, '', $5 \
         FROM phone_numbers WHERE ",
        gone!(),
        " ON CONFLICT (run_id, subject_id) DO NOTHING"
    );
    on!(conn, c => sqlx::query(SQL)
        .bind(agency)
        .bind(account)
        .bind(run)
        .bind(key)
        .bind(at)
        .execute(c)
        .await
        .map(|_| ()))?;
    Ok(())
}

macro_rules! filter {
    () => {
        "FROM sync_changes c WHERE c.agency_id = $1 AND c.run_id = $2 \
         AND ($3 = '' OR $3 LIKE '%|' || c.kind || '|%') AND ($4 = '' OR $4 LIKE '%|' || c.subject || '|%')"
    };
}

pub(super) const BY_NAME: KeysetSql = keyset_sql!(
    concat!("SELECT c.subject, c.subject_id, c.kind, c.name, c.name_key, c.fields, c.at ", filter!()),
    "c.name_key", "c.subject_id", limit "$5", key "$6", after "$7"
);

/// One page of a run's changes, by name. Empty texts mean all kinds and subjects.
pub(crate) async fn list(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &SyncRunId,
    (kinds, subjects): (&str, &str),
    page: &Keyset,
) -> Result<Vec<ChangeRow>> {
    let sql = BY_NAME.text(page, false);
    Ok(on!(conn, c => sqlx::query_as(sql)
        .bind(agency)
        .bind(run)
        .bind(kinds)
        .bind(subjects)
        .bind(page.limit)
        .bind(page.key())
        .bind(page.id())
        .fetch_all(c)
        .await)?)
}

/// How many changes a run found.
pub(crate) async fn count(
    conn: &mut Conn,
    agency: &AgencyId,
    run: &SyncRunId,
    (kinds, subjects): (&str, &str),
) -> Result<i64> {
    const SQL: &str = concat!("SELECT count(*) ", filter!());
    Ok(on!(conn, c => sqlx::query_scalar(SQL)
        .bind(agency)
        .bind(run)
        .bind(kinds)
        .bind(subjects)
        .fetch_one(c)
        .await)?)
}
