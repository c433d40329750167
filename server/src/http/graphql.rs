//! `/graphql`: one request per POST as `application/json` (H1), and WebSocket upgrades for subscriptions. An API key speaks
//! for its request alone, the session's cookie otherwise. Each request runs in a task of its own, so that a client that hangs up does not cut a transaction in two.

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use std::net::SocketAddr;

use super::{
    Edge, bearer,
    body::{self, Unread},
    observe::RequestId,
    origin, session, socket,
};
use crate::{
    access::{Role, Viewer},
    api_keys::{self, Refused},
    app::App,
    error::{Error, Result},
    graphql::{
        context::{CookieChange, CookieJar, Origin},
        failure,
        loaders::Loaders,
    },
    store,
};

/// Both methods of the endpoint.
pub(crate) async fn handle(
    State(edge): State<Edge>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Response<Body> {
    match *request.method() {
        Method::POST => post(edge, request_id, request).await,
        Method::GET if request.headers().contains_key(header::UPGRADE) => {
            let (mut parts, _) = request.into_parts();
            match WebSocketUpgrade::from_request_parts(&mut parts, &edge).await {
                Ok(upgrade) => socket::accept(edge, request_id, upgrade, parts.headers),
                Err(rejection) => rejection.into_response(),
            }
        }
        _ => {
            let error = Error::QueryRefused("Send a POST with a JSON body.".to_owned());
            let mut response = answer(
                StatusCode::METHOD_NOT_ALLOWED,
                &failure::response(error, &request_id),
            );
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("POST"));
            response
        }
    }
}

/// The answer to an API key that was not let in.
fn refuse(refused: Refused, request_id: &str) -> Response<Body> {
    let status = bearer::status_of(refused.error.code());
    let wait = refused.error.retry_after();
    let mut response = answer(status, &failure::response(refused.error, request_id));
    bearer::mark(&mut response, refused.standing.as_ref(), wait);
    response
}

async fn post(edge: Edge, request_id: String, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body::read(body).await;
    // Only now: what is revoked while the body comes in is refused (A8), and what is counted is carried out (A5).
    match bearer::admit(&edge.app, &parts.headers).await {
        Ok(admitted) => {
            let standing = admitted.as_ref().map(|admitted| admitted.standing);
            let caller = admitted.map(|admitted| admitted.viewer);
            let mut response = carry_out(edge, request_id, parts, body, caller).await;
            bearer::mark(&mut response, standing.as_ref(), None);
            response
        }
        Err(refused) => refuse(refused, &request_id),
    }
}

/// A request whose API key was let in as `caller`, or one without a key, which its cookie speaks for.
async fn carry_out(
    edge: Edge,
    request_id: String,
    parts: Parts,
    body: Result<Bytes, Unread>,
    caller: Option<Viewer>,
) -> Response<Body> {
    let refuse = |status, message: &str| {
        if let Some(caller) = &caller {
            api_keys::usage::note_error(&edge.app, caller);
        }
        let error = Error::QueryRefused(message.to_owned());
        answer(status, &failure::response(error, &request_id))
    };
    if !is_json(&parts.headers) {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send the request as application/json.",
        );
    }
    let body = match body {
        Ok(body) => body,
        Err(unread) => {
            let (status, message) = unread.refusal();
            return refuse(status, message);
        }
    };
    let Some(document) = parse(&body) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "The body is not one JSON object with `query`, and perhaps `variables` and `operationName`.",
        );
    };
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().copied();
    let task = edge.app.spawn({
        let edge = edge.clone();
        let request_id = request_id.clone();
        let span = tracing::Span::current();
        tracing::Instrument::instrument(
            async move {
                let origin = origin_of(&edge.app, &parts.headers, peer.as_ref());
                let document = document.data(origin);
                if let Some(caller) = caller {
                    execute_for_key(&edge, &request_id, caller, document).await
                } else {
                    execute(&edge, &request_id, &parts.headers, document).await
                }
            },
            span,
        )
    });
    match task.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let status = match error {
                Error::NotFound => StatusCode::NOT_FOUND,
                Error::InvalidInput { .. } => StatusCode::BAD_REQUEST,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            answer(status, &failure::response(error, &request_id))
        }
        Err(panic) => {
            tracing::error!(error = ?panic.to_string(), "a request's task ended early");
            let error = Error::internal("a request's task ended early");
            answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                &failure::response(error, &request_id),
            )
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        })
}

