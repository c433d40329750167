//! The audit log as an agency's admins read it.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::{Provider, provider_set},
        scalars::DateTime,
    },
    store::{self, audit::AuditRow, keyset::KeysetPosition},
};

/// Something that happened; never changed and never removed.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AuditEntry {
    /// Place in the installation's chain of entries.
    sequence: i64,
    /// When it happened.
    at: DateTime,
    /// What, such as `provider_key.saved`.
    action: String,
    /// Who: a person's name, or `system`.
    actor: String,
    /// One sentence for people; never part of a key.
    summary: String,
    /// Which provider it concerns.
    provider: Option<Provider>,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = Error;

    fn try_from(row: AuditRow) -> Result<Self> {
        Ok(Self {
            sequence: row.sequence,
            at: row.at.into(),
            action: row.action,
            actor: row.actor,
            summary: row.summary,
            provider: row.provider.as_deref().map(Provider::of_row).transpose()?,
        })
    }
}

/// What the audit log is narrowed to.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct AuditEntryFilter {
    /// Entries that concern any of these providers.
    provider: Option<Vec<Provider>>,
}

page::connection!(
    AuditEntry,
    AuditEntryConnection,
    AuditEntryEdge,
    "AuditEntryEdge",
    "AuditEntryConnection"
);

#[derive(Default)]
pub(crate) struct AuditQuery;

#[Object]
impl AuditQuery {
    /// The agency's audit log, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn audit_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AuditEntryFilter>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<AuditEntryConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("sequence")?;
        let agency = ctx.agency()?.clone();
        let providers = provider_set(filter.unwrap_or_default().provider);
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::audit::list(&mut conn, &agency, &providers, &keyset).await?;
        let position = |row: &AuditRow| KeysetPosition {
            key: row.sequence.to_string(),
            id: row.agency_id.clone().unwrap_or_default(),
        };
        let page = page::cut(rows, &keyset, position, AuditEntry::try_from)?;
        let count = page::counted!(agency, providers => |conn| store::audit::count(conn, &agency, &providers));
        Ok(AuditEntryConnection { page, count })
    }
}
