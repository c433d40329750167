//! The places where a secret could be left: log lines at every level, answers, figures and files. Each can be searched,
//! and into each a leak can be planted.

use std::{
    fs, io,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use axum::{Router, routing::get};
use reqwest::{Method, RequestBuilder};
use ringfence::command;
use serde_json::Value;
use tokio::net::TcpListener;
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use super::canary::{Place, Secret};
use crate::harness::{TestApp, TestClient};

/// Everything that was logged in this process, by whatever crate, as the server logs when it is told to log everything.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn log() -> MutexGuard<'static, Vec<u8>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct LogWriter;

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        log().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

fn start_log() {
    static STARTED: OnceLock<()> = OnceLock::new();
    STARTED.get_or_init(|| {
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(LogWriter);
        tracing_subscriber::registry()
            .with(command::log_filter("trace").unwrap())
            .with(lines)
            .init();
    });
}

/// A leak, on purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leak {
    LogLine,
    LogField,
    Body,
    Header,
    Figure,
    Row,
    File,
}

impl Leak {
    /// The figure is last: it stays for as long as the process.
    pub(crate) const ALL: [Self; 7] = [
        Self::LogLine,
        Self::LogField,
        Self::Body,
        Self::Header,
        Self::Row,
        Self::File,
        Self::Figure,
    ];

    /// Where the search has to find it.
    pub(crate) fn place(self) -> &'static str {
        match self {
            Self::LogLine | Self::LogField => "the log",
            Self::Body | Self::Header | Self::Figure => "an answer",
            Self::Row | Self::File => "a file",
        }
    }
}

/// What came back for what.
struct Seen {
    what: String,
    bytes: Vec<u8>,
}

/// The places of one test.
pub(crate) struct Sinks {
    answers: Mutex<Vec<Seen>>,
    /// Where its part of the log begins.
    log_start: usize,
}

impl Sinks {
    pub(crate) fn new() -> Self {
        start_log();
        Self {
            answers: Mutex::default(),
            log_start: log().len(),
        }
    }

    pub(crate) fn log_size(&self) -> usize {
        log().len() - self.log_start
    }

    pub(crate) fn answer_count(&self) -> usize {
        self.answers.lock().unwrap().len()
    }

    /// Keeps something that came back.
    pub(crate) fn keep(&self, what: &str, bytes: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().push(Seen {
            what: what.to_owned(),
            bytes: bytes.into(),
        });
    }

    /// Sends a request and keeps the whole answer: status, headers and body. Gives the body, when it is JSON, and the
    /// cookie that was set.
    pub(crate) async fn send(
        &self,
        what: &str,
        request: RequestBuilder,
    ) -> (Value, Option<String>) {
        let response = request.send().await.unwrap();
        let mut bytes = format!("{}\n", response.status()).into_bytes();
        let mut cookie = None;
        for (name, value) in response.headers() {
            if name == "set-cookie" {
                // The one place where a session token belongs.
                let pair = value.to_str().unwrap().split(';').next().unwrap();
                cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
                continue;
            }
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(b'\n');
        }
        let body = response.bytes().await.unwrap();
        bytes.extend_from_slice(&body);
        self.keep(what, bytes);
        (serde_json::from_slice(&body).unwrap_or_default(), cookie)
    }

    /// Reads the figures.
    pub(crate) async fn ask_metrics(&self, app: &TestApp) {
        let request = app.nobody().request(Method::GET, "/metrics");
        self.send("/metrics", request).await;
    }

    /// Where pieces of these secrets are.
    pub(crate) async fn search(&self, app: &TestApp, secrets: &[Secret]) -> Vec<String> {
        self.ask_metrics(app).await;
        let mut places = vec![Place::new("the log", &log()[self.log_start..])];
        for seen in &*self.answers.lock().unwrap() {
            let name = format!("an answer to {}", seen.what);
            places.push(Place::new(name, seen.bytes.clone()));
        }
        for entry in fs::read_dir(&app.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The two files that hold a secret each, mode 0600, are where they belong.
            if name != "master.key" && name != "session.secret" {
                places.push(Place::new(
                    format!("a file, {name}"),
                    fs::read(&path).unwrap(),
                ));
            }
        }
        for (table, rows) in app.database.dump().await {
            places.push(Place::new(format!("a file, the table {table}"), rows));
        }
        let mut found = Vec::new();
        for place in &places {
            for secret in secrets {
                if let Some(context) = secret.find(place) {
                    found.push(format!("{} holds {}: …{context}…", place.name, secret.name));
                }
            }
        }
        found
    }

    /// Leaks the key into one place.
    pub(crate) async fn plant(&self, app: &TestApp, leak: Leak, key: &'static str) {
        match leak {
            Leak::LogLine => tracing::trace!("the provider was asked with {key}"),
            Leak::LogField => {
                let _span = tracing::debug_span!("request", authorization = %format!("Bearer {}", &key[..12])).entered();
                tracing::debug!("answered");
            }
            Leak::Body => self.ask_leaky("/body", key).await,
            Leak::Header => self.ask_leaky("/header", key).await,
            Leak::Figure => {
                metrics::counter!("leaks_total", "key" => &key[key.len() - 10..]).increment(1);
            }
            Leak::Row => {
                // In pieces: the driver logs the statement.
                app.sql("UPDATE agencies SET name = 'Wd5tGy8' || 'uHj3kLz' || '6xCv9bN' || 'm2q'")
                    .await;
            }
            Leak::File => fs::write(app.folder.join("debug.txt"), key).unwrap(),
        }
    }

    /// Asks a server that answers with the key.
    async fn ask_leaky(&self, path: &str, key: &'static str) {
        let router = Router::new()
            .route(
                "/body",
                get(move || async move { format!("refused: {key}") }),
            )
            .route(
                "/header",
                get(move || async move { [("location", format!("/?key={key}"))] }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "ended at the end of this function"
        )]
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let client = TestClient::at(format!("http://{address}"), None);
        self.send(path, client.request(Method::GET, path)).await;
        server.abort();
    }
}
