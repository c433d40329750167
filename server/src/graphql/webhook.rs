//! Webhook endpoints and their delivery log. A signing secret goes out with the answer that made it, and never again; of
//! what a receiver answered only the status is told.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret;

use crate::{
    error::{Error, Result},
    graphql::{
        context::ContextExt,
        page::{self, PageArguments, complexity},
        provider::unknown_word,
        scalars::DateTime,
        session::Person,
    },
    id::{WebhookDeliveryId, WebhookEndpointId},
    store::{
        self, keyset::KeysetPosition, webhook_deliveries::DeliveryRow,
        webhook_endpoints::EndpointRow,
    },
    webhooks::{EventKind, Failure, State, deliver, endpoints},
};

/// Where the agency is told by HTTP.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct WebhookEndpoint {
    /// Ringfence's id of the endpoint.
    id: ID,
    /// The address that deliveries are posted to.
    url: String,
    /// What people call it; empty when nobody said.
    description: String,
    /// What it listens to.
    events: Vec<EventKind>,
    /// Whether it is sent anything.
    is_enabled: bool,
    /// When Ringfence switched it off because too many deliveries in a row had failed.
    disabled_at: Option<DateTime>,
    /// Failed deliveries since the last one that arrived; five switch it off.
    failures_in_a_row: i32,
    /// When it was made.
    created_at: DateTime,
    #[graphql(skip)]
    row: EndpointRow,
}

#[ComplexObject]
impl WebhookEndpoint {
    /// Who made it; null when that person left the agency.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::load(ctx, self.row.created_by.as_ref()).await
    }
}

impl TryFrom<EndpointRow> for WebhookEndpoint {
    type Error = Error;

    fn try_from(row: EndpointRow) -> Result<Self> {
        let events = row.events.split('|').filter(|event| !event.is_empty());
        Ok(Self {
            id: row.id.as_str().into(),
            url: row.url.clone(),
            description: row.description.clone(),
            events: events.map(event_of).collect::<Result<_>>()?,
            is_enabled: row.is_enabled,
            disabled_at: row.disabled_at.map(Into::into),
            failures_in_a_row: i32::try_from(row.failures_in_a_row).unwrap_or(i32::MAX),
            created_at: row.created_at.into(),
            row,
        })
    }
}

fn event_of(text: &str) -> Result<EventKind> {
    EventKind::parse(text).ok_or_else(|| unknown_word("webhook event", text))
}

/// Something that was sent to an endpoint, or is to be.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct WebhookDelivery {
    /// Ringfence's id of the delivery.
    id: ID,
    /// The header `webhook-id`: the same each time one event is sent to one endpoint.
    event_id: String,
    /// What it tells of.
    event: EventKind,
    /// How it stands.
    state: State,
    /// How often it was tried.
    attempts: i32,
    /// When it is tried next.
    next_attempt_at: Option<DateTime>,
    /// When it was tried last.
    last_attempt_at: Option<DateTime>,
    /// What the endpoint answered last; null when no answer came.
    status_code: Option<i32>,
    /// How long the last try took.
    duration_ms: Option<i32>,
    /// Why the last try did not arrive.
    failure: Option<Failure>,
    /// The body that was signed and sent.
    payload: String,
    /// When it was queued.
    created_at: DateTime,
}

impl TryFrom<DeliveryRow> for WebhookDelivery {
    type Error = Error;

    fn try_from(row: DeliveryRow) -> Result<Self> {
        let small = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        let failure = row.error.as_deref().map(|text| {
            Failure::parse(text).ok_or_else(|| unknown_word("reason of a failure", text))
        });
        Ok(Self {
            id: row.id.as_str().into(),
            event_id: row.event_id,
            event: event_of(&row.event)?,
            state: State::parse(&row.state)
                .ok_or_else(|| unknown_word("state of a delivery", &row.state))?,
            attempts: small(row.attempts),
            next_attempt_at: row.next_attempt_at.map(Into::into),
            last_attempt_at: row.last_attempt_at.map(Into::into),
            status_code: row.status_code.map(small),
            duration_ms: row.duration_ms.map(small),
            failure: failure.transpose()?,
            payload: row.payload,
            created_at: row.created_at.into(),
        })
    }
}

page::connection!(
    WebhookEndpoint,
    WebhookEndpointConnection,
    WebhookEndpointEdge,
    "WebhookEndpointEdge",
    "WebhookEndpointConnection"
);
page::connection!(
    WebhookDelivery,
    WebhookDeliveryConnection,
    WebhookDeliveryEdge,
    "WebhookDeliveryEdge",
    "WebhookDeliveryConnection"
);

