//! What the sandbox was asked, so that a test can say how often and in which order. It keeps the last four characters
//! of keys and nothing else of a request's headers or body.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// Older requests are dropped beyond this; the counts go on.
const MAX_REQUESTS: usize = 10_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// Milliseconds since the sandbox started.
    pub at_ms: u64,
    /// The HTTP method.
    pub method: String,
    /// The path, with the provider's prefix.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The last four characters of the key.
    pub key: Option<String>,
    /// The status of the answer; `None` while none has been given, as with a hanging one.
    pub status: Option<u16>,
}

/// The log of a sandbox.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    requests: VecDeque<LoggedRequest>,
    dropped: usize,
    /// How often each route was asked, such as `GET /vapi/assistant/{id}`.
    counts: BTreeMap<String, u64>,
    generation: u64,
}

/// Where a request stands in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogEntry {
    index: usize,
    generation: u64,
}

impl RequestLog {
    pub(super) fn begin(&mut self, route: &str, request: LoggedRequest) -> LogEntry {
        *self
            .counts
            .entry(format!("{} {route}", request.method))
            .or_default() += 1;
        self.requests.push_back(request);
        if self.requests.len() > MAX_REQUESTS {
            self.requests.pop_front();
            self.dropped += 1;
        }
        LogEntry {
            index: self.dropped + self.requests.len() - 1,
            generation: self.generation,
        }
    }

    pub(super) fn end(&mut self, entry: LogEntry, status: u16) {
        if entry.generation != self.generation {
            return;
        }
        let position = entry.index.checked_sub(self.dropped);
        if let Some(request) = position.and_then(|position| self.requests.get_mut(position)) {
            request.status = Some(status);
        }
    }

    pub(super) fn requests(&self) -> Vec<LoggedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.clone()
    }

    pub(super) fn clear(&mut self) {
        *self = RequestLog {
            generation: self.generation + 1,
            ..RequestLog::default()
        };
    }
}

/// The last four characters of a key, which is all that is ever shown of one.
pub(super) fn last_four(key: &str) -> String {
    let skipped = key.chars().count().saturating_sub(4);
    key.chars().skip(skipped).collect()
}
