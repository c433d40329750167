//! Agencies.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    accounts::admin::Plan,
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::Provider,
        scalars::DateTime,
    },
    store::{self, agencies::AgencyRow, keyset::KeysetPosition},
};

/// A tenant.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Agency {
    /// Id.
    id: ID,
    /// Stands in page URLs, and in the Ringfence-Agency header of each request.
    slug: String,
    /// Name.
    name: String,
    /// What the agency has paid for; needs `OWN_AGENCY`.
    plan: Option<Plan>,
    /// Default provider of new agents and numbers. The first voice key sets it.
    voice_provider: Option<Provider>,
    /// When it was made.
    created_at: DateTime,
}

impl TryFrom<AgencyRow> for Agency {
    type Error = Error;

    fn try_from(row: AgencyRow) -> Result<Self> {
        let voice_provider = row
            .voice_provider
            .as_deref()
            .map(Provider::of_row)
            .transpose()?;
        Ok(Self {
            id: row.id.as_str().into(),
            slug: row.slug,
            name: row.name,
            plan: Plan::parse(&row.plan),
            voice_provider,
            created_at: row.created_at.into(),
        })
    }
}

page::connection!(
    Agency,
    AgencyConnection,
    AgencyEdge,
    "AgencyEdge",
    "AgencyConnection"
);

#[derive(Default)]
pub(crate) struct AgencyQuery;

#[Object]
impl AgencyQuery {
    /// The agency that the Ringfence-Agency header names.
    async fn agency(&self, ctx: &Context<'_>) -> Result<Agency> {
        let mut conn = ctx.app()?.db.read().await?;
        store::agencies::find(&mut conn, ctx.agency()?)
            .await?
            .ok_or(Error::NotFound)?
            .try_into()
    }

    /// The agencies that the viewer belongs to, by slug.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn agencies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<AgencyConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset()?;
        let user = ctx.viewer()?.user_id.clone();
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::agencies::list(&mut conn, &user, &keyset).await?;
        let page = page::cut(
            rows,
            &keyset,
            |row| KeysetPosition {
                key: row.slug.clone(),
                id: String::new(),
            },
            Agency::try_from,
        )?;
        let count = page::counted!(user => |conn| store::agencies::count(conn, &user));
        Ok(AgencyConnection { page, count })
    }
}
