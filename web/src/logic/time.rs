//! Texts of instants and durations in milliseconds: how long ago, how long still, how long it took. It reads no clock:
//! the caller passes both instants.

const SECOND: f64 = 1_000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// How long ago an instant was, such as `3 min ago`; `None` when it is so old that its date says more.
pub(crate) fn relative(now_ms: f64, then_ms: f64) -> Option<String> {
    let ago = now_ms - then_ms;
    // A server clock that runs ahead by a few seconds must not show "in 2 s".
    if ago < -MINUTE {
        let ahead = -ago;
        return Some(if ahead < HOUR {
            format!("in {} min", whole(ahead / MINUTE))
        } else if ahead < DAY {
            format!("in {} h", whole(ahead / HOUR))
        } else {
            format!("in {}", days(whole(ahead / DAY)))
        });
    }
    if ago < 45.0 * SECOND {
        Some("just now".to_owned())
    } else if ago < HOUR {
        Some(format!("{} min ago", whole(ago / MINUTE).max(1)))
    } else if ago < DAY {
        Some(format!("{} h ago", whole(ago / HOUR)))
    } else if ago < 30.0 * DAY {
        Some(format!("{} ago", days(whole(ago / DAY))))
    } else {
        None
    }
}

/// How long something has been running, such as `41 s` or `2 min 05 s`.
pub(crate) fn elapsed(duration_ms: f64) -> String {
    let seconds = whole(duration_ms.max(0.0) / SECOND);
    if seconds < 60 {
        format!("{seconds} s")
    } else if seconds < 3_600 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60)
    }
}

/// Whole seconds still to wait, rounded up, never below zero: a countdown shows `1 s` until the moment has come.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a wait is far below the limits of i64"
)]
pub(crate) fn seconds_left(now_ms: f64, until_ms: f64) -> i64 {
    ((until_ms - now_ms) / SECOND).ceil().max(0.0) as i64
}

/// A wait in seconds as text, such as `24 s` or `3 min`.
pub(crate) fn wait(seconds: i64) -> String {
    if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min", (seconds + 59) / 60)
    }
}

fn days(count: i64) -> String {
    if count == 1 {
        "1 day".to_owned()
    } else {
        format!("{count} days")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the values are counts of seconds to days"
)]
fn whole(value: f64) -> i64 {
    value.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist 19: relative times.
    #[test]
    fn an_instant_reads_as_how_long_ago_it_was() {
        let now = 100.0 * DAY;
        assert_eq!(relative(now, now).as_deref(), Some("just now"));
        assert_eq!(
            relative(now, now + 3.0 * SECOND).as_deref(),
            Some("just now")
        );
        assert_eq!(
            relative(now, now - 50.0 * SECOND).as_deref(),
            Some("1 min ago")
        );
        assert_eq!(
            relative(now, now - 3.5 * MINUTE).as_deref(),
            Some("3 min ago")
        );
        assert_eq!(relative(now, now - 5.0 * HOUR).as_deref(), Some("5 h ago"));
        assert_eq!(
            relative(now, now - 26.0 * HOUR).as_deref(),
            Some("1 day ago")
        );
        assert_eq!(
            relative(now, now - 29.0 * DAY).as_deref(),
            Some("29 days ago")
        );
        assert_eq!(relative(now, now - 31.0 * DAY), None);
        assert_eq!(
            relative(now, now + 5.0 * MINUTE).as_deref(),
            Some("in 5 min")
        );
    }

    #[test]
    fn durations_grow_from_seconds_to_hours() {
        assert_eq!(elapsed(-5.0), "0 s");
        assert_eq!(elapsed(41_900.0), "41 s");
        assert_eq!(elapsed(125_000.0), "2 min 05 s");
        assert_eq!(elapsed(3_780_000.0), "1 h 03 min");
    }

    /// K3: a rate-limited save counts its wait down and ends at zero, not below.
    #[test]
    fn a_countdown_rounds_up_and_stops_at_zero() {
        assert_eq!(seconds_left(0.0, 23_100.0), 24);
        assert_eq!(seconds_left(23_100.0, 23_100.0), 0);
        assert_eq!(seconds_left(30_000.0, 23_100.0), 0);
        assert_eq!(wait(24), "24 s");
        assert_eq!(wait(130), "3 min");
    }
}