/// One request; a list of them (a batch) is refused.
fn parse(body: &Bytes) -> Option<async_graphql::Request> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if *first != b'{' {
        return None;
    }
    serde_json::from_slice(body).ok()
}

fn origin_of(app: &App, headers: &HeaderMap, peer: Option<&ConnectInfo<SocketAddr>>) -> Origin {
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    Origin {
        address: origin::client_address(peer, headers, &app.config.trusted_proxies),
        user_agent: user_agent.map(str::to_owned),
    }
}

/// For an API key. The status is that of its error when nothing came of the whole request (A4); an answer of which a part
/// came is 200, with the errors beside it.
async fn execute_for_key(
    edge: &Edge,
    request_id: &str,
    caller: Viewer,
    mut request: async_graphql::Request,
) -> Result<Response<Body>> {
    if let Some(loaders) = Loaders::new(&edge.app, &caller) {
        request = request.data(loaders);
    }
    let mut response = edge.schema.execute(request.data(caller.clone())).await;
    let first = response.errors.first();
    let retry_after = first
        .and_then(async_graphql::ServerError::source::<Error>)
        .and_then(Error::retry_after);
    failure::complete(request_id, &mut response);
    if !response.errors.is_empty() {
        api_keys::usage::note_error(&edge.app, &caller);
    }
    let status = if is_nothing(&response.data) {
        failure::code_of(&response).map_or(StatusCode::OK, bearer::status_of)
    } else {
        StatusCode::OK
    };
    let mut answer = answer(status, &response);
    let wait = retry_after.filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
    bearer::mark(&mut answer, None, wait);
    Ok(answer)
}

/// Whether no root field has a value.
fn is_nothing(data: &async_graphql::Value) -> bool {
    match data {
        async_graphql::Value::Null => true,
        async_graphql::Value::Object(fields) => fields
            .values()
            .all(|value| *value == async_graphql::Value::Null),
        _ => false,
    }
}

/// For a person's session, or for nobody.
async fn execute(
    edge: &Edge,
    request_id: &str,
    headers: &HeaderMap,
    mut request: async_graphql::Request,
) -> Result<Response<Body>> {
    let app = &edge.app;
    let slug = session::agency_slug(headers)?;
    let recognised = session::recognise(app, headers, slug.as_deref()).await?;
    let jar = CookieJar::default();
    request = request.data(jar.clone());
    let mut extended = None;
    match recognised {
        // Introspection is off for nobody and for clients' people (P6).
        None => request = request.disable_introspection(),
        Some(recognised) => {
            if asks_for_schema(&request) && !is_agencys_own(app, &recognised.viewer).await? {
                request = request.disable_introspection();
            }
            let session = recognised.viewer.session().cloned();
            extended = session
                .zip(recognised.extended_until)
                .map(|(session, end)| CookieChange::Set(session, end));
            if let Some(loaders) = Loaders::new(app, &recognised.viewer) {
                request = request.data(loaders);
            }
            request = request.data(recognised.viewer);
        }
    }
    let mut response = edge.schema.execute(request).await;
    failure::complete(request_id, &mut response);
    let mut answer = answer(StatusCode::OK, &response);
    if let Some(change) = jar.take().or(extended) {
        let cookie = session::set_cookie(app, &change)?;
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Whether the document can ask about the schema at all; the answer costs a look at the memberships.
fn asks_for_schema(request: &async_graphql::Request) -> bool {
    request.query.contains("__schema") || request.query.contains("__type")
}

/// Whether the viewer belongs to the own people of the agency of the request; of any, where it names none.
async fn is_agencys_own(app: &App, viewer: &Viewer) -> Result<bool> {
    if let Some(membership) = &viewer.membership {
        return Ok(membership.role != Role::Portal);
    }
    let mut conn = app.db.read().await?;
    let joined = store::agencies::list_memberships(&mut conn, &viewer.user_id).await?;
    Ok(joined
        .iter()
        .any(|membership| Role::parse(&membership.role) != Some(Role::Portal)))
}

fn answer(status: StatusCode, response: &async_graphql::Response) -> Response<Body> {
    (status, axum::Json(response)).into_response()
}
