//! Phone numbers.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};

use crate::{
    error::{Error, Result},
    graphql::{
        agent::{Agent, SortDirection},
        context::ContextExt,
        page::{self, PageArguments, complexity, exact_id, search_text},
        provider::{Provider, provider_set, unknown_word},
        scalars::DateTime,
    },
    store::{
        self,
        keyset::{KeysetPosition, like_pattern, word_set},
        phone_numbers::{PhoneNumberOrder, PhoneNumberQuery as Narrowed, PhoneNumberRow},
    },
};

/// How a number stands at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PhoneNumberStatus {
    /// It is in service.
    Active,
    /// Being set up by the provider.
    Activating,
    /// Taken out of service by the provider.
    Blocked,
    /// The provider says something that this version does not know.
    Unknown,
    /// The last complete sync did not see it.
    Inactive,
}

impl PhoneNumberStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Activating => "activating",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Inactive => "inactive",
        }
    }

    fn of_row(text: &str) -> Result<Self> {
        [
            Self::Active,
            Self::Activating,
            Self::Blocked,
            Self::Unknown,
            Self::Inactive,
        ]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| unknown_word("number status", text))
    }
}

/// What numbers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PhoneNumberSortField {
    /// The number itself.
    Number,
    /// When it was made at the provider.
    CreatedAt,
}

/// How a list of numbers is sorted.
#[derive(Clone, Copy, Debug, InputObject)]
pub(crate) struct PhoneNumberSort {
    /// What to sort by.
    field: PhoneNumberSortField,
    /// Up or down.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// What a list of numbers is narrowed to. All conditions hold together.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct PhoneNumberFilter {
    /// Any of these providers.
    provider: Option<Vec<Provider>>,
    /// Any of these.
    status: Option<Vec<PhoneNumberStatus>>,
    /// Answered by this agent.
    agent_id: Option<ID>,
    /// Whether any agent answers it.
    has_agent: Option<bool>,
}

/// A phone number of an account.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PhoneNumber {
    /// Ringfence's id of the number.
    id: ID,
    /// E.164, such as +14155550123; null for a SIP address.
    number: Option<String>,
    /// SIP address, where the number is one.
    sip_uri: Option<String>,
    /// Name at the provider.
    name: Option<String>,
    /// The provider of the account.
    provider: Provider,
    /// Who carries it, such as vapi, twilio, vonage or telnyx.
    carrier: String,
    /// How it stands at the provider.
    status: PhoneNumberStatus,
    /// When it was made at the provider.
    created_at: DateTime,
    /// When a sync last saw it.
    last_seen_at: DateTime,
    #[graphql(skip)]
    agent_id: Option<String>,
}

#[ComplexObject]
impl PhoneNumber {
    /// The agent that answers it.
    async fn agent(&self, ctx: &Context<'_>) -> Result<Option<Agent>> {
        let Some(id) = self.agent_id.clone() else {
            return Ok(None);
        };
        let found = ctx
            .loaders()?
            .agents
            .load_one(id)
            .await
            .map_err(Error::internal)?;
        found.map(Agent::try_from).transpose()
    }
}

impl TryFrom<PhoneNumberRow> for PhoneNumber {
    type Error = Error;

    fn try_from(row: PhoneNumberRow) -> Result<Self> {
        Ok(Self {
            id: row.id.as_str().into(),
            number: row.number,
            sip_uri: row.sip_uri,
            name: row.name,
            provider: Provider::of_row(&row.provider)?,
            carrier: row.carrier,
            status: PhoneNumberStatus::of_row(&row.status)?,
            created_at: row.created_at.into(),
            last_seen_at: row.last_seen_at.into(),
            agent_id: row.agent_id,
        })
    }
}

page::connection!(
    PhoneNumber,
    PhoneNumberConnection,
    PhoneNumberEdge,
    "PhoneNumberEdge",
    "PhoneNumberConnection"
);

#[derive(Default)]
pub(crate) struct PhoneNumberQuery;

#[Object]
impl PhoneNumberQuery {
    /// One phone number of the agency.
    async fn phone_number(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the number.")] id: ID,
    ) -> Result<PhoneNumber> {
        let mut conn = ctx.app()?.db.read().await?;
        let ids = [id.to_string()];
        let found = store::phone_numbers::list_by_ids(&mut conn, ctx.agency()?, &ids).await?;
        let found = found.into_iter().next();
        found.ok_or(Error::NotFound)?.try_into()
    }

    /// The agency's phone numbers; by number unless sorted otherwise.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a GraphQL connection"
    )]
    async fn phone_numbers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<PhoneNumberFilter>,
        #[graphql(desc = "Part of a number, SIP address or name.")] search: Option<String>,
        #[graphql(desc = "By number, upwards, when absent.")] sort: Option<PhoneNumberSort>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<PhoneNumberConnection> {
        let agency = ctx.agency()?.clone();
        let filter = filter.unwrap_or_default();
        let query = Narrowed {
            providers: provider_set(filter.provider),
            statuses: word_set(
                filter
                    .status
                    .unwrap_or_default()
                    .into_iter()
                    .map(PhoneNumberStatus::as_str),
            ),
            agent_id: exact_id(filter.agent_id),
            has_agent: match filter.has_agent {
                None => "",
                Some(true) => "yes",
                Some(false) => "no",
            },
            pattern: like_pattern(&search_text(search)?),
        };
        let order = match sort.map(|sort| sort.field) {
            None | Some(PhoneNumberSortField::Number) => PhoneNumberOrder::Number,
            Some(PhoneNumberSortField::CreatedAt) => PhoneNumberOrder::CreatedAt,
        };
        let is_descending = sort.is_some_and(|sort| sort.direction == SortDirection::Desc);
        let keyset = PageArguments::new(first, after, last, before).keyset(order.as_str())?;
        let mut conn = ctx.app()?.db.read().await?;
        let rows =
            store::phone_numbers::list(&mut conn, &agency, &query, order, is_descending, &keyset)
                .await?;
        let position = move |row: &PhoneNumberRow| KeysetPosition {
            key: match order {
                PhoneNumberOrder::Number => row.sort_key.clone(),
                PhoneNumberOrder::CreatedAt => row.created_at.as_millis().to_string(),
            },
            id: row.id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, PhoneNumber::try_from)?;
        let count = page::counted!(agency, query => |conn| store::phone_numbers::count(conn, &agency, &query));
        Ok(PhoneNumberConnection { page, count })
    }
}
