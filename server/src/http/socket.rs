//! Subscriptions over graphql-transport-ws. The socket takes the session cookie of its upgrade and the agency of its
//! `connection_init` (`{"agency": "<slug>"}`), or an API key from there (`{"authorization": "Bearer bvai_sk_…"}`, or the
//! upgrade's own header), beside which the cookie counts for nothing. Session or key, membership and role are asked again each second and at each
//! event, and the socket closes with a code when they change (H3):
//!
//! - 4401: nobody is logged in, the session has ended, or the API key is none or no more
//! - 4403: the role has changed, connect again; or the agency has no API any more
//! - 4404: there is no such agency, or the viewer is no member of it (any more)
//! - 4408: `connection_init` did not come in time
//! - 4429: more than 20 subscriptions on one socket, or no room in the API key's window
//! - 1001: the server is stopping

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_graphql::{
    Data, Executor, Request, Response as GraphQLResponse,
    http::{ClientMessage, WebSocket as GraphQLSocket, WebSocketProtocols, WsMessage},
    parser::types::OperationType,
};
use axum::{
    body::Body,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, Response},
    response::IntoResponse,
};
use futures_util::{
    SinkExt, Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Edge, bearer, session};
use crate::{
    access::Viewer,
    api_keys,
    app::App,
    error::{Code, Error, Result},
    graphql::{RingfenceSchema, failure, loaders::Loaders},
};

/// Subscriptions on one socket.
const MAX_SUBSCRIPTIONS: usize = 20;
/// Largest message that is read.
const MAX_MESSAGE: usize = 256 * 1024;
/// A client that was told that the socket closes has this long to close it too.
const CLOSE_TIME: Duration = Duration::from_secs(1);
/// Session and membership are asked again this often.
const RECHECK: Duration = Duration::from_secs(1);
/// `connection_init` has to come within this time, so that nobody holds sockets without a session.
const HELLO_TIME: Duration = Duration::from_secs(5);
/// Proxies cut connections that are silent for long.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

/// Takes the upgrade.
pub(crate) fn accept(
    edge: Edge,
    request_id: String,
    upgrade: WebSocketUpgrade,
    headers: HeaderMap,
) -> Response<Body> {
    let upgrade = upgrade
        .protocols(["graphql-transport-ws"])
        .max_message_size(MAX_MESSAGE)
        // Its default of 16 MiB would be read before the message is measured.
        .max_frame_size(MAX_MESSAGE);
    if upgrade.selected_protocol().is_none() {
        let text = "Ask for the WebSocket protocol graphql-transport-ws.\n";
        return (axum::http::StatusCode::BAD_REQUEST, text).into_response();
    }
    upgrade
        .on_upgrade(move |socket| async move {
            let app = edge.app.clone();
            let task = app.spawn(async move { run(edge, request_id, socket, headers).await });
            drop(task.await);
        })
        .into_response()
}

/// What the parts of a socket share.
#[derive(Default)]
struct Shared {
    viewer: OnceLock<Viewer>,
    /// Why `connection_init` was refused.
    refusal: Mutex<Option<u16>>,
    /// Ids of the subscriptions that run.
    open: Mutex<HashSet<String>>,
}

impl Shared {
    fn refuse(&self, code: u16) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    fn refusal(&self) -> Option<u16> {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, HashSet<String>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The code of a close that async-graphql asks for. Its own for a subscription before the hello is 1011, where the
    /// protocol has 4401.
    fn close_code(&self, code: u16) -> u16 {
        let is_stranger = self.viewer.get().is_none();
        self.refusal().unwrap_or(if is_stranger && code == 1011 {
            4401
        } else {
            code
        })
    }

    /// Makes room when a subscription has ended by itself.
    fn note_end(&self, text: &str) {
        #[derive(serde::Deserialize)]
        struct Outgoing<'a> {
            #[serde(rename = "type")]
            kind: &'a str,
            id: Option<&'a str>,
        }
        if let Ok(Outgoing {
            kind: "complete" | "error",
            id: Some(id),
        }) = serde_json::from_str(text)
        {
            self.open().remove(id);
        }
    }
}

