//! Counts attempts in a sliding window, per person, agency or address. Kept in this process, and bounded: who has not
//! tried for a while is forgotten. Several replicas each count their own until the shared store of the replicas comes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;

use crate::clock::Timestamp;

/// Most people, agencies or addresses that are counted at once; beyond it the longest idle are forgotten.
const CAPACITY: u64 = 100_000;

/// At most `limit` attempts in any `window`.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: usize,
    window: Duration,
    attempts: Cache<String, Arc<Mutex<VecDeque<Timestamp>>>>,
}

impl Throttle {
    pub(crate) fn new(limit: usize, window: Duration) -> Self {
        Self {
            limit,
            window,
            // The window is counted by our own clock, which a test may move; the cache only forgets the idle, late.
            attempts: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_idle(window * 2)
                .build(),
        }
    }

    /// Counts an attempt, or says how long to wait until the next may be made; a refused attempt does not count.
    pub(crate) fn attempt(&self, who: &str, now: Timestamp) -> Result<(), Duration> {
        let times = self.attempts.get_with(who.to_owned(), Arc::default);
        let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
        let start = now.minus(self.window);
        while times.front().is_some_and(|first| *first <= start) {
            times.pop_front();
        }
        if times.len() >= self.limit {
            let wait = times
                .front()
                .map_or(self.window, |first| now.until(first.plus(self.window)));
            return Err(wait.max(Duration::from_millis(1)));
        }
        times.push_back(now);
        Ok(())
    }

    /// Takes an attempt back that was counted at this time and then not made.
    pub(crate) fn take_back(&self, who: &str, at: Timestamp) {
        if let Some(times) = self.attempts.get(who) {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = times.iter().rposition(|time| *time == at) {
                times.remove(index);
            }
        }
    }

    /// Forgets the attempts of somebody who proved to be right.
    pub(crate) fn forget(&self, who: &str) {
        self.attempts.invalidate(who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K16, H2: the window slides, so no edge lets twice the limit through.
    #[test]
    fn no_window_holds_more_attempts_than_the_limit() {
        let throttle = Throttle::new(3, Duration::from_secs(60));
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        assert_eq!(throttle.attempt("a", at(0)), Ok(()));
        assert_eq!(throttle.attempt("a", at(50)), Ok(()));
        assert_eq!(throttle.attempt("a", at(55)), Ok(()));
        assert_eq!(throttle.attempt("a", at(59)), Err(Duration::from_secs(1)));
        assert_eq!(throttle.attempt("b", at(59)), Ok(()));
        assert_eq!(throttle.attempt("a", at(60)), Ok(()));
        assert_eq!(throttle.attempt("a", at(61)), Err(Duration::from_secs(49)));
        throttle.take_back("a", at(60));
        assert_eq!(throttle.attempt("a", at(61)), Ok(()));
    }
}
