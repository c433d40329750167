//! What a list of calls is narrowed to, as it stands in the URL: days, result, payer, provider, client and agent. Days are
//! turned into instants by whoever knows the viewer's clock; here they are counted and compared as dates.

use crate::api::enums::CallStatus;
use crate::logic::list_state::{FilterSpec, ListState};
use crate::logic::provider_name::SLUGS;

/// The filter of days: a preset, or `custom` with [`FROM`] and [`TO`].
pub(crate) const WHEN: &str = "when";
/// The first day of a custom range, as `2026-11-22`.
pub(crate) const FROM: &str = "from";
/// The last day of a custom range.
pub(crate) const TO: &str = "to";
/// The filter of what became of a call.
pub(crate) const RESULT: &str = "result";
/// The filter of whose key it went over.
pub(crate) const PAYER: &str = "payer";
/// The filter of the provider.
pub(crate) const PROVIDER: &str = "provider";
/// The filter of the client, by id.
pub(crate) const CLIENT: &str = "client";
/// The filter of the agent, by id.
pub(crate) const AGENT: &str = "agent";

/// All of them, in the order of the URL.
pub(crate) const FILTERS: &[FilterSpec] = &[
    FilterSpec::new(WHEN, &["today", "7d", "30d", "90d", "custom"]),
    FilterSpec::new(FROM, &[]),
    FilterSpec::new(TO, &[]),
    FilterSpec::new(
        RESULT,
        &[
            "live",
            "answered",
            "unanswered",
            "failed",
            "canceled",
            "unclear",
        ],
    ),
    FilterSpec::new(PAYER, &["agency", "client"]),
    FilterSpec::new(PROVIDER, &SLUGS),
    FilterSpec::new(CLIENT, &[]),
    FilterSpec::new(AGENT, &[]),
];

/// The presets of days with their words.
pub(crate) const PRESETS: [(&str, &str); 4] = [
    ("today", "Today"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
];

/// What became of a call, as people ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It goes on.
    Live,
    /// Somebody, or a machine, answered, and it is over.
    Answered,
    /// Busy, or nobody answered.
    Unanswered,
    /// It was refused, or broke.
    Failed,
    /// It was called off.
    Canceled,
    /// Nobody knows.
    Unclear,
}

/// The outcomes in the order in which they are shown, stacked and offered.
pub(crate) const OUTCOMES: [Outcome; 6] = [
    Outcome::Answered,
    Outcome::Unanswered,
    Outcome::Failed,
    Outcome::Unclear,
    Outcome::Canceled,
    Outcome::Live,
];

impl Outcome {
    /// What a call of this status has become.
    pub(crate) fn of(status: CallStatus) -> Self {
        match status {
            CallStatus::Placing
            | CallStatus::Queued
            | CallStatus::Ringing
            | CallStatus::InProgress => Self::Live,
            CallStatus::Completed => Self::Answered,
            CallStatus::Busy | CallStatus::NoAnswer => Self::Unanswered,
            CallStatus::Failed => Self::Failed,
            CallStatus::Canceled => Self::Canceled,
            CallStatus::Unconfirmed | CallStatus::Unknown => Self::Unclear,
        }
    }

    /// In the URL.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Unclear => "unclear",
        }
    }

    /// In words.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Live => "In progress",
            Self::Answered => "Answered",
            Self::Unanswered => "Not answered",
            Self::Failed => "Failed",
            Self::Canceled => "Called off",
            Self::Unclear => "Unclear",
        }
    }
}

/// The statuses behind a value of [`RESULT`].
pub(crate) fn statuses_of(result: &str) -> Vec<CallStatus> {
    use CallStatus::{
        Busy, Canceled, Completed, Failed, InProgress, NoAnswer, Placing, Queued, Ringing,
        Unconfirmed, Unknown,
    };
    [
        Placing,
        Queued,
        Ringing,
        InProgress,
        Completed,
        Busy,
        NoAnswer,
        Failed,
        Canceled,
        Unknown,
        Unconfirmed,
    ]
    .into_iter()
    .filter(|status| Outcome::of(*status).slug() == result)
    .collect()
}

/// From when until when, as instants of the contract; the end is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Days {
    /// Absent: from the first call on.
    pub(crate) since: Option<String>,
    /// Absent: until now.
    pub(crate) until: Option<String>,
}

