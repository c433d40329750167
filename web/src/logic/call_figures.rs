//! Figures about calls as charts and tables show them: every day of the range with its results, days without a call among them;
//! clients by who pays; reasons of failures. Minutes are kept in tenths and money in millionths, so that nothing is rounded twice.

use crate::api::calls::{CallDay, CallFailureCount, CallPayer, CallStats};
use crate::api::enums::KeyScope;
use crate::logic::call_filter::{DayNumber, OUTCOMES, Outcome, day_number};
use crate::logic::number::grouped;
use crate::logic::{call_words, money};

/// The calls of one day, by [`OUTCOMES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    /// Which day.
    pub(crate) number: DayNumber,
    /// How many calls of each outcome.
    pub(crate) counts: [i64; OUTCOMES.len()],
}

impl Day {
    /// All of the day's calls.
    pub(crate) fn total(&self) -> i64 {
        self.counts.iter().sum()
    }
}

fn counts(
    statuses: impl Iterator<Item = (crate::api::enums::CallStatus, i64)>,
) -> [i64; OUTCOMES.len()] {
    let mut counts = [0; OUTCOMES.len()];
    for (status, count) in statuses {
        let outcome = Outcome::of(status);
        for (slot, known) in counts.iter_mut().zip(OUTCOMES) {
            if known == outcome {
                *slot += count;
            }
        }
    }
    counts
}

/// The outcomes of all calls.
pub(crate) fn totals(stats: &CallStats) -> [i64; OUTCOMES.len()] {
    counts(stats.statuses.iter().map(|it| (it.status, it.count)))
}

/// How many calls have an outcome.
pub(crate) fn count_of(stats: &CallStats, outcome: Outcome) -> i64 {
    let all = totals(stats).into_iter().zip(OUTCOMES);
    all.filter(|(_, known)| *known == outcome)
        .map(|(count, _)| count)
        .sum()
}

/// Every day from the first to the last one, with zeros where the server told of none. More than `most` days end with the last.
pub(crate) fn every_day(
    told: &[CallDay],
    first: Option<DayNumber>,
    last: DayNumber,
    most: DayNumber,
) -> Vec<Day> {
    let known: Vec<Day> = told
        .iter()
        .filter_map(|day| {
            let number = day_number(&day.date)?;
            let counts = counts(day.statuses.iter().map(|it| (it.status, it.count)));
            Some(Day { number, counts })
        })
        .collect();
    let first = first
        .or_else(|| known.first().map(|day| day.number))
        .unwrap_or(last)
        .max(last - most + 1);
    (first..=last)
        .map(|number| {
            let day = known.iter().find(|day| day.number == number).cloned();
            day.unwrap_or(Day {
                number,
                counts: [0; OUTCOMES.len()],
            })
        })
        .collect()
}

/// The calls that one account paid for, of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaidRow {
    /// The client, or the agency's own agents.
    pub(crate) name: String,
    /// Whose account paid.
    pub(crate) payer: KeyScope,
    /// How many calls.
    pub(crate) count: i64,
    /// Tenths of minutes.
    pub(crate) tenths: i64,
    /// Millionths of the currency; none for whoever may not see it.
    pub(crate) micros: Option<i64>,
}

/// By client and who pays; what is behind the first `most` is put together.
pub(crate) fn paid(payers: &[CallPayer], own: &str, most: usize) -> Vec<PaidRow> {
    let mut rows: Vec<PaidRow> = payers
        .iter()
        .map(|row| PaidRow {
            name: row.client_name.clone().unwrap_or_else(|| own.to_owned()),
            payer: row.payer,
            count: row.count,
            tenths: tenths(row.minutes),
            micros: row
                .cost
                .as_ref()
                .and_then(|cost| money::micros(&cost.amount)),
        })
        .collect();
    if rows.len() > most.max(1) {
        let rest = rows.split_off(most.max(1) - 1);
        let sum = |of: fn(&PaidRow) -> i64| rest.iter().map(of).sum();
        rows.push(PaidRow {
            name: format!("{} others", rest.len()),
            payer: KeyScope::Unknown,
            count: sum(|row| row.count),
            tenths: sum(|row| row.tenths),
            micros: rest.iter().map(|row| row.micros).sum(),
        });
    }
    rows
}

/// Why calls failed, were not answered or are unclear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// In words.
    pub(crate) name: &'static str,
    /// What it makes of the call.
    pub(crate) outcome: Outcome,
    /// How many calls.
    pub(crate) count: i64,
}

