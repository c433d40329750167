//! The words and figures of the agency's API keys: what a scope allows, how a key stands and until when, what a rotation or a
//! revocation stops, its use day by day, and the example that scripts begin with. It reads no clock and shows no key: all that
//! it knows of one is its last four characters.

use crate::api::enums::{ApiKeyScope, ApiKeyState};
use crate::logic::number::counted;
use std::fmt::Write as _;

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Days that the use of a key is shown for, today among them.
pub(crate) const DAYS: i64 = 30;
/// Most keys in use that an agency has.
pub(crate) const MAX_IN_USE: usize = 20;
/// The key that the card makes.
pub(crate) const DEFAULT_NAME: &str = "Default";
/// A key that expires within this time says so.
const EXPIRES_SOON: f64 = 7.0 * DAY;

/// All scopes, the narrowest first.
pub(crate) const SCOPES: [ApiKeyScope; 4] = [
    ApiKeyScope::Read,
    ApiKeyScope::CallsTrigger,
    ApiKeyScope::AgentsManage,
    ApiKeyScope::KeysManage,
];

/// A scope as scripts and the documentation name it.
pub(crate) fn scope_name(scope: ApiKeyScope) -> &'static str {
    match scope {
        ApiKeyScope::Read => "read",
        ApiKeyScope::CallsTrigger => "calls:trigger",
        ApiKeyScope::AgentsManage => "agents:manage",
        ApiKeyScope::KeysManage => "keys:manage",
        ApiKeyScope::Unknown => "unknown",
    }
}

/// What a scope allows.
pub(crate) fn scope_text(scope: ApiKeyScope) -> &'static str {
    match scope {
        ApiKeyScope::Read => {
            "Reads agents, numbers, clients, calls and alerts, and whether provider keys work. Nothing of a key, and no change."
        }
        ApiKeyScope::CallsTrigger => "Places calls, which cost money.",
        ApiKeyScope::AgentsManage => {
            "Makes and changes agents and clients, and says whom agents work for. It also starts placements, which make agents in other accounts."
        }
        ApiKeyScope::KeysManage => {
            "Saves, tests and clears provider keys, and reads their last four characters. A cleared key stops its agents."
        }
        ApiKeyScope::Unknown => "",
    }
}

/// Scopes in a sentence, such as `read and calls:trigger`.
pub(crate) fn scopes_in_words(scopes: &[ApiKeyScope]) -> String {
    let names: Vec<&str> = scopes.iter().copied().map(scope_name).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A key as people know it again.
pub(crate) fn masked(hint: &str) -> String {
    format!("bvai_sk_…{hint}")
}

/// Whether a key holds its name: in use, or refused until its maker is back. One that overlaps with it does not.
pub(crate) fn is_in_use(state: ApiKeyState) -> bool {
    matches!(state, ApiKeyState::Active | ApiKeyState::Suspended)
}

/// What decides how a key stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) state: ApiKeyState,
    pub(crate) is_due: bool,
    pub(crate) expires_ms: Option<f64>,
    pub(crate) ends_ms: Option<f64>,
}

/// How a key stands for whoever looks at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing {
    /// In use, with nothing to do.
    Active,
    /// In use, and older than 90 days.
    Due,
    /// In use, for so many milliseconds more.
    ExpiresSoon(f64),
    /// Works beside the key in its place for so many milliseconds more.
    Ending(f64),
    /// Stored and refused, because whoever made it is suspended or left.
    Suspended,
    /// Over, as the state says.
    Over(ApiKeyState),
}

impl Standing {
    /// How it stands now. What was read a while ago may have ended since.
    pub(crate) fn of(life: Life, now_ms: f64) -> Self {
        let left = |end: Option<f64>| end.map(|end| end - now_ms);
        match life.state {
            ApiKeyState::Active | ApiKeyState::Ending | ApiKeyState::Suspended => {}
            over => return Self::Over(over),
        }
        if left(life.expires_ms).is_some_and(|left| left <= 0.0) {
            return Self::Over(ApiKeyState::Expired);
        }
        match (life.state, left(life.ends_ms)) {
            (ApiKeyState::Ending, Some(left)) if left <= 0.0 => {
                return Self::Over(ApiKeyState::Replaced);
            }
            (ApiKeyState::Ending, Some(left)) => return Self::Ending(left),
            _ => {}
        }
        if life.state == ApiKeyState::Suspended {
            return Self::Suspended;
        }
        match left(life.expires_ms) {
            Some(left) if left < EXPIRES_SOON => Self::ExpiresSoon(left),
            _ if life.is_due => Self::Due,
            _ => Self::Active,
        }
    }