/// A range of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Range {
    /// All that there are.
    All,
    /// So many days, today among them.
    Last(u32),
    /// From a day to a day, both in it; none: open at that end.
    Between(Option<DayNumber>, Option<DayNumber>),
}

/// Days since 1970-01-01.
pub(crate) type DayNumber = i64;

/// The range that a state narrows to.
pub(crate) fn range(state: &ListState) -> Range {
    match state.value(WHEN) {
        Some("today") => Range::Last(1),
        Some("7d") => Range::Last(7),
        Some("30d") => Range::Last(30),
        Some("90d") => Range::Last(90),
        Some("custom") => {
            let from = state.value(FROM).and_then(day_number);
            let to = state.value(TO).and_then(day_number);
            match (from, to) {
                // The wrong way round is meant the right way round.
                (Some(from), Some(to)) if from > to => Range::Between(Some(to), Some(from)),
                (None, None) => Range::All,
                range => Range::Between(range.0, range.1),
            }
        }
        _ => Range::All,
    }
}

/// The number of a day written as `2026-11-22`; none where there is no such day.
pub(crate) fn day_number(date: &str) -> Option<DayNumber> {
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    let (year, month, day): (i64, i64, i64) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    if !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let number = number_of(year, month, day);
    (date_of(number) == date).then_some(number)
}

/// Howard Hinnant's `days_from_civil`: the year begins in March, so that the leap day is its last.
fn number_of(year: i64, month: i64, day: i64) -> DayNumber {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number.
pub(crate) fn civil(number: DayNumber) -> (i64, i64, i64) {
    let number = number + 719_468;
    let era = number.div_euclid(146_097);
    let of_era = number.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A day as `2026-11-22`.
pub(crate) fn date_of(number: DayNumber) -> String {
    let (year, month, day) = civil(number);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A day as people read it on an axis, such as `22 Nov`.
pub(crate) fn short_date(number: DayNumber) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, month, day) = civil(number);
    let index = usize::try_from(month - 1).unwrap_or_default();
    format!("{day} {}", MONTHS.get(index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::list_state::ListSpec;

    const CALLS: ListSpec = ListSpec {
        filters: FILTERS,
        sorts: &[],
        panel: "call",
    };

    fn state(pairs: &[(&str, &str)]) -> ListState {
        CALLS.read(&|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// C5: each status that a call can have is behind exactly one result that the list can be narrowed to.
    #[test]
    fn every_status_is_behind_one_result() {
        let all: Vec<CallStatus> = OUTCOMES
            .into_iter()
            .flat_map(|outcome| statuses_of(outcome.slug()))
            .collect();
        assert_eq!(all.len(), 11);
        assert_eq!(
            statuses_of("unclear"),
            [CallStatus::Unknown, CallStatus::Unconfirmed]
        );
        assert_eq!(statuses_of("unanswered").len(), 2);
        assert_eq!(statuses_of("anything"), []);
    }

    #[test]
    fn days_are_numbered_and_written_both_ways() {
        assert_eq!(day_number("1970-01-01"), Some(0));
        assert_eq!(day_number("2000-02-29"), Some(11_016));
        assert_eq!(day_number("2026-11-22"), Some(20_779));
        for number in (-1_000..40_000).step_by(37) {
            assert_eq!(day_number(&date_of(number)), Some(number));
        }
        for wrong in [
            "",
            "2026-02-30",
            "2026-13-01",
            "26-11-22",
            "2026-1-2",
            "x-y-z",
        ] {
            assert_eq!(day_number(wrong), None, "{wrong:?}");
        }
        assert_eq!(short_date(20_779), "22 Nov");
    }

    #[test]
    fn a_range_comes_from_the_address() {
        assert_eq!(range(&state(&[])), Range::All);
        assert_eq!(range(&state(&[("when", "7d")])), Range::Last(7));
        assert_eq!(range(&state(&[("when", "for ever")])), Range::All);
        let custom = |from, to| range(&state(&[("when", "custom"), ("from", from), ("to", to)]));
        assert_eq!(
            custom("2026-11-20", "2026-11-22"),
            Range::Between(Some(20_777), Some(20_779))
        );
        assert_eq!(
            custom("2026-11-22", "2026-11-20"),
            Range::Between(Some(20_777), Some(20_779))
        );
        assert_eq!(custom("", "2026-11-22"), Range::Between(None, Some(20_779)));
        assert_eq!(custom("soon", ""), Range::All);
    }
}
