//! From the decimal numbers that providers write to whole ones. Whatever is no amount (negative, endless, beyond what a call
//! can cost or take) is `None`, never a rounded guess.

use super::CallCost;

/// Millionths of a dollar in one.
pub(super) const DOLLARS: f64 = 1e6;

/// Millionths of a dollar in a cent.
pub(super) const CENTS: f64 = 1e4;

/// Milliseconds in a minute.
pub(super) const MINUTES: f64 = 60_000.0;

/// Nothing about one call is larger: a billion dollars, or thirty thousand years.
const LARGEST: f64 = 1e15;

/// So many units of `scale` each, as a whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be between 0 and 10^15 before"
)]
pub(super) fn whole(units: f64, scale: f64) -> Option<i64> {
    let amount = (units * scale).round();
    (0.0..=LARGEST).contains(&amount).then_some(amount as i64)
}

/// What all three providers bill in.
pub(super) fn us_dollars(units: f64, scale: f64) -> Option<CallCost> {
    whole(units, scale).map(|micros| CallCost {
        micros,
        currency: "USD",
    })
}

/// From one instant to a later one, both in Unix milliseconds.
pub(super) fn elapsed(from_ms: Option<i64>, to_ms: Option<i64>) -> Option<i64> {
    to_ms?.checked_sub(from_ms?).filter(|elapsed| *elapsed >= 0)
}

#[cfg(test)]
mod tests {
    use super::{CENTS, DOLLARS, MINUTES, elapsed, us_dollars, whole};

    /// C5: amounts are whole, and what is no amount is none.
    #[test]
    fn amounts_become_whole_numbers_or_nothing() {
        assert_eq!(us_dollars(0.0715, DOLLARS).unwrap().micros, 71_500);
        assert_eq!(us_dollars(7.15, CENTS).unwrap().micros, 71_500);
        assert_eq!(whole(0.834, MINUTES), Some(50_040));
        assert_eq!(whole(0.0, DOLLARS), Some(0));
        for odd in [-0.01, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(whole(odd, DOLLARS), None, "{odd}");
        }
        assert_eq!(elapsed(Some(5), Some(7)), Some(2));
        for (from, to) in [
            (None, Some(1)),
            (Some(1), None),
            (Some(2), Some(1)),
            (Some(i64::MIN), Some(i64::MAX)),
        ] {
            assert_eq!(elapsed(from, to), None);
        }
    }
}
