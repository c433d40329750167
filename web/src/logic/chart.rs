//! The arithmetic of charts: round ticks for an axis, which days are labelled, and places in hundredths of a percent, so that
//! nothing formats a float. It knows no colour and no element.

/// A share of a whole in hundredths of a percent: 10,000 is all of it.
pub(crate) type Share = i64;

/// `part` of `whole` as a share; nothing of nothing is nothing.
pub(crate) fn share(part: i64, whole: i64) -> Share {
    if whole <= 0 {
        return 0;
    }
    (part.max(0).saturating_mul(10_000) / whole).min(10_000)
}

/// A share as SVG takes it, such as `12.34%`.
pub(crate) fn percent(share: Share) -> String {
    format!("{}.{:02}%", share / 100, share % 100)
}

/// The ticks of an axis from zero to at least `largest`: at most five steps of 1, 2 or 5 and zeros.
pub(crate) fn ticks(largest: i64) -> Vec<i64> {
    let mut step: i64 = 1;
    'found: loop {
        for factor in [1, 2, 5] {
            let candidate = step.saturating_mul(factor);
            if candidate.saturating_mul(5) >= largest {
                step = candidate;
                break 'found;
            }
        }
        step = step.saturating_mul(10);
    }
    let count = ((largest.max(1) + step - 1) / step).max(1);
    (0..=count).map(|number| number * step).collect()
}

/// Which of so many places along an axis are labelled: evenly spread, at most `most` of them, the last one always.
pub(crate) fn labelled(places: usize, most: usize) -> Vec<usize> {
    if places == 0 || most == 0 {
        return Vec::new();
    }
    let step = places.div_ceil(most);
    let mut labels: Vec<usize> = (0..places).rev().step_by(step).collect();
    labels.reverse();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_over_the_largest() {
        assert_eq!(ticks(0), [0, 1]);
        assert_eq!(ticks(1), [0, 1]);
        assert_eq!(ticks(4), [0, 1, 2, 3, 4]);
        assert_eq!(ticks(7), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(23), [0, 5, 10, 15, 20, 25]);
        assert_eq!(ticks(26), [0, 10, 20, 30]);
        assert_eq!(ticks(1_000), [0, 200, 400, 600, 800, 1_000]);
        for largest in 1..3_000 {
            let ticks = ticks(largest);
            assert!(
                ticks.len() <= 6 && ticks.last() >= Some(&largest),
                "{largest}"
            );
        }
    }

    #[test]
    fn shares_are_written_for_svg() {
        assert_eq!(percent(share(1, 3)), "33.33%");
        assert_eq!(percent(share(5, 5)), "100.00%");
        assert_eq!(percent(share(7, 0)), "0.00%");
        assert_eq!(percent(share(1, 1_000)), "0.10%");
    }

    #[test]
    fn labels_are_spread_and_end_with_the_last_place() {
        assert_eq!(labelled(7, 7), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(labelled(30, 6), [4, 9, 14, 19, 24, 29]);
        assert_eq!(labelled(1, 6), [0]);
        assert_eq!(labelled(0, 6), [0_usize; 0]);
    }
}
