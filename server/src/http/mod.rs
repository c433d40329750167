//! The HTTP edge: the router, the layers around it and the server's life. It speaks HTTP and holds no rule of the product.

mod assets;
mod bearer;
mod body;
mod calls;
mod graphql;
mod hooks;
mod observe;
mod openapi;
mod origin;
mod rest;
mod session;
mod socket;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    middleware,
    response::IntoResponse,
    routing::{any, get, post},
};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::App,
    error::Result,
    graphql::{RingfenceSchema, schema},
    store,
};

/// Running requests may take this long after the server was asked to stop.
const GRACE: Duration = Duration::from_secs(20);

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) app: App,
    pub(crate) schema: RingfenceSchema,
}

/// The whole server as a service.
pub fn router(app: &App) -> Router {
    router_with(app, schema(app))
}

/// The same over another schema, for tests.
pub fn router_with(app: &App, schema: RingfenceSchema) -> Router {
    let edge = Edge {
        app: app.clone(),
        schema,
    };
    let web = assets::Assets::new(app);
    Router::new()
        .route("/graphql", any(graphql::handle))
        .merge(rest::routes())
        .route("/hooks/{provider}/{id}", post(hooks::receive))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(move |request| assets::serve(web.clone(), request))
        .layer(DefaultBodyLimit::max(body::MAX_BODY))
        .layer(middleware::from_fn_with_state(
            edge.clone(),
            origin::refuse_foreign,
        ))
        .layer(middleware::from_fn(bearer::refuse_in_address))
        .layer(middleware::from_fn_with_state(
            edge.clone(),
            observe::headers,
        ))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(
            edge.clone(),
            observe::observe,
        ))
        .with_state(edge)
}

/// Serves until the application is asked to stop, then lets running requests end.
pub async fn serve(app: &App, listener: TcpListener) -> std::io::Result<()> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = app.shutdown.clone();
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .into_future();
    let late = async {
        app.shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = served => served,
        () = late => {
            tracing::warn!("some requests did not end in time");
            Ok(())
        }
    }
}

/// Whether the process lives.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it can work: the database answers.
async fn readyz(State(edge): State<Edge>) -> impl IntoResponse {
    let asked: Result<bool> = async {
        let mut conn = edge.app.db.read().await?;
        store::users::is_empty(&mut conn).await
    }
    .await;
    match asked {
        Ok(_) if !edge.app.shutdown.is_cancelled() => (StatusCode::OK, "ready\n"),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        Err(error) => {
            tracing::error!(error = ?error, "the database does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
        }
    }
}

/// Figures for Prometheus, for this machine only: a proxy in front must not pass the path on.
async fn metrics(
    State(edge): State<Edge>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let is_forwarded = ["x-forwarded-for", "forwarded", "x-real-ip"]
        .into_iter()
        .any(|name| headers.contains_key(name));
    if !peer.ip().to_canonical().is_loopback() || is_forwarded {
        return (StatusCode::NOT_FOUND, String::new());
    }
    (StatusCode::OK, observe::figures(&edge.app).await)
}