async fn run(edge: Edge, request_id: String, socket: WebSocket, headers: HeaderMap) {
    let (mut sink, incoming) = socket.split();
    let shared = Arc::new(Shared::default());
    let messages = limited(incoming, Arc::clone(&shared));
    let executor = SocketExecutor {
        app: edge.app.clone(),
        schema: edge.schema.clone(),
        shared: Arc::clone(&shared),
        request_id: request_id.into(),
    };
    let init = {
        let edge = edge.clone();
        let shared = Arc::clone(&shared);
        move |payload: serde_json::Value| async move {
            initialise(&edge, &shared, &headers, &payload)
                .await
                .map_err(async_graphql::Error::from)
        }
    };
    let outgoing = GraphQLSocket::from_message_stream(
        executor,
        messages.boxed(),
        WebSocketProtocols::GraphQLWS,
    )
    .on_connection_init(init);
    let mut outgoing = std::pin::pin!(outgoing.fuse());
    let opened_at = Instant::now();
    let mut recheck = interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keep_alive = interval(KEEP_ALIVE);
    loop {
        let message = tokio::select! {
            next = outgoing.next() => match next {
                Some(WsMessage::Text(text)) => {
                    shared.note_end(&text);
                    Message::Text(text.into())
                }
                Some(WsMessage::Close(code, reason)) => close(shared.close_code(code), &reason),
                None => match shared.refusal() {
                    Some(code) => close(code, "too many subscriptions"),
                    None => return,
                },
            },
            _ = recheck.tick() => match ended(&edge, &shared, opened_at).await {
                Some((code, reason)) => close(code, reason),
                None => continue,
            },
            _ = keep_alive.tick() => Message::Ping(Vec::new().into()),
            () = edge.app.shutdown.cancelled() => close(1001, "the server is stopping"),
        };
        let is_last = matches!(message, Message::Close(_));
        if sink.send(message).await.is_err() {
            return;
        }
        if is_last {
            // What the client still sends, such as its answer to a ping, is read until it closes too: a connection that is
            // dropped with something unread takes the close frame with it.
            let drained = async { while outgoing.next().await.is_some() {} };
            drop(timeout(CLOSE_TIME, drained).await);
            return;
        }
    }
}

fn close(code: u16, reason: &str) -> Message {
    // A close frame's reason has room for 123 bytes.
    let reason: String = reason.chars().take(100).collect();
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}

/// Whether the viewer is no longer who they were when the socket was opened, or never said who they are.
async fn ended(edge: &Edge, shared: &Shared, opened_at: Instant) -> Option<(u16, &'static str)> {
    let Some(viewer) = shared.viewer.get() else {
        let is_late = opened_at.elapsed() > HELLO_TIME;
        return is_late.then_some((4408, "connection_init did not come"));
    };
    let role = |viewer: &Viewer| viewer.membership.as_ref().map(|membership| membership.role);
    match api_keys::still(&edge.app, viewer).await {
        Ok(now) if role(&now) == role(viewer) => None,
        Ok(_) => Some((4403, "the role has changed")),
        Err(Error::Unauthenticated) => Some((4401, "the session has ended")),
        Err(Error::ApiKeyRefused(_)) => Some((4401, "the API key is not in use any more")),
        Err(Error::ApiSwitchedOff | Error::PlanWithoutApi) => {
            Some((4403, "the agency has no API any more"))
        }
        Err(Error::NotFound) => Some((4404, "no such agency")),
        Err(error) => {
            tracing::error!(error = ?error, "a socket's viewer cannot be checked");
            Some((1011, "something went wrong"))
        }
    }
}

/// The close code of a hello that is refused.
fn refusal_code(error: &Error) -> u16 {
    match error.code() {
        Code::Unauthenticated => 4401,
        Code::ApiSwitchedOff | Code::PlanWithoutApi => 4403,
        Code::NotFound => 4404,
        Code::RateLimited => 4429,
        _ => 1011,
    }
}

/// Whoever says hello: an API key where one is sent, in the payload before the header, else the session of the cookie.
async fn hello(edge: &Edge, headers: &HeaderMap, payload: &serde_json::Value) -> Result<Viewer> {
    let slug = payload.get("agency").and_then(serde_json::Value::as_str);
    let secret = match payload.get("authorization") {
        Some(value) => Some(bearer::key_of(value.as_str().unwrap_or_default())?),
        None => bearer::presented(headers)?,
    };
    if let Some(secret) = secret {
        let admitted = api_keys::admit(&edge.app, &secret, slug).await;
        return match admitted {
            Ok(admitted) => Ok(admitted.viewer),
            Err(refused) => Err(refused.error),
        };
    }
    let recognised = session::recognise(&edge.app, headers, slug).await?;
    Ok(recognised.ok_or(Error::Unauthenticated)?.viewer)
}

