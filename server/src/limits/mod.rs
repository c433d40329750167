//! How many requests an API key may make (A5): at most so many in any 60 seconds, counted exactly. The trait is what several
//! servers will share one count through; here it is kept in this process. This floor knows neither keys nor plans: whoever
//! asks says who is counted and how much is let through.

mod in_process;
mod sliding_window;

use std::time::Duration;

use async_trait::async_trait;

use crate::{clock::Timestamp, error::Result};

pub(crate) use in_process::InProcess;

/// Requests are counted over this long.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// Who is counted, and how many requests they have in any window.
#[derive(Clone, Debug)]
pub(crate) struct Counter {
    /// A name that nobody else is counted under.
    pub(crate) who: String,
    /// Requests in any [`WINDOW`].
    pub(crate) limit: usize,
}

/// How whoever asked stands with the tightest of their counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Requests in any [`WINDOW`].
    pub(crate) limit: usize,
    /// Requests that would be let through now.
    pub(crate) remaining: usize,
    /// Until one request more is let through than now: when the oldest leaves the window.
    pub(crate) reset_after: Duration,
}

/// What became of a request that asked to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Whether it is let through; only then it was counted.
    pub(crate) is_allowed: bool,
    /// With this request counted, when it was.
    pub(crate) standing: Standing,
}

/// Counts requests.
#[async_trait]
pub(crate) trait RequestLimits: Send + Sync {
    /// Counts one request with each of these counters or with none: when one refuses it, the others do not hear of it.
    async fn take(&self, counters: &[Counter], now: Timestamp) -> Result<Taken>;
}