#[derive(Default)]
pub(crate) struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// The agency's webhook endpoints, oldest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn webhook_endpoints(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<WebhookEndpointConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("created")?;
        let agency = ctx.agency()?.clone();
        let mut conn = ctx.app()?.db.read().await?;
        let rows = store::webhook_endpoints::list(&mut conn, &agency, &keyset).await?;
        let position = |row: &EndpointRow| KeysetPosition {
            key: row.id.as_str().to_owned(),
            id: row.agency_id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, WebhookEndpoint::try_from)?;
        let count = page::counted!(agency => |conn| store::webhook_endpoints::count(conn, &agency));
        Ok(WebhookEndpointConnection { page, count })
    }

    /// What was sent to an endpoint in the last 30 days, newest first.
    #[graphql(complexity = "complexity(first, last, child_complexity)")]
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ringfence's id of the endpoint.")] webhook_endpoint_id: ID,
        #[graphql(desc = "Rows on the page, 1 to 100; 50 when absent.")] first: Option<i32>,
        #[graphql(desc = "Start behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many rows instead.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<WebhookDeliveryConnection> {
        let keyset = PageArguments::new(first, after, last, before).keyset("created")?;
        let agency = ctx.agency()?.clone();
        let endpoint = WebhookEndpointId::from(webhook_endpoint_id.as_str());
        let mut conn = ctx.app()?.db.read().await?;
        store::webhook_endpoints::find(&mut conn, &agency, &endpoint)
            .await?
            .ok_or(Error::NotFound)?;
        let rows = store::webhook_deliveries::list(&mut conn, &agency, &endpoint, &keyset).await?;
        let position = |row: &DeliveryRow| KeysetPosition {
            key: row.id.as_str().to_owned(),
            id: row.agency_id.as_str().to_owned(),
        };
        let page = page::cut(rows, &keyset, position, WebhookDelivery::try_from)?;
        let count = page::counted!(agency, endpoint => |conn|
            store::webhook_deliveries::count(conn, &agency, &endpoint));
        Ok(WebhookDeliveryConnection { page, count })
    }
}

/// An endpoint to make.
#[derive(InputObject)]
pub(crate) struct CreateWebhookEndpointInput {
    /// The address to post to: https, and public.
    url: String,
    /// What people call it; at most 200 characters.
    description: Option<String>,
    /// What it listens to: at least one event.
    events: Vec<EventKind>,
}

/// The endpoint that was made.
#[derive(SimpleObject)]
pub(crate) struct CreateWebhookEndpointPayload {
    /// Switched on from the start.
    webhook_endpoint: WebhookEndpoint,
    /// What receivers check signatures with. It is shown here and never again.
    signing_secret: String,
}

/// What to change of an endpoint. What is absent stays.
#[derive(InputObject)]
pub(crate) struct UpdateWebhookEndpointInput {
    /// Ringfence's id of the endpoint.
    webhook_endpoint_id: ID,
    /// Another address to post to.
    url: Option<String>,
    /// What people call it from now on.
    description: Option<String>,
    /// Other events to listen to, in place of all before.
    events: Option<Vec<EventKind>>,
    /// Switches it on, and its failures are forgotten, or off.
    is_enabled: Option<bool>,
}

/// The endpoint after the change.
#[derive(SimpleObject)]
pub(crate) struct UpdateWebhookEndpointPayload {
    /// As it is now.
    webhook_endpoint: WebhookEndpoint,
}

/// Which endpoint gets a new signing secret.
#[derive(InputObject)]
pub(crate) struct RotateWebhookSecretInput {
    /// Ringfence's id of the endpoint.
    webhook_endpoint_id: ID,
}

/// The new secret.
#[derive(SimpleObject)]
pub(crate) struct RotateWebhookSecretPayload {
    /// Whose secret it is.
    webhook_endpoint: WebhookEndpoint,
    /// What every delivery is signed with from now on. It is shown here and never again.
    signing_secret: String,
}

/// Which endpoint to delete.
#[derive(InputObject)]
pub(crate) struct DeleteWebhookEndpointInput {
    /// Ringfence's id of the endpoint.
    webhook_endpoint_id: ID,
}

/// That the endpoint is gone, with its delivery log.
#[derive(SimpleObject)]
pub(crate) struct DeleteWebhookEndpointPayload {
    /// The id that it had.
    deleted_id: ID,
}

