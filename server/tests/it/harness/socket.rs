//! A graphql-transport-ws client.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{TestApp, TestClient};

/// An open socket.
pub(crate) struct TestSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// What came over it.
#[derive(Debug)]
pub(crate) enum Frame {
    Json(Value),
    Closed(u16),
}

impl TestSocket {
    /// Opens a socket with the client's cookie and this origin; the error of a refused upgrade otherwise.
    pub(crate) async fn open(
        app: &TestApp,
        client: &TestClient,
        origin: Option<&str>,
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{}/graphql", app.address).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(
            "sec-websocket-protocol",
            HeaderValue::from_static("graphql-transport-ws"),
        );
        if let Some(origin) = origin {
            headers.insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        if let Some(cookie) = client.cookie() {
            headers.insert("cookie", HeaderValue::from_str(&cookie).unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self(socket))
    }

    /// Opens a socket as the web app does, and says hello.
    pub(crate) async fn connect(app: &TestApp, client: &TestClient) -> Self {
        let mut socket = Self::open(app, client, Some(&app.url(""))).await.unwrap();
        let payload = json!({ "agency": client.agency });
        socket
            .send(json!({ "type": "connection_init", "payload": payload }))
            .await;
        socket
    }

    /// The same, until the server has accepted.
    pub(crate) async fn connected(app: &TestApp, client: &TestClient) -> Self {
        let mut socket = Self::connect(app, client).await;
        match socket.next().await {
            Frame::Json(message) => assert_eq!(message["type"], "connection_ack", "{message}"),
            Frame::Closed(code) => panic!("closed with {code}"),
        }
        socket
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// Sends the head of a text frame of this length, and nothing of the frame.
    pub(crate) async fn announce(&mut self, length: u64) {
        let mut head = vec![0x81, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        self.0.get_mut().write_all(&head).await.unwrap();
    }

    /// Starts a subscription.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        let message = json!({ "id": id, "type": "subscribe", "payload": { "query": query } });
        self.send(message).await;
    }

    /// The next message or the close code, within ten seconds.
    pub(crate) async fn next(&mut self) -> Frame {
        let wait = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Frame::Json(serde_json::from_str(&text).unwrap());
                    }
                    Some(Ok(Message::Close(frame))) => {
                        return Frame::Closed(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Frame::Closed(1006),
                }
            }
        });
        wait.await
            .expect("nothing came over the socket for ten seconds")
    }
}
