//! Agencies.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};

use crate::{
    accounts::admin::Plan,
    error::{Error, Result},
    graphql::{
        context::{ContextExt, recognised},
        page::{self, PageArguments, complexity},
        provider::Provider,
        scalars::DateTime,
    },
    store::{self, agencies::AgencyRow, keyset::KeysetPosition},
};

/// A tenant of this installation: an agency with its keys, agents and people.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Agency {
    /// Ringfence's id of the agency.
    id: ID,
    /// Stands in page URLs, and in the Ringfence-Agency header of each request.
    slug: String,
    /// The name that people know it by.
    name: String,
    #[graphql(skip)]
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

#[ComplexObject]
impl Agency {
    /// What the agency has paid for; needs `OWN_AGENCY`, and is null for any agency but the one that the request names.
    async fn plan(&self, ctx: &Context<'_>) -> Option<Plan> {
        // The guard has asked for the role in the agency of the request; in the viewer's other agencies it may be less.
        let is_here = recognised(ctx)
            .and_then(|viewer| viewer.membership.as_ref())
            .is_some_and(|membership| membership.agency_id.as_str() == self.id.as_str());
        self.plan.filter(|_| is_here)
    }

    /// Whether people of clients may hand in keys of their own accounts; null for any agency but the one that the request
    /// names.
    async fn allows_hand_ins(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        let here = ctx.agency()?;
        if here.as_str() != self.id.as_str() {
            return Ok(None);
        }
        let mut conn = ctx.app()?.db.read().await?;
        store::agencies::allows_hand_ins(&mut conn, here)
            .await
            .map(Some)
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
        let keyset = PageArguments::new(first, after, last, before).keyset("slug")?;
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
