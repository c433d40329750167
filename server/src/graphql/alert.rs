//! Alerts: the inbox, the count on its badge, and putting one aside.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};

use crate::{
    alerts::{self, Kind, State},
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::{Provider, unknown_word},
        scalars::DateTime,
        session::Person,
    },
    id::AlertId,
    store::{
        self,
        alerts::AlertRow,
        keyset::{KeysetPosition, word_set},
    },
};

/// Something that needs somebody's attention.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Alert {
    /// Ringfence's id of the alert.
    id: ID,
    /// What it is about.
    kind: Kind,
    /// How it stands.
    state: State,
    /// Whose, what, next: a sentence or two for people; never part of a key.
    summary: String,
    /// The provider that it concerns; null when none does.
    provider: Option<Provider>,
    /// Ringfence's id of the client whose key it is about; null for the agency's own.
    client_id: Option<ID>,
    /// What that client is called now.
    client_name: Option<String>,
    /// Agents that could not call because of it when it was raised; null where that is no question.
    agent_count: Option<i32>,
    /// When the trouble was found out.
    raised_at: DateTime,
    /// When the trouble was over.
    resolved_at: Option<DateTime>,
    /// When somebody put it aside.
    dismissed_at: Option<DateTime>,
    #[graphql(skip)]
    row: AlertRow,
}

#[ComplexObject]
impl Alert {
    /// Who put it aside; needs `ADMINISTER`.
    async fn dismissed_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.dismissed_by.as_ref()).await
    }
}

impl TryFrom<AlertRow> for Alert {
    type Error = Error;

    fn try_from(row: AlertRow) -> Result<Self> {
        Ok(Self {
            id: row.id.as_str().into(),
            kind: Kind::parse(&row.kind).ok_or_else(|| unknown_word("kind of alert", &row.kind))?,
            state: State::parse(&row.state)
                .ok_or_else(|| unknown_word("state of an alert", &row.state))?,
            summary: row.summary.clone(),
            provider: row.provider.as_deref().map(Provider::of_row).transpose()?,
            client_id: row.client_id.as_deref().map(Into::into),
            client_name: row.client_name.clone(),
            agent_count: row
                .agent_count
                .map(|count| i32::try_from(count).unwrap_or(i32::MAX)),
            raised_at: row.raised_at.into(),
            resolved_at: row.resolved_at.map(Into::into),
            dismissed_at: row.dismissed_at.map(Into::into),
            row,
        })
    }
}

/// What a list of alerts is narrowed to. All conditions hold together.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct AlertFilter {
    /// Alerts in any of these states.
    state: Option<Vec<State>>,
    /// Alerts of any of these kinds.
    kind: Option<Vec<Kind>>,
}

/// The count on the inbox's badge.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct AlertSummary {
    /// How many alerts are open.
    open_count: i32,
}

/// An alert to put aside.
#[derive(InputObject)]
pub(crate) struct DismissAlertInput {
    /// Ringfence's id of the alert.
    alert_id: ID,
}

/// The alert as it stands now.
#[derive(SimpleObject)]
pub(crate) struct DismissAlertPayload {
    /// Put aside, unless the trouble was over before.
    alert: Alert,
}

page::connection!(
    Alert,
    AlertConnection,
    AlertEdge,
    "AlertEdge",
    "AlertConnection"
);

#[derive(Default)]
pub(crate) struct AlertQuery;

#[Object]
impl AlertQuery {
    /// The agency's alerts, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AlertFilter>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<AlertConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("raised")?;
        let agency = ctx.agency()?.clone();
        let filter = filter.unwrap_or_default();
        let states = filter.state.unwrap_or_default();
        let states = word_set(states.into_iter().map(State::as_str));
        let kinds = filter.kind.unwrap_or_default();
        let kinds = word_set(kinds.into_iter().map(Kind::as_str));
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::alerts::list(&mut conn, &agency, (&states, &kinds), &keyset).await?;
        let position = |row: &AlertRow| KeysetPosition {
            key: row.id.as_str().to_owned(),
            id: row.agency_id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, Alert::try_from)?;
        let count = page::counted!(agency, states, kinds => |conn|
            store::alerts::count(conn, &agency, (&states, &kinds)));
        Ok(AlertConnection { page, count })
    }

    /// How many alerts need attention.
    async fn alert_summary(&self, ctx: &Context<'_>) -> Result<AlertSummary> {
        let mut conn = ctx.app()?.db.read().await?;
        let open = word_set([State::Open.as_str()]);
        let count = store::alerts::count(&mut conn, ctx.agency()?, (&open, "")).await?;
        Ok(AlertSummary {
            open_count: i32::try_from(count).unwrap_or(i32::MAX),
        })
    }
}

#[derive(Default)]
pub(crate) struct AlertMutation;

#[Object]
impl AlertMutation {
    /// Puts an alert aside while its trouble lasts; it comes back only when the trouble does.
    async fn dismiss_alert(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which alert to put aside.")] input: DismissAlertInput,
    ) -> Result<DismissAlertPayload> {
        let alert = AlertId::from(input.alert_id.as_str());
        let row = alerts::dismiss(ctx.app()?, ctx.viewer()?, &alert).await?;
        Ok(DismissAlertPayload {
            alert: row.try_into()?,
        })
    }
}
