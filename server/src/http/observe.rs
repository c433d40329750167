//! What surrounds each request: its id, its log line, its figures, the security headers, and an answer when a handler
//! panics. Log lines name method, route and status; never a query, a header or a body.

use std::{
    any::Any,
    sync::OnceLock,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, header},
    middleware::Next,
    response::IntoResponse,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing::Instrument;

use super::Edge;
use crate::{app::App, store};

/// The id of a request: in its log lines, in its answer's `X-Request-Id` and in GraphQL errors.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request its id, a span and a log line.
pub(crate) async fn observe(
    State(_): State<Edge>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let id = uuid::Uuid::now_v7().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = known_method(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "web app".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request.id = %id, http.method = %method, http.route = %route);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if route == "web app" || route == "/healthz" || route == "/readyz" || route == "/metrics" {
            tracing::debug!(http.status = status, duration_ms, "answered");
        } else {
            tracing::info!(http.status = status, duration_ms, "answered");
        }
    });
    count(&route, status, took);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    response
}

/// The method for the log; one that nobody knows is a text that somebody typed.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN
        .iter()
        .position(|known| known == method)
        .map_or("other", |index| NAMES[index])
}

/// Headers that every answer carries. The content security policy of pages is set by `assets`.
pub(crate) async fn headers(
    State(edge): State<Edge>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if edge.app.config.is_https() {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}

/// The answer of a handler that panicked; the panic's text goes to the log alone.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    tracing::error!(panic = text, "a request handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.\n").into_response()
}

fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| PrometheusBuilder::new().install_recorder().ok())
        .as_ref()
}

fn count(route: &str, status: u16, took: Duration) {
    if recorder().is_none() {
        return;
    }
    let labels = [("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("ringfence_http_requests_total", &labels).increment(1);
    metrics::histogram!("ringfence_http_request_seconds", "route" => route.to_owned())
        .record(took.as_secs_f64());
}

/// The figures as Prometheus reads them.
pub(crate) async fn figures(app: &App) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a double; counts stay far below 2^52"
    )]
    fn gauge(name: &'static str, value: u64) {
        metrics::gauge!(name).set(value as f64);
    }
    let Some(handle) = recorder() else {
        return String::new();
    };
    let jobs = match app.db.read().await {
        Ok(mut conn) => store::jobs::count_live(&mut conn).await.unwrap_or(0),
        Err(_) => 0,
    };
    if let Ok(mut conn) = app.db.read().await {
        let open = store::alerts::count_open(&mut conn).await.unwrap_or(0);
        gauge("ringfence_open_alerts", u64::try_from(open).unwrap_or(0));
        for (provider, health, count) in store::health::count_by_health(&mut conn)
            .await
            .unwrap_or_default()
        {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a gauge is a double; counts stay far below 2^52"
            )]
            metrics::gauge!("ringfence_provider_keys", "provider" => provider, "health" => health)
                .set(count as f64);
        }
    }
    gauge("ringfence_jobs", u64::try_from(jobs).unwrap_or(0));
    gauge("ringfence_guard_bypassed", app.guard_alarm.count());
    handle.run_upkeep();
    handle.render()
}
