//! The breaker of a key (R8), as a pure function of what was known and what was answered. Only the provider's own definite
//! "no" counts: three in a row open it, and one accepted answer closes it. An outage, a rate limit or an empty account say
//! nothing about the key: they neither count nor forgive. It reads no clock and no row.

use std::time::Duration;

use crate::keys::Health;

/// So many definite rejections in a row open the breaker.
pub(crate) const REJECTIONS_TO_OPEN: u32 = 3;
/// The waits before the checks that confirm a first rejection, and a second one.
const CONFIRM: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(10)];
/// The wait before a check is tried again that an outage has kept from an answer, while a rejection waits to be confirmed.
const CONFIRM_AFTER_OUTAGE: Duration = Duration::from_mins(1);
/// The pauses between probes while it is open: the first, doubling up to the longest.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(60);
/// A check that told nothing definite is repeated so soon, unless the schedule comes first.
const LOOK_AGAIN: Duration = Duration::from_mins(15);
/// How far a key's own turn lies from the interval, at most, as a part of it: keys that were saved together drift apart.
const SPREAD_PARTS: u64 = 10;

/// What an answer says about the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The provider works with it.
    Accepted,
    /// The provider refuses it.
    Rejected,
    /// Nothing: the provider did not answer, asked to wait, or spoke of the account's funds.
    Nothing,
}

impl From<Health> for Verdict {
    fn from(health: Health) -> Self {
        match health {
            Health::Valid | Health::Limited => Self::Accepted,
            Health::Invalid => Self::Rejected,
            Health::RateLimited | Health::NoFunds | Health::Unreachable => Self::Nothing,
        }
    }
}

/// What is known of a key's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    /// Calls are refused at once.
    pub(crate) is_open: bool,
    /// Definite rejections since the last accepted answer.
    pub(crate) rejections: u32,
}

/// What an answer did to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is as it was.
    Stayed,
    /// The rejection that opened it.
    Opened,
    /// The accepted answer that closed it.
    Closed,
}

impl Breaker {
    /// The breaker after an answer, and whether that opened or closed it.
    pub(crate) fn after(self, verdict: Verdict) -> (Self, Change) {
        match verdict {
            Verdict::Nothing => (self, Change::Stayed),
            Verdict::Accepted => {
                let change = if self.is_open {
                    Change::Closed
                } else {
                    Change::Stayed
                };
                (Self::default(), change)
            }
            Verdict::Rejected => {
                let rejections = self.rejections.saturating_add(1);
                let is_open = self.is_open || rejections >= REJECTIONS_TO_OPEN;
                let change = if is_open && !self.is_open {
                    Change::Opened
                } else {
                    Change::Stayed
                };
                (
                    Self {
                        is_open,
                        rejections,
                    },
                    change,
                )
            }
        }
    }

    /// How long after this answer the key is checked next; `None`: never by itself. `interval` is the schedule's, `spread`
    /// any number that stays the key's own.
    pub(crate) fn next_check(
        self,
        verdict: Verdict,
        interval: Option<Duration>,
        spread: u64,
    ) -> Option<Duration> {
        if self.is_open {
            let doublings = self.rejections.saturating_sub(REJECTIONS_TO_OPEN).min(10);
            return Some((FIRST_PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE));
        }
        if self.rejections > 0 {
            let index = usize::try_from(self.rejections - 1).unwrap_or(usize::MAX);
            return match verdict {
                Verdict::Nothing => Some(CONFIRM_AFTER_OUTAGE),
                _ => CONFIRM.get(index).or(CONFIRM.last()).copied(),
            };
        }
        let turn = spread_out(interval?, spread);
        Some(if verdict == Verdict::Nothing {
            turn.min(LOOK_AGAIN)
        } else {
            turn
        })
    }
}

