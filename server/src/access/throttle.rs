//! Counts attempts in a sliding window, per person, agency or address. Kept in this process: several replicas each
//! count their own until the shared store of the replicas comes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::clock::Timestamp;

/// At most `limit` attempts in any `window`.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: usize,
    window: Duration,
    attempts: Mutex<HashMap<String, VecDeque<Timestamp>>>,
}

impl Throttle {
    pub(crate) fn new(limit: usize, window: Duration) -> Self {
        Self {
            limit,
            window,
            attempts: Mutex::default(),
        }
    }

    /// Counts an attempt, or says how long to wait until the next may be made; a refused attempt does not count.
    pub(crate) fn attempt(&self, who: &str, now: Timestamp) -> Result<(), Duration> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let start = now.minus(self.window);
        if attempts.len() > 10_000 {
            attempts.retain(|_, times| times.back().is_some_and(|last| *last > start));
        }
        let times = attempts.entry(who.to_owned()).or_default();
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

    /// Forgets the attempts of somebody who proved to be right.
    pub(crate) fn forget(&self, who: &str) {
        self.attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(who);
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
    }
}
