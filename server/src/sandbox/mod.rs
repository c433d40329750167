//! The provider sandbox (X4): the providers' wire formats over accounts in memory, for the demo, the tests and anyone's
//! own trials. It owns its server, its made-up accounts and `/__control`, which seeds accounts and injects faults. It
//! listens on loopback only (H6), holds nothing on disk, and must never be handed a real key.
//!
//! Each provider is spoken under its name, so Vapi's base URL is `http://127.0.0.1:PORT/vapi`. [`sample_keys`] lists the keys that
//! every fresh sandbox knows. Time stands still except that each write moves it on by a second, and ids are derived from
//! names, so two runs give the same answers.
//!
//! # `/__control`
//! All of it is JSON; requests with a body need `Content-Type: application/json`. With `S=http://127.0.0.1:PORT` and
//! `J='Content-Type: application/json'`:
//!
//! ```sh
//! # A Vapi account of 10,000 agents and 25 numbers behind a key of your own; "provider":"vapi" is the default.
//! curl -sX POST $S/__control/accounts -H "$J" -d '{"key":"my-key-0001","agents":10000,"phoneNumbers":25}'
//! curl -sX POST $S/__control/accounts -H "$J" -d '{"provider":"retell","key":"my-key-0004","agents":10000}'
//! # All made at the same instant, which no paging by time gets past.
//! curl -sX POST $S/__control/accounts -H "$J" -d '{"key":"my-key-0002","agents":1500,"sameTimestamp":true}'
//! # A second key of that account that sees ten agents and no phone numbers.
//! curl -sX POST $S/__control/keys -H "$J" \
//!   -d '{"key":"my-key-0003","sameAccountAs":"my-key-0001","visibleAgents":10,"forbidden":["phone-numbers"]}'
//! # From now on that key is unknown.
//! curl -sX DELETE $S/__control/keys -H "$J" -d '{"key":"my-key-0003"}'
//! # Agents come, are renamed and go.
//! curl -sX POST $S/__control/agents -H "$J" -d '{"key":"my-key-0001","count":3,"namePrefix":"New agent"}'
//! curl -sX PATCH $S/__control/agents -H "$J" -d '{"key":"my-key-0001","id":"…","name":"Renamed"}'
//! curl -sX DELETE $S/__control/agents -H "$J" -d '{"key":"my-key-0001","ids":["…"]}'
//! curl -sX DELETE $S/__control/agents -H "$J" -d '{"key":"my-key-0001","count":2}'   # the newest two
//!
//! # Faults. `key`, `method` and `path` (with `*`) choose requests; absent means any. `after` lets so many pass first,
//! # `times` is how often it strikes (absent: forever).
//! curl -sX POST $S/__control/faults -H "$J" -d '{"path":"/vapi/assistant","effect":{"kind":"status","status":500}}'
//! curl -sX POST $S/__control/faults -H "$J" \
//!   -d '{"path":"/vapi/assistant","after":2,"times":1,"effect":{"kind":"status","status":429,"retryAfter":"3"}}'
//! curl -sX POST $S/__control/faults -H "$J" -d '{"key":"my-key-0001","times":1,"effect":{"kind":"hang"}}'
//! # Other effects: {"kind":"cut_body"} {"kind":"not_json"} {"kind":"wrong_shape"} {"kind":"delay","ms":300}
//! #   {"kind":"hang_after"} (it is done, and nothing is answered)
//! #   {"kind":"redirect","location":"https://example.com/"} {"kind":"echo_key","style":"masked"}
//! #   (styles: plain, masked, percent_encoded, base64); status also takes "message".
//! curl -s $S/__control/faults; curl -sX DELETE $S/__control/faults/1; curl -sX DELETE $S/__control/faults
//!
//! # Every list takes 150 ms and every other request 20, so that a progress bar can be watched.
//! curl -sX PUT $S/__control/settings -H "$J" -d '{"pageDelayMs":150,"readDelayMs":20}'
//! # What was asked: method, path, query, time since the start, and the last four characters of the key.
//! curl -s $S/__control/requests; curl -sX DELETE $S/__control/requests
//! # Accounts and keys; everything back to the beginning.
//! curl -s $S/__control; curl -sX POST $S/__control/reset
//! ```