    /// The word of its badge.
    pub(crate) fn word(self) -> String {
        match self {
            Self::Active => "Active".to_owned(),
            Self::Due => "Due for rotation".to_owned(),
            Self::ExpiresSoon(left) => format!("Expires in {}", remaining(left)),
            Self::Ending(left) => format!("Ends in {}", remaining(left)),
            Self::Suspended => "Suspended".to_owned(),
            Self::Over(ApiKeyState::Replaced) => "Replaced".to_owned(),
            Self::Over(ApiKeyState::Expired) => "Expired".to_owned(),
            Self::Over(ApiKeyState::Exposed) => "Exposed".to_owned(),
            Self::Over(_) => "Revoked".to_owned(),
        }
    }

    /// What there is to know or do about it; empty when the word says all.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Due => "Older than 90 days",
            Self::Suspended => "Its maker is suspended or left; rotate it",
            Self::Ending(_) => "Another key is in its place",
            _ => "",
        }
    }
}

/// Time that is left, rounded up, such as `72 h` or `5 days`. The page's clock may be half a minute late.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the values are counts of minutes to days"
)]
fn remaining(left_ms: f64) -> String {
    let whole = |unit: f64| ((left_ms - MINUTE / 2.0) / unit).ceil().max(1.0) as i64;
    if left_ms <= HOUR {
        format!("{} min", whole(MINUTE))
    } else if left_ms <= 3.0 * DAY + MINUTE {
        format!("{} h", whole(HOUR))
    } else {
        counted(whole(DAY), "day", "days")
    }
}

/// How long two keys may work beside each other: hours, and the words of the choice.
pub(crate) const OVERLAPS: [(i64, &str); 4] = [
    (0, "At once"),
    (1, "1 hour"),
    (24, "24 hours"),
    (72, "72 hours"),
];

/// What a rotation does to the key that it replaces; `until` is when an overlap would end.
pub(crate) fn rotation(hint: &str, hours: i64, until: &str) -> String {
    if hours == 0 {
        format!(
            "…{hint} is refused the moment the new key is made. A script that still sends it is answered 401."
        )
    } else {
        format!("…{hint} and the new key both work until {until}. After that …{hint} is refused.")
    }
}

/// What a revocation does; `overlapping` are the hints of keys that go with it.
pub(crate) fn revocation(name: &str, hint: &str, overlapping: &[String]) -> String {
    let mut text = format!(
        "Every script that sends {name} (…{hint}) is answered 401 from this moment on. It cannot be brought back."
    );
    for other in overlapping {
        // Writing into a String cannot fail.
        let _ = write!(text, " …{other}, which overlaps with it, goes too.");
    }
    text
}

/// Use of a key on one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DayOfUse {
    /// The day's beginning in UTC.
    pub(crate) start_ms: f64,
    pub(crate) requests: i64,
    pub(crate) errors: i64,
}

/// The last [`DAYS`] days, oldest first, without gaps.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of days is far below 2^52"
)]
pub(crate) fn by_day(now_ms: f64, used: &[DayOfUse]) -> Vec<DayOfUse> {
    let today = (now_ms / DAY).floor() * DAY;
    (0..DAYS)
        .rev()
        .map(|back| {
            let start_ms = today - back as f64 * DAY;
            let known = used
                .iter()
                .find(|day| (day.start_ms - start_ms).abs() < 1.0);
            known.copied().unwrap_or(DayOfUse {
                start_ms,
                requests: 0,
                errors: 0,
            })
        })
        .collect()
}

/// Requests and errors of all days together.
pub(crate) fn totals(days: &[DayOfUse]) -> (i64, i64) {
    days.iter().fold((0, 0), |(requests, errors), day| {
        (requests + day.requests, errors + day.errors)
    })
}

/// The use of all days in words.
pub(crate) fn use_in_words(days: &[DayOfUse]) -> String {
    let (requests, errors) = totals(days);
    if requests == 0 {
        return format!("No requests in {DAYS} days");
    }
    let requests = counted(requests, "request", "requests");
    format!("{requests} in {DAYS} days, {}", errors_in_words(errors))
}

/// A count of errors.
pub(crate) fn errors_in_words(errors: i64) -> String {
    match errors {
        0 => "no errors".to_owned(),
        _ => counted(errors, "error", "errors"),
    }
}