/// Which endpoint to send a test to.
#[derive(InputObject)]
pub(crate) struct TestWebhookEndpointInput {
    /// Ringfence's id of the endpoint.
    webhook_endpoint_id: ID,
}

/// How the test went.
#[derive(SimpleObject)]
pub(crate) struct TestWebhookEndpointPayload {
    /// The one attempt; whatever came of it is told here and is no error.
    delivery: WebhookDelivery,
}

/// What to send once more.
#[derive(InputObject)]
pub(crate) struct RedeliverWebhookInput {
    /// Ringfence's id of the delivery.
    webhook_delivery_id: ID,
}

/// What is sent once more.
#[derive(SimpleObject)]
pub(crate) struct RedeliverWebhookPayload {
    /// A delivery of its own, with the same event under the same `eventId`.
    delivery: WebhookDelivery,
}

#[derive(Default)]
pub(crate) struct WebhookMutation;

#[Object]
impl WebhookMutation {
    /// Makes an endpoint. Its signing secret is in this answer alone.
    async fn create_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to, and what for.")] input: CreateWebhookEndpointInput,
    ) -> Result<CreateWebhookEndpointPayload> {
        let new = endpoints::NewEndpoint {
            url: input.url,
            description: input.description,
            events: input.events,
        };
        let (row, secret) = endpoints::create(ctx.app()?, ctx.viewer()?, new).await?;
        Ok(CreateWebhookEndpointPayload {
            webhook_endpoint: row.try_into()?,
            signing_secret: secret.expose_secret().to_owned(),
        })
    }

    /// Changes an endpoint, or switches it on or off.
    async fn update_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint, and what of it.")] input: UpdateWebhookEndpointInput,
    ) -> Result<UpdateWebhookEndpointPayload> {
        let changes = endpoints::Changes {
            endpoint: WebhookEndpointId::from(input.webhook_endpoint_id.as_str()),
            url: input.url,
            description: input.description,
            events: input.events,
            is_enabled: input.is_enabled,
        };
        let row = endpoints::update(ctx.app()?, ctx.viewer()?, changes).await?;
        Ok(UpdateWebhookEndpointPayload {
            webhook_endpoint: row.try_into()?,
        })
    }

    /// Gives an endpoint a new signing secret; the old one signs nothing any more.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint's secret.")] input: RotateWebhookSecretInput,
    ) -> Result<RotateWebhookSecretPayload> {
        let endpoint = WebhookEndpointId::from(input.webhook_endpoint_id.as_str());
        let (row, secret) = endpoints::rotate_secret(ctx.app()?, ctx.viewer()?, &endpoint).await?;
        Ok(RotateWebhookSecretPayload {
            webhook_endpoint: row.try_into()?,
            signing_secret: secret.expose_secret().to_owned(),
        })
    }

    /// Deletes an endpoint and its delivery log; what waited to be sent there is not sent.
    async fn delete_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint to delete.")] input: DeleteWebhookEndpointInput,
    ) -> Result<DeleteWebhookEndpointPayload> {
        let endpoint = WebhookEndpointId::from(input.webhook_endpoint_id.as_str());
        let id = endpoints::delete(ctx.app()?, ctx.viewer()?, &endpoint).await?;
        Ok(DeleteWebhookEndpointPayload {
            deleted_id: id.as_str().into(),
        })
    }

    /// Sends `webhook.test` at once, one time, whether the endpoint is switched on or not.
    async fn test_webhook_endpoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which endpoint to try.")] input: TestWebhookEndpointInput,
    ) -> Result<TestWebhookEndpointPayload> {
        let endpoint = WebhookEndpointId::from(input.webhook_endpoint_id.as_str());
        let row = deliver::test(ctx.app()?, ctx.viewer()?, &endpoint).await?;
        Ok(TestWebhookEndpointPayload {
            delivery: row.try_into()?,
        })
    }

    /// Sends once more what was sent before, with new tries.
    async fn redeliver_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which delivery to repeat.")] input: RedeliverWebhookInput,
    ) -> Result<RedeliverWebhookPayload> {
        let delivery = WebhookDeliveryId::from(input.webhook_delivery_id.as_str());
        let row = deliver::redeliver(ctx.app()?, ctx.viewer()?, &delivery).await?;
        Ok(RedeliverWebhookPayload {
            delivery: row.try_into()?,
        })
    }
}
