//! Webhook endpoints and their delivery log. A signing secret comes with the one answer that made it and is kept nowhere.

use crate::api::enums::{WebhookDeliveryState, WebhookEvent, WebhookFailure};
use crate::api::{ApiError, DateTime, operation, send};

/// Deliveries that the log reads at a time.
const LOG_SIZE: i64 = 25;

operation!(
    ListWebhookEndpoints,
    "src/api/webhooks/list_webhook_endpoints.graphql"
);
operation!(
    ListWebhookDeliveries,
    "src/api/webhooks/list_webhook_deliveries.graphql"
);
operation!(
    CreateWebhookEndpoint,
    "src/api/webhooks/create_webhook_endpoint.graphql"
);
operation!(
    UpdateWebhookEndpoint,
    "src/api/webhooks/update_webhook_endpoint.graphql"
);
operation!(
    RotateWebhookSecret,
    "src/api/webhooks/rotate_webhook_secret.graphql"
);
operation!(
    DeleteWebhookEndpoint,
    "src/api/webhooks/delete_webhook_endpoint.graphql"
);
operation!(
    TestWebhookEndpoint,
    "src/api/webhooks/test_webhook_endpoint.graphql"
);
operation!(
    RedeliverWebhook,
    "src/api/webhooks/redeliver_webhook.graphql"
);

pub(crate) use create_webhook_endpoint::CreateWebhookEndpointInput;
pub(crate) use list_webhook_deliveries::{
    ListWebhookDeliveriesWebhookDeliveries as DeliveryPage,
    ListWebhookDeliveriesWebhookDeliveriesNodes as Delivery,
};
pub(crate) use list_webhook_endpoints::ListWebhookEndpointsWebhookEndpointsNodes as Endpoint;
pub(crate) use test_webhook_endpoint::TestWebhookEndpointTestWebhookEndpointDelivery as TestResult;
pub(crate) use update_webhook_endpoint::UpdateWebhookEndpointInput;

/// The agency's endpoints; there are at most twenty.
pub(crate) async fn list(agency: &str) -> Result<Vec<Endpoint>, ApiError> {
    let answer = send::<ListWebhookEndpoints>(agency, list_webhook_endpoints::Variables {}).await?;
    Ok(answer.webhook_endpoints.nodes)
}

/// What was sent to an endpoint, newest first.
pub(crate) async fn deliveries(
    agency: &str,
    id: String,
    after: Option<String>,
) -> Result<DeliveryPage, ApiError> {
    let variables = list_webhook_deliveries::Variables {
        id,
        first: Some(LOG_SIZE),
        after,
    };
    let answer = send::<ListWebhookDeliveries>(agency, variables).await?;
    Ok(answer.webhook_deliveries)
}

/// Makes an endpoint; the answer is its signing secret.
pub(crate) async fn create(
    agency: &str,
    input: CreateWebhookEndpointInput,
) -> Result<String, ApiError> {
    let variables = create_webhook_endpoint::Variables { input };
    let answer = send::<CreateWebhookEndpoint>(agency, variables).await?;
    Ok(answer.create_webhook_endpoint.signing_secret)
}

/// Changes an endpoint.
pub(crate) async fn update(
    agency: &str,
    input: UpdateWebhookEndpointInput,
) -> Result<(), ApiError> {
    let variables = update_webhook_endpoint::Variables { input };
    send::<UpdateWebhookEndpoint>(agency, variables).await?;
    Ok(())
}

/// Switches an endpoint on or off.
pub(crate) async fn switch(agency: &str, id: String, is_enabled: bool) -> Result<(), ApiError> {
    let input = UpdateWebhookEndpointInput {
        webhook_endpoint_id: id,
        url: None,
        description: None,
        events: None,
        is_enabled: Some(is_enabled),
    };
    update(agency, input).await
}

/// Gives an endpoint a new signing secret, which is the answer.
pub(crate) async fn rotate(agency: &str, id: String) -> Result<String, ApiError> {
    let input = rotate_webhook_secret::RotateWebhookSecretInput {
        webhook_endpoint_id: id,
    };
    let variables = rotate_webhook_secret::Variables { input };
    let answer = send::<RotateWebhookSecret>(agency, variables).await?;
    Ok(answer.rotate_webhook_secret.signing_secret)
}

/// Deletes an endpoint with its log.
pub(crate) async fn delete(agency: &str, id: String) -> Result<(), ApiError> {
    let input = delete_webhook_endpoint::DeleteWebhookEndpointInput {
        webhook_endpoint_id: id,
    };
    send::<DeleteWebhookEndpoint>(agency, delete_webhook_endpoint::Variables { input }).await?;
    Ok(())
}

/// Sends a test and tells how it went.
pub(crate) async fn test(agency: &str, id: String) -> Result<TestResult, ApiError> {
    let input = test_webhook_endpoint::TestWebhookEndpointInput {
        webhook_endpoint_id: id,
    };
    let variables = test_webhook_endpoint::Variables { input };
    let answer = send::<TestWebhookEndpoint>(agency, variables).await?;
    Ok(answer.test_webhook_endpoint.delivery)
}

/// Sends a delivery once more.
pub(crate) async fn redeliver(agency: &str, id: String) -> Result<(), ApiError> {
    let input = redeliver_webhook::RedeliverWebhookInput {
        webhook_delivery_id: id,
    };
    send::<RedeliverWebhook>(agency, redeliver_webhook::Variables { input }).await?;
    Ok(())
}
