//! One subscription over one WebSocket in the graphql-transport-ws protocol: init, acknowledge, subscribe, next, complete,
//! and an answer to each ping. One socket per subscription is enough, because a page watches at most one run per provider.
//! Reconnecting and polling are the caller's work.

use futures_util::future::poll_fn;
use futures_util::{Sink, SinkExt, StreamExt};
use gloo_net::websocket::{Message, State, futures::WebSocket};
use serde_json::Value;
use std::pin::Pin;

const PROTOCOL: &str = "graphql-transport-ws";
const SUBSCRIPTION_ID: &str = "1";

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The server said that nothing more will come.
    Complete,
    /// The socket was refused, closed or broken; `was_open` tells whether the server had acknowledged it.
    Lost {
        /// The server had acknowledged the connection.
        was_open: bool,
    },
}

/// What one frame of the server asks of us.
#[derive(Debug, PartialEq)]
enum Step {
    /// Send this and go on.
    Send(String),
    /// Hand this payload to the listener.
    Next(Value),
    /// It is over.
    End(Ended),
    /// Nothing to do.
    Ignore,
}

/// Subscribes with the JSON of a GraphQL request and hands each payload to `on_payload` until the subscription ends.
pub(crate) async fn subscribe(agency: &str, request: &str, on_payload: &dyn Fn(Value)) -> Ended {
    let mut was_open = false;
    let opened =
        address().and_then(|address| WebSocket::open_with_protocol(&address, PROTOCOL).ok());
    let mut opening = Opening(opened);
    let is_ready = opening.ready().await;
    let Some(mut socket) = opening.0.take() else {
        return Ended::Lost { was_open };
    };
    if !is_ready
        || !matches!(socket.state(), State::Open)
        || socket.send(Message::Text(init(agency))).await.is_err()
    {
        return Ended::Lost { was_open };
    }
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match step(&text, request, &mut was_open) {
            Step::Send(answer) => {
                if socket.send(Message::Text(answer)).await.is_err() {
                    break;
                }
            }
            Step::Next(payload) => on_payload(payload),
            Step::End(ended) => return ended,
            Step::Ignore => {}
        }
    }
    Ended::Lost { was_open }
}

/// A socket that is not open yet. Closed before it is, it would leave a warning in the console of whoever goes on to another
/// page quickly; so it is left to open first.
struct Opening(Option<WebSocket>);

impl Opening {
    /// Whether it takes messages. Ready means open or refused; only an open socket takes one.
    async fn ready(&mut self) -> bool {
        let Some(socket) = &mut self.0 else {
            return false;
        };
        poll_fn(|context| Pin::new(&mut *socket).poll_ready(context))
            .await
            .is_ok()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let Some(mut left) = self.0.take() else {
            return;
        };
        leptos::task::spawn_local(async move {
            // Open or refused, it is closed by being dropped.
            drop(poll_fn(|context| Pin::new(&mut left).poll_ready(context)).await);
        });
    }
}

fn step(text: &str, request: &str, was_open: &mut bool) -> Step {
    let lost = Step::End(Ended::Lost {
        was_open: *was_open,
    });
    let Ok(mut frame) = serde_json::from_str::<Value>(text) else {
        return lost;
    };
    let payload = frame.get_mut("payload").map(Value::take);
    match (
        frame
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        payload,
    ) {
        ("connection_ack", _) => {
            *was_open = true;
            Step::Send(format!(
                r#"{{"id":"{SUBSCRIPTION_ID}","type":"subscribe","payload":{request}}}"#
            ))
        }
        ("ping", _) => Step::Send(r#"{"type":"pong"}"#.to_owned()),
        ("next", Some(payload)) => Step::Next(payload),
        ("complete", _) => Step::End(Ended::Complete),
        // The operation was refused; asking over HTTP tells why.
        ("error", _) => lost,
        _ => Step::Ignore,
    }
}

fn init(agency: &str) -> String {
    let agency = serde_json::to_string(agency).unwrap_or_default();
    format!(r#"{{"type":"connection_init","payload":{{"agency":{agency}}}}}"#)
}

/// The socket's address on the host that served this page.
fn address() -> Option<String> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" {
        "wss"
    } else {
        "ws"
    };
    Some(format!("{scheme}://{}/graphql", location.host().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S2: the protocol's order, init, acknowledge, subscribe, next, complete.
    #[test]
    fn the_protocol_is_followed_frame_by_frame() {
        assert_eq!(
            init("north"),
            r#"{"type":"connection_init","payload":{"agency":"north"}}"#
        );
        let mut was_open = false;
        let request = r#"{"query":"x"}"#;
        assert_eq!(
            step(r#"{"type":"connection_ack"}"#, request, &mut was_open),
            Step::Send(r#"{"id":"1","type":"subscribe","payload":{"query":"x"}}"#.to_owned())
        );
        assert!(was_open);
        assert_eq!(
            step(r#"{"type":"ping"}"#, request, &mut was_open),
            Step::Send(r#"{"type":"pong"}"#.to_owned())
        );
        assert_eq!(
            step(
                r#"{"id":"1","type":"next","payload":{"data":{"a":1}}}"#,
                request,
                &mut was_open
            ),
            Step::Next(serde_json::json!({"data": {"a": 1}}))
        );
        assert_eq!(
            step(r#"{"id":"1","type":"complete"}"#, request, &mut was_open),
            Step::End(Ended::Complete)
        );
        assert_eq!(
            step(r#"{"type":"error","payload":[]}"#, request, &mut was_open),
            Step::End(Ended::Lost { was_open: true })
        );
        assert_eq!(
            step(r#"{"type":"pong"}"#, request, &mut was_open),
            Step::Ignore
        );
        assert_eq!(
            step("not json", request, &mut false),
            Step::End(Ended::Lost { was_open: false })
        );
    }
}
