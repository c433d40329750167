//! The webhooks that the sandbox sends about calls, to this machine only (H6), one after the other and signed as the provider
//! signs. On order one is lost, late, sent twice, after the next one, or signed wrongly. It keeps a log of what became of
//! each; it must not keep a body longer than it takes to send it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::calls::{Call, Hook};
use super::dialect::Dialect;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long the sandbox waits before it sends one again that was not taken, unless it is told otherwise.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Older ones are dropped.
const MAX_LOGGED: usize = 10_000;

/// Something that goes wrong with webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookFault {
    /// Only of this event, such as `call_ended`; `None`: of any.
    #[serde(default)]
    pub event: Option<String>,
    /// How many it strikes; `None`: all.
    #[serde(default)]
    pub times: Option<u32>,
    /// What goes wrong.
    pub effect: WebhookEffect,
}

/// What goes wrong with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum WebhookEffect {
    /// It is never sent.
    Lose,
    /// It is sent so much later.
    Delay {
        /// How much, in milliseconds.
        ms: u64,
    },
    /// It is kept back until `release`.
    Hold,
    /// It is sent twice.
    Duplicate,
    /// It is sent after the next one.
    Swap,
    /// It is signed with another secret, or has another token.
    BadSignature,
}

impl WebhookFault {
    /// Strikes every webhook.
    pub fn new(effect: WebhookEffect) -> WebhookFault {
        WebhookFault {
            event: None,
            times: None,
            effect,
        }
    }

    /// Only webhooks of this event.
    #[must_use]
    pub fn on(mut self, event: &str) -> WebhookFault {
        self.event = Some(event.to_owned());
        self
    }

    /// Only so many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> WebhookFault {
        self.times = Some(times);
        self
    }
}

/// What became of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SentWebhook {
    /// The provider's id of the call.
    pub call_id: String,
    /// The event, such as `call_ended`.
    pub event: String,
    /// Which attempt it was, from 1; 0: it was lost on order and never sent.
    pub attempt: u32,
    /// The receiver's status; `None`: it gave none.
    pub status: Option<u16>,
}

/// One that waits to be sent.
#[derive(Clone, Debug)]
struct Waiting {
    dialect: &'static dyn Dialect,
    call_id: String,
    event: String,
    body: Vec<u8>,
    hook: Hook,
    secret: Option<String>,
    is_badly_signed: bool,
    attempts: u32,
    due: Instant,
}

/// All webhooks of a sandbox.
#[derive(Debug)]
pub(super) struct Webhooks {
    waiting: VecDeque<Waiting>,
    held: Vec<Waiting>,
    /// Goes after the next one.
    swapped: Option<Waiting>,
    faults: Vec<WebhookFault>,
    log: VecDeque<SentWebhook>,
    is_sending: bool,
    pub(super) retry_after: Duration,
}

impl Default for Webhooks {
    fn default() -> Webhooks {
        Webhooks {
            waiting: VecDeque::new(),
            held: Vec::new(),
            swapped: None,
            faults: Vec::new(),
            log: VecDeque::new(),
            is_sending: false,
            retry_after: RETRY_AFTER,
        }
    }
}

impl Webhooks {
    pub(super) fn add(
        &mut self,
        dialect: &'static dyn Dialect,
        call: &Call,
        event: &str,
        body: &Value,
        hook: Hook,
        secret: Option<String>,
    ) {
        let is_wanted = hook
            .events
            .as_ref()
            .is_none_or(|events| events.iter().any(|wanted| wanted == event));
        if !is_wanted {
            return;
        }
        let waiting = Waiting {
            dialect,
            call_id: call.id.clone(),
            event: event.to_owned(),
            body: body.to_string().into_bytes(),
            hook,
            secret,
            is_badly_signed: false,
            attempts: 0,
            due: Instant::now(),
        };
        let before = self.swapped.take();
        self.route(waiting);
        self.waiting.extend(before);
    }

    fn route(&mut self, mut waiting: Waiting) {
        match self.strike(&waiting.event) {
            None => self.waiting.push_back(waiting),
            Some(WebhookEffect::Lose) => self.log(&waiting, None),
            Some(WebhookEffect::Delay { ms }) => {
                waiting.due += Duration::from_millis(ms);
                self.waiting.push_back(waiting);
            }
            Some(WebhookEffect::Hold) => self.held.push(waiting),
            Some(WebhookEffect::Duplicate) => {
                self.waiting.push_back(waiting.clone());
                self.waiting.push_back(waiting);
            }
            Some(WebhookEffect::Swap) => self.swapped = Some(waiting),
            Some(WebhookEffect::BadSignature) => {
                waiting.is_badly_signed = true;
                self.waiting.push_back(waiting);
            }
        }
    }