/// The largest number of requests of a day, for the axis.
pub(crate) fn most(days: &[DayOfUse]) -> i64 {
    days.iter().map(|day| day.requests).max().unwrap_or(0)
}

/// Bars as two paths, requests and the errors among them, each bar 4 units apart from the next: to be drawn with strokes of
/// 3 units in a box of `4 × days` by `height`. What is not zero is seen, however small.
pub(crate) fn bars(days: &[DayOfUse], height: i64) -> (String, String) {
    let most = most(days).max(1);
    let (mut requests, mut errors) = (String::new(), String::new());
    let mut x = 2;
    for day in days {
        for (path, value) in [(&mut requests, day.requests), (&mut errors, day.errors)] {
            if value > 0 {
                let tall = (value * height / most).clamp(2, height);
                // Writing into a String cannot fail.
                let _ = write!(path, "M{x} {height}v-{tall}");
            }
        }
        x += 4;
    }
    (requests, errors)
}

/// When a key could expire: days from now, and the words of the choice. `None` days: never, or on a date of the person's own.
pub(crate) const EXPIRIES: [(&str, Option<i64>, &str); 5] = [
    ("30", Some(30), "In 30 days"),
    ("90", Some(90), "In 90 days"),
    ("365", Some(365), "In 365 days"),
    ("date", None, "On a date"),
    ("never", None, "Never"),
];

/// The instant of a choice of [`EXPIRIES`]; `date_ms` is the beginning of the chosen date, whose end it becomes.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of days is far below 2^52"
)]
pub(crate) fn expiry(choice: &str, date_ms: f64, now_ms: f64) -> Result<Option<f64>, &'static str> {
    let chosen = EXPIRIES.iter().find(|(value, ..)| *value == choice);
    match chosen {
        Some((_, Some(days), _)) => Ok(Some(now_ms + *days as f64 * DAY)),
        Some(("date", ..)) if date_ms.is_nan() => Err("Choose the last day on which it works."),
        Some(("date", ..)) if date_ms + DAY <= now_ms => {
            Err("This day is past. Choose a later one.")
        }
        Some(("date", ..)) => Ok(Some(date_ms + DAY - 1_000.0)),
        _ => Ok(None),
    }
}

/// What a script begins with: it reads the key from its surroundings, so that no key stands in a shell's history.
pub(crate) fn example(origin: &str, scopes: &[ApiKeyScope]) -> String {
    let query = if scopes.contains(&ApiKeyScope::Read) {
        "{ agents(first: 5) { nodes { name } } }"
    } else {
        "{ __typename }"
    };
    format!(
        "curl {origin}/graphql \\\n  -H \"Authorization: Bearer $RINGFENCE_API_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"query\": \"{query}\"}}'"
    )
}

/// Puts the key into the surroundings of a shell without leaving it in the history.
pub(crate) const SET_KEY: &str = "read -rs RINGFENCE_API_KEY && export RINGFENCE_API_KEY";