/// The reasons, the most frequent first; those that read alike are put together.
pub(crate) fn reasons(failures: &[CallFailureCount]) -> Vec<Reason> {
    use crate::api::enums::CallEndCause::{Busy, Declined, NoAnswer};
    let mut reasons: Vec<Reason> = Vec::new();
    for failure in failures {
        let (name, outcome) = match (failure.code, failure.end_cause) {
            (Some(code), _) => (call_words::not_placed(code), Outcome::Failed),
            (None, Some(cause @ (Busy | NoAnswer | Declined))) => {
                (call_words::cause(cause), Outcome::Unanswered)
            }
            (None, Some(cause)) => (call_words::cause(cause), Outcome::Failed),
            (None, None) => ("Nobody told why", Outcome::Unclear),
        };
        match reasons.iter_mut().find(|reason| reason.name == name) {
            Some(known) => known.count += failure.count,
            None => reasons.push(Reason {
                name,
                outcome,
                count: failure.count,
            }),
        }
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    reasons
}

/// Tenths of minutes, as the server rounds them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "minutes of calls are far below the limits of i64"
)]
pub(crate) fn tenths(minutes: f64) -> i64 {
    (minutes * 10.0).round() as i64
}

/// Minutes, such as `12.5 min`; from a hundred on in whole ones.
pub(crate) fn minutes(tenths: i64) -> String {
    if tenths >= 1_000 {
        return format!("{} min", grouped((tenths + 5) / 10));
    }
    let whole = grouped(tenths / 10);
    match tenths % 10 {
        0 => format!("{whole} min"),
        part => format!("{whole}.{part} min"),
    }
}

/// How many of a whole, in whole percent, such as `94 %`; nothing of nothing is no share.
pub(crate) fn rate(part: i64, whole: i64) -> Option<String> {
    (whole > 0).then(|| format!("{} %", (part * 200 + whole) / (whole * 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(value: serde_json::Value) -> CallStats {
        serde_json::from_value(value).expect("the fields of the document")
    }

    fn sample() -> CallStats {
        stats(serde_json::json!({
            "count": 9, "minutes": 12.5, "cost": { "amount": "1.25", "currency": "USD" },
            "statuses": [{ "status": "COMPLETED", "count": 6 }, { "status": "BUSY", "count": 1 }, { "status": "NO_ANSWER", "count": 2 }],
            "days": [
                { "date": "2026-11-20", "count": 3, "statuses": [{ "status": "COMPLETED", "count": 3 }], "minutes": 4.0, "cost": null },
                { "date": "2026-11-22", "count": 6, "statuses": [{ "status": "BUSY", "count": 6 }], "minutes": 8.5, "cost": null }
            ],
            "payers": [
                { "clientName": "Dental", "payer": "CLIENT", "count": 5, "minutes": 8.0, "cost": { "amount": "1.00" } },
                { "clientName": null, "payer": "AGENCY", "count": 3, "minutes": 4.0, "cost": { "amount": "0.20" } },
                { "clientName": "Vet", "payer": "AGENCY", "count": 1, "minutes": 0.5, "cost": { "amount": "0.05" } }
            ],
            "failures": [
                { "endCause": "BUSY", "code": null, "count": 2 }, { "endCause": null, "code": "NO_FUNDS", "count": 1 },
                { "endCause": "NO_FUNDS", "code": null, "count": 4 }, { "endCause": null, "code": null, "count": 1 }
            ]
        }))
    }

    /// Days without a call stand in the chart as nothing, and not as if time had jumped.
    #[test]
    fn empty_days_are_there() {
        let all = sample();
        let days = every_day(&all.days, Some(20_775), 20_780, 400);
        let totals: Vec<i64> = days.iter().map(Day::total).collect();
        assert_eq!(totals, [0, 0, 3, 0, 6, 0]);
        assert_eq!(every_day(&all.days, None, 20_780, 400).len(), 4);
        assert_eq!(every_day(&all.days, Some(0), 20_780, 30).len(), 30);
        assert_eq!(every_day(&[], None, 20_780, 30).len(), 1);
        assert_eq!(count_of(&all, Outcome::Unanswered), 3);
    }

    #[test]
    fn what_is_behind_the_largest_is_put_together() {
        let all = sample();
        let rows = paid(&all.payers, "The agency itself", 2);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (
                rows[1].name.as_str(),
                rows[1].count,
                rows[1].tenths,
                rows[1].micros
            ),
            ("2 others", 4, 45, Some(250_000))
        );
        assert_eq!(
            paid(&all.payers, "The agency itself", 9)[1].name,
            "The agency itself"
        );
    }

    #[test]
    fn reasons_that_read_alike_are_one() {
        let reasons = reasons(&sample().failures);
        let read: Vec<(&str, i64)> = reasons.iter().map(|it| (it.name, it.count)).collect();
        assert_eq!(
            read,
            [
                ("The account had no funds", 5),
                ("Busy", 2),
                ("Nobody told why", 1)
            ]
        );
        assert_eq!(reasons[1].outcome, Outcome::Unanswered);
    }

    #[test]
    fn minutes_and_rates_are_read_by_people() {
        assert_eq!(minutes(tenths(12.5)), "12.5 min");
        assert_eq!(minutes(tenths(1_234.5)), "1,235 min");
        assert_eq!(minutes(40), "4 min");
        assert_eq!(rate(2, 3).as_deref(), Some("67 %"));
        assert_eq!(rate(0, 0), None);
    }
}
