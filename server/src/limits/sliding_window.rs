//! One exact sliding window: the times of the requests that were let through and have not left it yet. It is pure: the time
//! is told to it, and whether a request is made after it was asked for is its caller's affair.

use std::collections::VecDeque;

use super::{Standing, WINDOW};
use crate::clock::Timestamp;

/// The requests of the last minute, oldest first; never more than were let through.
#[derive(Debug, Default)]
pub(super) struct SlidingWindow(VecDeque<Timestamp>);

impl SlidingWindow {
    /// Forgets what has left the window. What is later than now came before the clock was set back: it counts as of now, so
    /// that it leaves a whole window later and not when the clock has caught up.
    pub(super) fn forget(&mut self, now: Timestamp) {
        for later in self.0.iter_mut().rev().take_while(|at| **at > now) {
            *later = now;
        }
        let start = now.minus(WINDOW);
        while self.0.front().is_some_and(|oldest| *oldest <= start) {
            self.0.pop_front();
        }
    }

    /// Whether nobody has to be counted here any more.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts a request at the time that was last told to [`Self::forget`].
    pub(super) fn count(&mut self, now: Timestamp) {
        self.0.push_back(now);
    }

    /// How it stands now, when so many are let through.
    pub(super) fn standing(&self, limit: usize, now: Timestamp) -> Standing {
        // Where the limit was lowered meanwhile, more than one has to leave.
        let next_to_leave = self.0.get(self.0.len().saturating_sub(limit.max(1)));
        let reset_after = next_to_leave.map_or(WINDOW, |at| now.until(at.plus(WINDOW)));
        Standing {
            limit,
            remaining: limit.saturating_sub(self.0.len()),
            reset_after: if self.0.is_empty() && limit > 0 {
                std::time::Duration::ZERO
            } else {
                reset_after
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ask(window: &mut SlidingWindow, limit: usize, now: i64) -> Result<usize, Duration> {
        window.forget(at(now));
        let standing = window.standing(limit, at(now));
        if standing.remaining == 0 {
            return Err(standing.reset_after);
        }
        window.count(at(now));
        Ok(window.standing(limit, at(now)).remaining)
    }

    /// A5: a burst of a hundred is let through, and the next one when the first leaves the window.
    #[test]
    fn a_burst_uses_the_window_up() {
        let mut window = SlidingWindow::default();
        for number in 0..100 {
            assert_eq!(ask(&mut window, 100, 5_000), Ok(99 - number));
        }
        assert_eq!(ask(&mut window, 100, 5_000), Err(Duration::from_secs(60)));
        assert_eq!(ask(&mut window, 100, 64_999), Err(Duration::from_millis(1)));
        assert_eq!(ask(&mut window, 100, 65_000), Ok(99));
    }

    /// A5: evenly spaced requests at the limit's own pace are never refused, and one more among them is.
    #[test]
    fn even_spacing_at_the_limit_is_let_through() {
        let mut window = SlidingWindow::default();
        for number in 0..1_000 {
            assert!(ask(&mut window, 100, number * 600).is_ok(), "{number}");
        }
        assert_eq!(
            ask(&mut window, 100, 999 * 600 + 1),
            Err(Duration::from_millis(599))
        );
    }

    /// A5: no minute holds more than the limit, wherever it begins: what is used at the end of one is not there at the
    /// beginning of the next.
    #[test]
    fn an_edge_lets_no_more_through() {
        let mut window = SlidingWindow::default();
        for number in 0..100 {
            assert!(ask(&mut window, 100, 59_000 + number).is_ok());
        }
        assert_eq!(ask(&mut window, 100, 61_000), Err(Duration::from_secs(58)));
        assert!(ask(&mut window, 100, 119_000).is_ok());
        assert_eq!(
            ask(&mut window, 100, 119_000),
            Err(Duration::from_millis(1))
        );
    }

    /// A5: where a limit is lowered, as many have to leave as are too many; a limit of nothing lets nothing through.
    #[test]
    fn a_lowered_limit_waits_for_as_many_as_are_too_many() {
        let mut window = SlidingWindow::default();
        for second in 0..10 {
            assert!(ask(&mut window, 10, second * 1_000).is_ok());
        }
        assert_eq!(ask(&mut window, 5, 10_000), Err(Duration::from_secs(55)));
        assert!(ask(&mut window, 0, 500_000).is_err());
    }

    /// A5: a clock that is set back holds a full window shut for a window and no longer, and nothing more is let through by it.
    #[test]
    fn a_clock_set_back_holds_a_window_shut_for_a_window() {
        const DAY: i64 = 24 * 3_600_000;
        let mut window = SlidingWindow::default();
        for number in 0..10 {
            assert!(ask(&mut window, 10, DAY + number).is_ok());
        }
        assert_eq!(ask(&mut window, 10, 5_000), Err(Duration::from_secs(60)));
        assert_eq!(ask(&mut window, 10, 64_999), Err(Duration::from_millis(1)));
        assert_eq!(ask(&mut window, 10, 65_000), Ok(9));
        // Set back by less than a window, what came before is still counted.
        assert_eq!(ask(&mut window, 10, 64_000), Ok(8));
        window.forget(at(123_999));
        assert!(!window.is_empty());
        window.forget(at(124_000));
        assert!(window.is_empty());
    }

    proptest! {
        /// A5: the window lets through what a naive count of every accepted request of the last minute lets through, and
        /// waiting as long as it says is enough, and no millisecond less.
        #[test]
        fn the_window_agrees_with_a_naive_count(
            steps in prop::collection::vec(0_i64..25_000, 1..200),
            limit in 1_usize..8,
        ) {
            let mut window = SlidingWindow::default();
            let mut accepted: Vec<i64> = Vec::new();
            let mut now = 0;
            for step in steps {
                now += step;
                let held = accepted.iter().filter(|time| **time > now - 60_000).count();
                let asked = ask(&mut window, limit, now);
                prop_assert_eq!(asked.is_ok(), held < limit);
                match asked {
                    Ok(remaining) => {
                        accepted.push(now);
                        prop_assert_eq!(remaining, limit - held - 1);
                    }
                    Err(wait) => {
                        let wait = i64::try_from(wait.as_millis()).expect("a wait");
                        let held_at = |at: i64| accepted.iter().filter(|time| **time > at - 60_000).count();
                        prop_assert!(held_at(now + wait) < limit);
                        prop_assert!(held_at(now + wait - 1) >= limit);
                    }
                }
            }
        }
    }
}