mod accounts;
mod bland;
mod control;
mod control_api;
mod dialect;
mod fault;
mod gate;
mod guard;
mod request_log;
mod retell;
mod vapi;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::providers::ProviderKind;

pub use accounts::Resource;
pub use control::{Control, ControlError, NewAccount, NewKey};
pub use fault::{EchoStyle, Effect, Fault};
pub use request_log::LoggedRequest;

/// How long connections may take to end when the sandbox is stopped.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A key that every fresh sandbox knows, or knows to refuse.
#[derive(Clone, Copy, Debug)]
pub struct SampleKey {
    /// Whose key it plays.
    pub provider: ProviderKind,
    /// The key; obviously none of a real provider.
    pub key: &'static str,
    /// What the sandbox answers to it, for people.
    pub outcome: &'static str,
}

/// The keys that every fresh sandbox knows, in the order in which they are worth trying.
pub fn sample_keys() -> &'static [SampleKey] {
    static KEYS: LazyLock<Vec<SampleKey>> = LazyLock::new(|| dialect::SAMPLE_KEYS.concat());
    &KEYS
}

/// A running sandbox. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    root: Url,
    control: Control,
    tasks: JoinSet<io::Result<()>>,
    shutdown: DropGuard,
}

impl Sandbox {
    /// Starts a sandbox with the sample accounts. Port 0 takes a free one. Refuses any address that other machines
    /// could reach (H6).
    pub async fn start(bind: SocketAddr) -> io::Result<Sandbox> {
        if !bind.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the provider sandbox listens on this machine only, and {bind} can be reached from others; \
                     use 127.0.0.1 or [::1]"
                ),
            ));
        }
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let root = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let shutdown = CancellationToken::new();
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new()),
            shutdown: shutdown.clone(),
            started: Instant::now(),
        });
        let control = Control::new(shared.clone());
        let router = Router::new()
            .nest("/vapi", vapi::router(shared.clone()))
            .nest("/retell", retell::router(shared.clone()))
            .nest("/bland", bland::router(shared))
            .nest("/__control", control_api::router(control.clone()))
            .layer(middleware::from_fn(guard::only_this_machine));
        let mut tasks = JoinSet::new();
        let stopped = shutdown.clone().cancelled_owned();
        tasks.spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
        });
        Ok(Sandbox {
            address,
            root,
            control,
            tasks,
            shutdown: shutdown.drop_guard(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL under which it speaks as this provider.
    pub fn base_url(&self, kind: ProviderKind) -> Url {
        let mut url = self.root.clone();
        url.set_path(kind.as_str());
        url
    }

    /// Seeds accounts, injects faults and reads the request log: the same as `/__control`, in process.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops listening and ends the connections, hanging ones too.
    pub async fn stop(mut self) {
        drop(self.shutdown);
        // A connection that does not end in time is cut when the tasks are dropped.
        let _ = timeout(STOP_GRACE, self.tasks.join_next()).await;
    }
}

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    shutdown: CancellationToken,
    started: Instant,
}

/// Everything that `/__control` can change.
#[derive(Debug)]
struct World {
    accounts: accounts::Accounts,
    faults: fault::Faults,
    log: request_log::RequestLog,
    /// What each list takes.
    page_delay: Duration,
    /// What each request that is no list takes.
    read_delay: Duration,
}

impl World {
    fn new() -> World {
        World {
            accounts: accounts::Accounts::with_samples(),
            faults: fault::Faults::default(),
            log: request_log::RequestLog::default(),
            page_delay: Duration::ZERO,
            read_delay: Duration::ZERO,
        }
    }
}

impl Shared {
    /// A handler that panicked while it held the lock left nothing half-done that would matter to a test.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