/// How many keys are in use, such as `3 of 20 in use`, and what to do where there is no room for another.
pub(crate) fn in_use(count: usize) -> String {
    let full = if count < MAX_IN_USE {
        ""
    } else {
        ". Revoke one that is not needed before you make another."
    };
    format!("{count} of {MAX_IN_USE} in use{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: f64 = 20_000.0 * DAY + 5.0 * HOUR;

    const ACTIVE: Life = Life {
        state: ApiKeyState::Active,
        is_due: false,
        expires_ms: None,
        ends_ms: None,
    };

    fn word(life: Life) -> String {
        Standing::of(life, NOW).word()
    }

    /// A3: what a key is refused for comes before what it is reminded of.
    #[test]
    fn a_key_says_first_what_stops_it() {
        assert_eq!(word(ACTIVE), "Active");
        let due = Life {
            is_due: true,
            ..ACTIVE
        };
        assert_eq!(word(due), "Due for rotation");
        let soon = Life {
            expires_ms: Some(NOW + 4.2 * DAY),
            ..due
        };
        assert_eq!(word(soon), "Expires in 5 days");
        let far = Life {
            expires_ms: Some(NOW + 40.0 * DAY),
            ..ACTIVE
        };
        assert_eq!(word(far), "Active");
        let suspended = Life {
            state: ApiKeyState::Suspended,
            ..soon
        };
        assert_eq!(Standing::of(suspended, NOW), Standing::Suspended);
        let over = Life {
            expires_ms: Some(NOW),
            ..suspended
        };
        assert_eq!(word(over), "Expired");
    }

    /// A3, checklist 37: the overlap counts down, and ends without another answer of the server.
    #[test]
    fn an_overlap_counts_down() {
        let ending = |left: f64| Life {
            state: ApiKeyState::Ending,
            ends_ms: Some(NOW + left),
            ..ACTIVE
        };
        assert_eq!(word(ending(72.0 * HOUR - 1.0)), "Ends in 72 h");
        assert_eq!(word(ending(72.0 * HOUR + 29_000.0)), "Ends in 72 h");
        assert_eq!(word(ending(1.5 * HOUR)), "Ends in 2 h");
        assert_eq!(word(ending(59.6 * 60_000.0)), "Ends in 60 min");
        assert_eq!(word(ending(10.0)), "Ends in 1 min");
        assert_eq!(word(ending(0.0)), "Replaced");
    }

    /// A3: what a rotation and a revocation stop is said before they are done.
    #[test]
    fn consequences_name_the_key() {
        assert!(rotation("4f2A", 0, "").starts_with("…4f2A is refused the moment"));
        assert!(rotation("4f2A", 24, "tomorrow 14:02").contains("until tomorrow 14:02."));
        let text = revocation("Default", "4f2A", &["9xYz".to_owned()]);
        assert!(text.contains("Default (…4f2A)") && text.contains("…9xYz"));
    }

    /// A3: use per day: days without any are days, too.
    #[test]
    fn days_without_use_are_shown() {
        let day = |back: f64, requests, errors| DayOfUse {
            start_ms: (20_000.0 - back) * DAY,
            requests,
            errors,
        };
        let days = by_day(
            NOW,
            &[day(0.0, 10, 1), day(29.0, 1_194, 2), day(30.0, 7, 7)],
        );
        assert_eq!(days.len(), 30);
        assert_eq!(
            (days[29].requests, days[0].requests, days[1].requests),
            (10, 1_194, 0)
        );
        assert_eq!(
            totals(&days),
            (1_204, 3),
            "the day before the first is not shown"
        );
        assert_eq!(use_in_words(&days), "1,204 requests in 30 days, 3 errors");
        assert_eq!(use_in_words(&by_day(NOW, &[])), "No requests in 30 days");
    }

    /// What is not zero is seen, and nothing is taller than the box.
    #[test]
    fn bars_show_whatever_there_is() {
        let days = by_day(
            NOW,
            &[
                DayOfUse {
                    start_ms: 20_000.0 * DAY,
                    requests: 9_000,
                    errors: 1,
                },
                DayOfUse {
                    start_ms: 19_999.0 * DAY,
                    requests: 1,
                    errors: 0,
                },
            ],
        );
        assert_eq!(
            bars(&days, 24),
            ("M114 24v-2M118 24v-24".to_owned(), "M118 24v-2".to_owned())
        );
        assert_eq!(bars(&by_day(NOW, &[]), 24), (String::new(), String::new()));
    }

    /// A3: an expiry is a moment to come, or none.
    #[test]
    fn an_expiry_lies_ahead() {
        assert_eq!(expiry("never", f64::NAN, NOW), Ok(None));
        assert_eq!(expiry("30", f64::NAN, NOW), Ok(Some(NOW + 30.0 * DAY)));
        assert!(expiry("date", f64::NAN, NOW).is_err());
        assert!(expiry("date", 19_999.0 * DAY, NOW).is_err());
        let today = expiry("date", 20_000.0 * DAY, NOW);
        assert_eq!(today, Ok(Some(20_001.0 * DAY - 1_000.0)), "to its end");
    }

    /// A2, checklist 35: the example sends the key in its header, and asks for what its scopes allow.
    #[test]
    fn the_example_fits_the_scopes() {
        let text = example("https://x.test", &[ApiKeyScope::Read]);
        assert!(text.contains("Authorization: Bearer $RINGFENCE_API_KEY"));
        assert!(text.contains("agents(first: 5)"));
        let text = example("https://x.test", &[ApiKeyScope::CallsTrigger]);
        assert!(text.contains("{ __typename }"));
        assert_eq!(
            scopes_in_words(&[ApiKeyScope::Read, ApiKeyScope::CallsTrigger]),
            "read and calls:trigger"
        );
    }

    /// look.md, Words.
    #[test]
    fn every_scope_is_explained() {
        for scope in SCOPES {
            assert!(!scope_text(scope).is_empty(), "{scope:?}");
        }
        assert!(scope_text(ApiKeyScope::AgentsManage).contains("placements"));
    }
}
