//! What an import found to be different: the change feed of a run.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        agent::Agent,
        context::ContextExt,
        page::{self, PageArguments, complexity},
        phone_number::PhoneNumber,
        provider::unknown_word,
        scalars::DateTime,
    },
    id::SyncRunId,
    store::{
        self,
        keyset::{KeysetPosition, word_set},
        sync_changes::ChangeRow,
    },
    sync::changes::{ChangeKind, Field, Subject},
};

/// Something that an import found to be different.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct SyncChange {
    /// How it is different.
    kind: ChangeKind,
    /// Whether it is about an agent or a phone number.
    subject: Subject,
    /// What the agent or the number was called when the import saw it.
    name: String,
    /// With `CHANGED`: in what it is different.
    fields: Vec<Field>,
    /// When the import found out.
    at: DateTime,
    #[graphql(skip)]
    subject_id: String,
}

#[ComplexObject]
impl SyncChange {
    /// The agent as it is now; null when the change is about a number.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Option<Agent>> {
        if self.subject != Subject::Agent {
            return Ok(None);
        }
        let loading = ctx.loaders()?.agents.load_one(self.subject_id.clone());
        let found = loading.await.map_err(Error::internal)?;
        found.map(Agent::try_from).transpose()
    }

    /// The number as it is now; null when the change is about an agent.
    async fn phone_number(&self, ctx: &Context<'_>) -> Result<Option<PhoneNumber>> {
        if self.subject != Subject::PhoneNumber {
            return Ok(None);
        }
        let loading = ctx
            .loaders()?
            .phone_numbers
            .load_one(self.subject_id.clone());
        let found = loading.await.map_err(Error::internal)?;
        found.map(PhoneNumber::try_from).transpose()
    }
}

impl TryFrom<ChangeRow> for SyncChange {
    type Error = Error;

    fn try_from(row: ChangeRow) -> Result<Self> {
        let fields = row.fields.split('|').filter(|field| !field.is_empty());
        let field =
            |text: &str| Field::parse(text).ok_or_else(|| unknown_word("changed field", text));
        Ok(Self {
            kind: ChangeKind::parse(&row.kind)
                .ok_or_else(|| unknown_word("kind of change", &row.kind))?,
            subject: Subject::parse(&row.subject)
                .ok_or_else(|| unknown_word("subject of a change", &row.subject))?,
            name: row.name,
            fields: fields.map(field).collect::<Result<_>>()?,
            at: row.at.into(),
            subject_id: row.subject_id,
        })
    }
}

/// What a list of changes is narrowed to. All conditions hold together.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct SyncChangeFilter {
    /// Any of these kinds.
    kind: Option<Vec<ChangeKind>>,
    /// Any of these subjects.
    subject: Option<Vec<Subject>>,
}

page::connection!(
    SyncChange,
    SyncChangeConnection,
    SyncChangeEdge,
    "SyncChangeEdge",
    "SyncChangeConnection"
);

#[derive(Default)]
pub(crate) struct SyncChangeQuery;

#[Object]
impl SyncChangeQuery {
    /// What an import found to be different, by name.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a GraphQL connection"
    )]
    async fn sync_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the import.")] sync_run_id: ID,
        #[graphql(desc = "Narrows the list.")] filter: Option<SyncChangeFilter>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<SyncChangeConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("name")?;
        let agency = ctx.agency()?.clone();
        let run = SyncRunId::from(sync_run_id.as_str());
        let filter = filter.unwrap_or_default();
        let kinds = filter.kind.unwrap_or_default();
        let kinds = word_set(kinds.into_iter().map(ChangeKind::as_str));
        let subjects = filter.subject.unwrap_or_default();
        let subjects = word_set(subjects.into_iter().map(Subject::as_str));
        let mut conn = ctx.app()?.db.read().await?;
        store::sync_runs::find(&mut conn, &agency, &run)
            .await?
            .ok_or(Error::NotFound)?;
        let narrowed = (kinds.as_str(), subjects.as_str());
        let rows = store::sync_changes::list(&mut conn, &agency, &run, narrowed, &keyset).await?;
        let position = |row: &ChangeRow| KeysetPosition {
            key: row.name_key.clone(),
            id: row.subject_id.clone(),
        };
        let page = page::cut(rows, &keyset, position, SyncChange::try_from)?;
        let count = page::counted!(agency, run, kinds, subjects => |conn|
            store::sync_changes::count(conn, &agency, &run, (&kinds, &subjects)));
        Ok(SyncChangeConnection { page, count })
    }
}