/// The interval, a tenth shorter up to a tenth longer, always the same for one key.
fn spread_out(interval: Duration, spread: u64) -> Duration {
    let whole = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let part = whole / SPREAD_PARTS;
    let offset = spread % part.saturating_mul(2).max(1);
    Duration::from_millis((whole - part).saturating_add(offset))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
        let one = prop_oneof![
            Just(Verdict::Accepted),
            Just(Verdict::Rejected),
            Just(Verdict::Nothing),
        ];
        prop::collection::vec(one, 0..40)
    }

    /// The rule told again, the slow way: rejections since the last accepted answer, whatever lies between.
    fn rejections_since_accepted(answers: &[Verdict]) -> usize {
        answers
            .iter()
            .rev()
            .take_while(|verdict| **verdict != Verdict::Accepted)
            .filter(|verdict| **verdict == Verdict::Rejected)
            .count()
    }

    proptest! {
        /// R8: it is open exactly when three definite rejections lie behind the last accepted answer, and it says so once.
        #[test]
        fn it_is_open_after_three_rejections_and_no_accepted_answer(answers in verdicts()) {
            let mut breaker = Breaker::default();
            for (index, verdict) in answers.iter().enumerate() {
                let was_open = breaker.is_open;
                let (next, change) = breaker.after(*verdict);
                let rejections = rejections_since_accepted(&answers[..=index]);
                prop_assert_eq!(next.is_open, rejections >= 3);
                let expected = match (was_open, next.is_open) {
                    (false, true) => Change::Opened,
                    (true, false) => Change::Closed,
                    _ => Change::Stayed,
                };
                prop_assert_eq!(change, expected);
                breaker = next;
            }
        }

        /// R8: an outage changes nothing, wherever it falls, and alone never opens it.
        #[test]
        fn an_answer_that_says_nothing_changes_nothing(answers in verdicts()) {
            let run = |answers: &[Verdict]| {
                answers.iter().fold(Breaker::default(), |breaker, verdict| breaker.after(*verdict).0)
            };
            let definite: Vec<Verdict> =
                answers.iter().copied().filter(|verdict| *verdict != Verdict::Nothing).collect();
            prop_assert_eq!(run(&answers), run(&definite));
        }

        /// R8: an open breaker is probed for ever, with pauses that never shrink while it is refused and never exceed an hour.
        #[test]
        fn probes_of_an_open_breaker_come_with_growing_pauses(extra in 0u32..100, interval in prop::option::of(1u64..100)) {
            let interval = interval.map(Duration::from_hours);
            let pause = |rejections| {
                Breaker { is_open: true, rejections }.next_check(Verdict::Rejected, interval, 7).unwrap()
            };
            let (now, later) = (pause(REJECTIONS_TO_OPEN + extra), pause(REJECTIONS_TO_OPEN + extra + 1));
            prop_assert!(now <= later && later <= LONGEST_PAUSE && now >= FIRST_PAUSE);
        }

        /// R7: a good key's turn stays within a tenth of the interval, and is the same each time.
        #[test]
        fn a_good_keys_turn_is_spread_around_the_interval(spread: u64, hours in 1u64..1000) {
            let interval = Duration::from_hours(hours);
            let turn = || Breaker::default().next_check(Verdict::Accepted, Some(interval), spread).unwrap();
            prop_assert_eq!(turn(), turn());
            prop_assert!(turn() >= interval * 9 / 10 && turn() <= interval * 11 / 10);
        }
    }

    /// R8: a revoked key is known within half a minute of its first rejection; then it is probed after 1, 2, 4 … 60 minutes.
    #[test]
    fn a_first_rejection_is_confirmed_within_half_a_minute() {
        let mut breaker = Breaker::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            breaker = breaker.after(Verdict::Rejected).0;
            let wait = breaker.next_check(Verdict::Rejected, Some(DAY), 3);
            waits.push(wait.expect("always").as_secs());
        }
        assert_eq!(waits, [5, 10, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }

    /// R7: without a schedule a good key is left alone, and a rejection is confirmed all the same.
    #[test]
    fn without_a_schedule_only_rejections_are_followed() {
        let good = Breaker::default();
        assert_eq!(good.next_check(Verdict::Accepted, None, 3), None);
        assert_eq!(good.next_check(Verdict::Nothing, None, 3), None);
        let once = good.after(Verdict::Rejected).0;
        assert_eq!(
            once.next_check(Verdict::Rejected, None, 3),
            Some(Duration::from_secs(5))
        );
        assert_eq!(
            once.next_check(Verdict::Nothing, None, 3),
            Some(CONFIRM_AFTER_OUTAGE)
        );
        assert_eq!(
            good.next_check(Verdict::Nothing, Some(DAY), 3),
            Some(LOOK_AGAIN)
        );
    }
}
