//! The counts of this process. One lock holds them all, so that a request is counted with all of its counters or with none;
//! it is held for less than a microsecond. Who has not asked for a minute is forgotten.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Counter, RequestLimits, Standing, Taken, sliding_window::SlidingWindow};
use crate::{clock::Timestamp, error::Result};

/// After so many requests the idle are forgotten.
const TIDY_AFTER: usize = 1_000;

/// Counts in memory. Only keys that are known to be ours are counted, so that strangers cannot fill it.
#[derive(Debug, Default)]
pub(crate) struct InProcess(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    windows: HashMap<String, SlidingWindow>,
    since_tidied: usize,
}

impl Counts {
    fn take(&mut self, counters: &[Counter], now: Timestamp) -> Taken {
        self.since_tidied += 1;
        if self.since_tidied >= TIDY_AFTER {
            self.since_tidied = 0;
            self.windows.retain(|_, window| {
                window.forget(now);
                !window.is_empty()
            });
        }
        let standings = self.standings(counters, now);
        // Of several that refuse, the one that is waited for longest.
        let full = standings.iter().filter(|standing| standing.remaining == 0);
        if let Some(standing) = full.max_by_key(|standing| standing.reset_after) {
            return Taken {
                is_allowed: false,
                standing: *standing,
            };
        }
        for counter in counters {
            if let Some(window) = self.windows.get_mut(&counter.who) {
                window.count(now);
            }
        }
        let standings = self.standings(counters, now);
        let tightest = standings
            .into_iter()
            .min_by_key(|standing| standing.remaining);
        Taken {
            is_allowed: true,
            // Whoever has no counter has no limit.
            standing: tightest.unwrap_or(Standing {
                limit: usize::MAX,
                remaining: usize::MAX,
                reset_after: std::time::Duration::ZERO,
            }),
        }
    }

    fn standings(&mut self, counters: &[Counter], now: Timestamp) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(counters.len());
        for counter in counters {
            let window = self.windows.entry(counter.who.clone()).or_default();
            window.forget(now);
            standings.push(window.standing(counter.limit, now));
        }
        standings
    }
}

#[async_trait]
impl RequestLimits for InProcess {
    async fn take(&self, counters: &[Counter], now: Timestamp) -> Result<Taken> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(counts.take(counters, now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn counter(who: &str, limit: usize) -> Counter {
        Counter {
            who: who.to_owned(),
            limit,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// A5: a request that the agency's ceiling refuses is not counted for its key, and the other way round.
    #[test]
    fn a_request_is_counted_with_all_or_with_none() {
        let mut counts = Counts::default();
        let first = [counter("first", 3), counter("agency", 4)];
        let second = [counter("second", 3), counter("agency", 4)];
        for remaining in [2, 1, 0] {
            let taken = counts.take(&first, at(0));
            assert!(taken.is_allowed);
            assert_eq!(taken.standing.remaining, remaining);
        }
        // The key is full; the agency has room for one, which the other key gets.
        let refused = counts.take(&first, at(10));
        assert!(!refused.is_allowed);
        assert_eq!(refused.standing.limit, 3);
        assert_eq!(refused.standing.reset_after, Duration::from_secs(50));
        let taken = counts.take(&second, at(20));
        assert!(taken.is_allowed);
        assert_eq!(
            taken.standing,
            Standing {
                limit: 4,
                remaining: 0,
                reset_after: Duration::from_secs(40),
            }
        );
        let refused = counts.take(&second, at(30));
        assert!(!refused.is_allowed);
        assert_eq!(refused.standing.limit, 4);
        // Of the second key one is counted, not two.
        let taken = counts.take(&[counter("second", 3)], at(31));
        assert_eq!(taken.standing.remaining, 1);
    }

    /// A5: whoever is idle is forgotten, so that the memory holds a minute's keys and no more.
    #[test]
    fn the_idle_are_forgotten() {
        let mut counts = Counts::default();
        for number in 0..900 {
            counts.take(&[counter(&number.to_string(), 1)], at(0));
        }
        for _ in 0..100 {
            counts.take(&[counter("busy", 1_000)], at(61));
        }
        assert_eq!(counts.windows.len(), 1);
    }
}