    fn strike(&mut self, event: &str) -> Option<WebhookEffect> {
        let fault = self.faults.iter_mut().find(|fault| {
            fault.times != Some(0) && fault.event.as_deref().is_none_or(|wanted| wanted == event)
        })?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.effect)
    }

    fn log(&mut self, waiting: &Waiting, status: Option<u16>) {
        self.log.push_back(SentWebhook {
            call_id: waiting.call_id.clone(),
            event: waiting.event.clone(),
            attempt: waiting.attempts,
            status,
        });
        if self.log.len() > MAX_LOGGED {
            self.log.pop_front();
        }
    }

    pub(super) fn inject(&mut self, fault: WebhookFault) {
        self.faults.push(fault);
    }

    pub(super) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Sends what was held back, and what waits for a next one that may not come.
    pub(super) fn release(&mut self) {
        let now = Instant::now();
        let released = self.held.drain(..).chain(self.swapped.take());
        self.waiting.extend(released.map(|waiting| Waiting {
            due: now,
            ..waiting
        }));
    }

    pub(super) fn sent(&self) -> Vec<SentWebhook> {
        self.log.iter().cloned().collect()
    }

    /// Whether everything is sent that is to be sent by now.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        !self.is_sending && self.waiting.iter().all(|waiting| waiting.due > now)
    }

    fn next(&mut self, now: Instant) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.due <= now)?;
        self.is_sending = true;
        self.waiting.remove(at)
    }

    fn next_due(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).min()
    }

    fn done(&mut self, mut waiting: Waiting, status: Option<u16>) {
        self.is_sending = false;
        waiting.attempts += 1;
        self.log(&waiting, status);
        let was_taken = status.is_some_and(|status| (200..300).contains(&status));
        if !was_taken && waiting.attempts <= waiting.dialect.webhook_retries() {
            waiting.due = Instant::now() + self.retry_after;
            self.waiting.push_back(waiting);
        }
    }
}

/// The client that sends them: no redirects and no proxies, so that nothing leaves this machine.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox plays a provider, which has a client of its own and no key of ours"
    )]
    let builder = reqwest::Client::builder();
    builder
        .user_agent("Ringfence-sandbox")
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
}

/// Takes calls on and sends webhooks until the sandbox stops.
pub(super) async fn run(shared: Arc<Shared>, client: reqwest::Client) {
    let work = async {
        loop {
            let now = Instant::now();
            let (next, wait) = {
                let mut world = shared.world();
                let next_call = world.advance_due_calls(now);
                let next = world.webhooks.next(now);
                let next_webhook = world.webhooks.next_due();
                let wait = [next_call, next_webhook].into_iter().flatten().min();
                (next, wait)
            };
            if let Some(waiting) = next {
                let status = send(&shared, &client, &waiting).await;
                shared.world().webhooks.done(waiting, status);
                continue;
            }
            let woken = shared.wake.notified();
            match wait {
                Some(at) => tokio::select! {
                    () = woken => {}
                    () = sleep_until(at) => {}
                },
                None => woken.await,
            }
        }
    };
    shared.shutdown.run_until_cancelled(work).await;
}

async fn send(shared: &Shared, client: &reqwest::Client, waiting: &Waiting) -> Option<u16> {
    let now = shared.world().calls.now();
    let mut request = client
        .post(waiting.hook.url.clone())
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in &waiting.hook.headers {
        let value = if waiting.is_badly_signed {
            "not-the-token"
        } else {
            value
        };
        request = request.header(name, value);
    }
    if let Some(secret) = &waiting.secret {
        let secret = if waiting.is_badly_signed {
            "not-the-secret"
        } else {
            secret
        };
        let signature = waiting.dialect.signature(secret, &waiting.body, now);
        if let Some((name, value)) = signature {
            request = request.header(name, value);
        }
    }
    let answer = request.body(waiting.body.clone()).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// An HMAC-SHA256 in lower-case hex, as two of the providers sign.
pub(super) fn hmac_hex(secret: &str, parts: &[&[u8]]) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = aws_lc_rs::hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    let tag = context.sign();
    let digits = tag.as_ref().iter().flat_map(|byte| {
        [byte >> 4, byte & 15].map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0'))
    });
    digits.collect()
}
