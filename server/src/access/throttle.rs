//! Counts attempts in a sliding window, per person, agency or address. Kept in this process, and bounded: who tries is kept
//! as a hash, since strangers choose how long a name is, and who has not tried for a while is forgotten. Several replicas
//! each count their own until the shared store of the replicas comes.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use moka::{policy::EvictionPolicy, sync::Cache};

use crate::clock::Timestamp;

/// Most people, agencies or addresses that are counted at once; beyond it the longest idle are forgotten.
const CAPACITY: u64 = 100_000;

/// Whom attempts from an address are counted for: an IPv4 address, or the /64 of an IPv6 one, which is what one customer
/// has at least and can take any address of.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// At most `limit` attempts in any `window`.
#[derive(Debug)]
pub(crate) struct Throttle {
    limit: usize,
    window: Duration,
    attempts: Cache<Key, Arc<Mutex<VecDeque<Timestamp>>>>,
}

/// Who tries: as long for a name of a megabyte as for any other.
type Key = [u8; 32];

fn key(who: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(digest(&SHA256, who.as_bytes()).as_ref());
    key
}

impl Throttle {
    pub(crate) fn new(limit: usize, window: Duration) -> Self {
        Self::bounded(limit, window, CAPACITY)
    }

    fn bounded(limit: usize, window: Duration, capacity: u64) -> Self {
        Self {
            limit,
            window,
            // The window is counted by our own clock, which a test may move; the cache only forgets the idle, late.
            attempts: Cache::builder()
                .max_capacity(capacity)
                // The default would rather turn newcomers away, and so never count them.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(window * 2)
                .build(),
        }
    }

    /// Counts an attempt, or says how long to wait until the next may be made; a refused attempt does not count.
    pub(crate) fn attempt(&self, who: &str, now: Timestamp) -> Result<(), Duration> {
        let times = self.attempts.get_with(key(who), Arc::default);
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
        if let Some(times) = self.attempts.get(&key(who)) {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = times.iter().rposition(|time| *time == at) {
                times.remove(index);
            }
        }
    }

    /// Forgets the attempts of somebody who proved to be right.
    pub(crate) fn forget(&self, who: &str) {
        self.attempts.invalidate(&key(who));
    }

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.attempts.run_pending_tasks();
        self.attempts.entry_count()
    }
}

/// Counts an attempt with each of these or with none. When one refuses: which, and how long to wait. Those before it are as
/// they were, and those behind it never hear of who is refused.
pub(crate) fn attempt_all(
    counters: &[(&Throttle, &str)],
    now: Timestamp,
) -> Result<(), (usize, Duration)> {
    for (index, (throttle, who)) in counters.iter().enumerate() {
        if let Err(wait) = throttle.attempt(who, now) {
            for (throttle, who) in &counters[..index] {
                throttle.take_back(who, now);
            }
            return Err((index, wait));
        }
    }
    Ok(())
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

    /// H2: whoever has a /64 of IPv6 addresses is one, and an IPv4 address is one in both of its spellings.
    #[test]
    fn the_addresses_of_one_customer_count_together() {
        let network = |text: &str| network_of(text.parse().expect("address"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:203.0.113.7"), network("203.0.113.7"));
        assert_ne!(network("203.0.113.7"), network("203.0.113.8"));
    }

    /// H2: a newcomer is counted even when all places are taken, so that nobody can fill them and then guess uncounted.
    #[test]
    fn a_newcomer_takes_the_place_of_the_longest_idle() {
        let throttle = Throttle::bounded(1, Duration::from_secs(60), 100);
        let now = Timestamp::from_millis(0);
        for number in 0..200 {
            assert_eq!(throttle.attempt(&number.to_string(), now), Ok(()));
            assert!(throttle.count() <= 100);
        }
        assert!(throttle.attempt("199", now).is_err());
        assert!(throttle.attempt("0", now).is_ok());
    }
}