async fn initialise(
    edge: &Edge,
    shared: &Shared,
    headers: &HeaderMap,
    payload: &serde_json::Value,
) -> Result<Data> {
    let viewer = hello(edge, headers, payload)
        .await
        .inspect_err(|error| shared.refuse(refusal_code(error)))?;
    let mut data = Data::default();
    if let Some(loaders) = Loaders::new(&edge.app, &viewer) {
        data.insert(loaders);
    }
    data.insert(viewer.clone());
    drop(shared.viewer.set(viewer));
    Ok(data)
}

/// The client's messages, ended when more than 20 subscriptions are open at once.
fn limited(
    incoming: stream::SplitStream<WebSocket>,
    shared: Arc<Shared>,
) -> impl Stream<Item = serde_json::Result<ClientMessage>> {
    stream::unfold((incoming, shared), |(mut incoming, shared)| async move {
        loop {
            let bytes = match incoming.next().await? {
                Ok(Message::Text(text)) => text.as_bytes().to_vec(),
                Ok(Message::Binary(bytes)) => bytes.to_vec(),
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Close(_)) | Err(_) => return None,
            };
            let message = ClientMessage::from_bytes(bytes);
            match &message {
                Ok(ClientMessage::Start { id, .. }) => {
                    let count = {
                        let mut open = shared.open();
                        open.insert(id.clone());
                        open.len()
                    };
                    if count > MAX_SUBSCRIPTIONS {
                        shared.refuse(4429);
                        return None;
                    }
                }
                Ok(ClientMessage::Stop { id }) => {
                    shared.open().remove(id);
                }
                _ => {}
            }
            return Some((message, (incoming, shared)));
        }
    })
}

/// Runs subscriptions alone: queries and mutations go by POST, where a hang-up does not cut them short.
#[derive(Clone)]
struct SocketExecutor {
    app: App,
    schema: RingfenceSchema,
    shared: Arc<Shared>,
    request_id: Arc<str>,
}

impl SocketExecutor {
    fn check(request: &mut Request) -> Result<()> {
        let name = request.operation_name.clone();
        // A document that does not parse gets its own error from the schema.
        let Ok(document) = request.parsed_query() else {
            return Ok(());
        };
        let is_subscription = document
            .operations
            .iter()
            .filter(|(operation, _)| {
                name.is_none() || operation.map(async_graphql::Name::as_str) == name.as_deref()
            })
            .all(|(_, operation)| operation.node.ty == OperationType::Subscription);
        if is_subscription {
            return Ok(());
        }
        Err(Error::QueryRefused(
            "This socket is for subscriptions. Send queries and mutations by POST.".to_owned(),
        ))
    }
}

impl SocketExecutor {
    /// Takes a place in the windows of an API key; `RateLimited` when there is none.
    async fn count(&self) -> Result<()> {
        match self.shared.viewer.get() {
            Some(viewer) => api_keys::take(&self.app, viewer).await,
            None => Ok(()),
        }
    }

    fn note_error(&self) {
        if let Some(viewer) = self.shared.viewer.get() {
            api_keys::usage::note_error(&self.app, viewer);
        }
    }

    /// What a subscription sends. It is one request, so that it has at most one error.
    fn events(
        self,
        request: Request,
        session_data: Option<Arc<Data>>,
    ) -> impl Stream<Item = GraphQLResponse> + Send + 'static {
        let session_data = session_data.unwrap_or_default();
        let events = self
            .schema
            .execute_stream_with_session_data(request, session_data);
        let mut is_noted = false;
        events.map(move |mut response| {
            if !response.errors.is_empty() && !is_noted {
                is_noted = true;
                self.note_error();
            }
            failure::complete(&self.request_id, &mut response);
            response
        })
    }
}

impl Executor for SocketExecutor {
    async fn execute(&self, mut request: Request) -> GraphQLResponse {
        let error = Self::check(&mut request)
            .err()
            .unwrap_or_else(|| Error::QueryRefused("Subscribe instead.".to_owned()));
        failure::response(error, &self.request_id)
    }

    fn execute_stream(
        &self,
        mut request: Request,
        session_data: Option<Arc<Data>>,
    ) -> BoxStream<'static, GraphQLResponse> {
        let this = self.clone();
        // Each request of an API key counts like one over HTTP (A5), whatever becomes of it.
        stream::once(async move {
            let refusal = match this.count().await {
                Ok(()) => Self::check(&mut request)
                    .inspect_err(|_| this.note_error())
                    .err(),
                Err(error) => Some(error),
            };
            match refusal {
                None => this.events(request, session_data).boxed(),
                Some(error) => {
                    let refused = failure::response(error, &this.request_id);
                    stream::once(async move { refused }).boxed()
                }
            }
        })
        .flatten()
        .boxed()
    }
}
