//! The provider sandbox (X4): the providers' wire formats over accounts in memory, for the demo, the tests and anyone's
//! own trials. It owns its server, its made-up accounts and `/__control`, which seeds accounts and injects faults. It
//! listens on loopback only (H6), holds nothing on disk, and must never be handed a real key.
//!
//! Each provider is spoken under its name, so Vapi's base URL is `http://127.0.0.1:PORT/vapi`. [`sample_keys`] lists the keys that
//! every fresh sandbox knows. Time stands still except that each write moves it on by a second, and ids are derived from
//! names, so two runs give the same answers; only calls have the machine's time, because their webhooks are signed with it.
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
//! #   {"kind":"hang_after"} {"kind":"cut_after"} {"kind":"status_after","status":500} (it is done, and then nothing, a
//! #   closed connection or an error is the answer: a call that was dialled and nobody hears of)
//! #   {"kind":"redirect","location":"https://example.com/"} {"kind":"echo_key","style":"masked"}
//! #   (styles: plain, masked, percent_encoded, base64); status also takes "message".
//! curl -s $S/__control/faults; curl -sX DELETE $S/__control/faults/1; curl -sX DELETE $S/__control/faults
//!
//! # Calls. How one goes is told by the last two digits of the number that is called: 00 answered, 01 busy, 02 no answer,
//! # 03 failed, 04 never ends, 05 voicemail, 06 out of funds; any other is answered. Or by number:
//! curl -sX POST $S/__control/outcomes -H "$J" -d '{"to":"+15035550142","outcome":"busy"}'
//! # Each step (queued, ringing, in progress, ended) takes 1.5 s; 0: calls go on only when they are told to.
//! curl -sX PUT $S/__control/calls/settings -H "$J" -d '{"stepMs":0,"concurrencyLimit":10,"webhookRetryMs":200}'
//! curl -sX POST $S/__control/calls/$ID/advance -H "$J" -d '{"steps":2}'   # answers when its webhooks are sent
//! curl -sX POST $S/__control/calls/$ID/end -H "$J" -d '{"outcome":"answered"}'
//! # Calls that nobody placed over the interface, for import: "steps" (0 to 3) is how far they are; absent: ended.
//! curl -sX POST $S/__control/calls -H "$J" \
//!   -d '{"key":"my-key-0001","isInbound":true,"to":"+15550000001","from":"+15035550100","agentId":"…","count":3}'
//! # All calls, and how often each number was really dialled.
//! curl -s $S/__control/calls; curl -s $S/__control/dialled
//! # Where an account sends its webhooks, and what it signs them with (Retell: the account's first key unless told).
//! curl -sX PUT $S/__control/webhooks -H "$J" -d '{"key":"my-key-0001","url":"http://127.0.0.1:8080/…","secret":"…"}'
//! # What goes wrong with webhooks: lose, delay {"ms":…}, hold (until release), duplicate, swap (after the next one),
//! # bad_signature. "event" and "times" choose; absent: all.
//! curl -sX POST $S/__control/webhooks/faults -H "$J" -d '{"event":"call_ended","times":1,"effect":{"kind":"lose"}}'
//! curl -sX POST $S/__control/webhooks/release; curl -sX DELETE $S/__control/webhooks/faults
//! # What became of each webhook.
//! curl -s $S/__control/webhooks
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
mod call_control;
mod call_control_api;
mod calls;
mod control;
mod control_api;
mod dialect;
mod fault;
mod gate;
mod guard;
mod request_log;
mod retell;
mod vapi;
mod webhooks;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::providers::ProviderKind;

pub use accounts::Resource;
pub use call_control::{AccountHook, CallSettings, ForeignCall, PlayedCall};
pub use calls::{CallOutcome, CallStep, OUTCOMES_BY_LAST_DIGITS};
pub use control::{Control, ControlError, NewAccount, NewKey};
pub use fault::{EchoStyle, Effect, Fault};
pub use request_log::LoggedRequest;
pub use webhooks::{SentWebhook, WebhookEffect, WebhookFault};

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
        let client = webhooks::client().map_err(io::Error::other)?;
        let wake = Arc::new(Notify::new());
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(wake.clone())),
            wake,
            shutdown: shutdown.clone(),
            started: Instant::now(),
        });
        let control = Control::new(shared.clone());
        let router = Router::new()
            .nest("/vapi", vapi::router(shared.clone()))
            .nest("/retell", retell::router(shared.clone()))
            .nest("/bland", bland::router(shared.clone()))
            .nest("/__control", control_api::router(control.clone()))
            .layer(middleware::from_fn(guard::only_this_machine));
        let mut tasks = JoinSet::new();
        let stopped = shutdown.clone().cancelled_owned();
        tasks.spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await
        });
        tasks.spawn(async move {
            webhooks::run(shared, client).await;
            Ok(())
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
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(STOP_GRACE, ended).await;
    }
}

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    world: Mutex<World>,
    /// Rings when a call or a webhook may have something to do.
    wake: Arc<Notify>,
    shutdown: CancellationToken,
    started: Instant,
}

/// Everything that `/__control` can change.
#[derive(Debug)]
struct World {
    accounts: accounts::Accounts,
    faults: fault::Faults,
    log: request_log::RequestLog,
    calls: calls::CallRules,
    webhooks: webhooks::Webhooks,
    wake: Arc<Notify>,
    /// What each list takes.
    page_delay: Duration,
    /// What each request that is no list takes.
    read_delay: Duration,
}

impl World {
    fn new(wake: Arc<Notify>) -> World {
        World {
            accounts: accounts::Accounts::with_samples(),
            faults: fault::Faults::default(),
            log: request_log::RequestLog::default(),
            calls: calls::CallRules::default(),
            webhooks: webhooks::Webhooks::default(),
            wake,
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
