//! The way of an agent's calls as the server explains it (R6): which key, whose account, and what stops it. Nothing here decides
//! anything about it.

use crate::api::enums::{
    KeyHealth, KeyScope, Provider, RouteBlockCode, RouteDoubt, RouteState, RouteStationState,
};
use crate::api::{ApiError, operation, send};

operation!(
    /// What only some roles may see is asked for only with `$details`.
    ExplainRoute, "src/api/routes/explain_route.graphql"
);

pub(crate) use explain_route::{
    ExplainRouteExplainRoute as Route, ExplainRouteExplainRouteStations as RouteStation,
};

/// The route of an agent's calls at this moment; masks and names of accounts only for those who may see them.
pub(crate) async fn explain(agency: &str, id: String, details: bool) -> Result<Route, ApiError> {
    let variables = explain_route::Variables { id, details };
    Ok(send::<ExplainRoute>(agency, variables).await?.explain_route)
}
