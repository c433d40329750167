//! C5: whatever order reports come in, a call ends in the same place.

use proptest::prelude::*;

use super::*;
use crate::providers::CallDirection;

const NOW: i64 = 1_768_478_400_000;

/// A call that was just written down.
fn begun() -> Progress {
    Progress {
        state: State::Placing,
        provider_status: String::new(),
        ended_reason: None,
        end_cause: None,
        started_at: None,
        ended_at: None,
        duration_ms: None,
        cost: None,
        is_settled: false,
    }
}

fn report(status: CallStatus) -> RemoteCall {
    let is_over = status.is_final();
    RemoteCall {
        remote_id: "call_1".to_owned(),
        call_id: None,
        account_id: None,
        direction: Some(CallDirection::Outbound),
        to: None,
        from: None,
        number_remote_id: None,
        agent_remote_id: None,
        provider_status: status.as_str().to_owned(),
        status,
        is_over,
        ended_reason: is_over.then(|| "customer-ended-call".to_owned()),
        end_cause: is_over.then_some(EndCause::CustomerHungUp),
        created_at_ms: None,
        started_at_ms: Some(NOW + 2_000),
        ended_at_ms: is_over.then_some(NOW + 62_000),
        duration_ms: is_over.then_some(60_000),
        cost: is_over.then_some(CallCost {
            micros: 71_500,
            currency: "USD",
        }),
        is_whole: is_over,
    }
}

fn told(reports: &[RemoteCall]) -> Progress {
    let now = Timestamp::from_millis(NOW);
    reports
        .iter()
        .fold(begun(), |progress, report| progress.after(report, now))
}

/// C5: a late report of an earlier place moves nothing back, and still tells when the call began.
#[test]
fn a_late_report_moves_nothing_back() {
    let late = told(&[report(CallStatus::Completed), report(CallStatus::Ringing)]);
    assert_eq!(late.state, State::Completed);
    assert_eq!(late.started_at, Some(Timestamp::from_millis(NOW + 2_000)));
    assert!(late.is_settled);
}

/// C5: a word that nobody knows is no success: the call is unknown, and over where the provider says so.
#[test]
fn an_unknown_word_is_never_a_success() {
    let mut odd = report(CallStatus::Unknown("evaporated".to_owned()));
    odd.provider_status = "evaporated".to_owned();
    odd.is_over = true;
    let progress = told(&[report(CallStatus::Queued), odd.clone()]);
    assert_eq!(progress.state, State::Queued);
    assert_eq!(progress.ended_at, Some(Timestamp::from_millis(NOW)));
    let progress = told(&[odd]);
    assert_eq!(
        (progress.state, progress.provider_status.as_str()),
        (State::Unknown, "evaporated")
    );
}

/// C4: a call that was given up as unconfirmed goes on when its provider tells of it after all.
#[test]
fn an_unconfirmed_call_goes_on_when_it_is_told_of() {
    let mut given_up = begun();
    given_up.state = State::Unconfirmed;
    let now = Timestamp::from_millis(NOW);
    for status in [CallStatus::Queued, CallStatus::Completed] {
        let wanted = state_of(&status);
        assert_eq!(given_up.after(&report(status), now).state, wanted);
    }
}

/// C5: what a call cost and how long it took only grows: an older report that is delivered last takes nothing back.
#[test]
fn an_older_amount_takes_nothing_back() {
    let mut older = report(CallStatus::Completed);
    older.cost = Some(CallCost {
        micros: 10,
        currency: "USD",
    });
    older.duration_ms = None;
    let progress = told(&[report(CallStatus::Completed), older]);
    assert_eq!(progress.cost.unwrap().micros, 71_500);
    assert_eq!(progress.duration_ms, Some(60_000));
}

/// The reports of one call, of which some are missing and some come again.
fn deliveries() -> impl Strategy<Value = Vec<RemoteCall>> {
    let ends = prop_oneof![
        Just(CallStatus::Completed),
        Just(CallStatus::Busy),
        Just(CallStatus::NoAnswer),
        Just(CallStatus::Failed),
        Just(CallStatus::Canceled),
    ];
    ends.prop_flat_map(|end| {
        let all = vec![
            report(CallStatus::Queued),
            report(CallStatus::Ringing),
            report(CallStatus::InProgress),
            report(end),
        ];
        prop::sample::subsequence(all, 1..=4)
            .prop_flat_map(|some| {
                let again = prop::sample::subsequence(some.clone(), 0..=some.len());
                again.prop_map(move |again| [some.clone(), again].concat())
            })
            .prop_shuffle()
    })
}

proptest! {
    /// C5: late, lost, duplicate and out-of-order reports: the call is where its furthest report says, with all that any of
    /// them told.
    #[test]
    fn the_order_of_reports_does_not_matter(reports in deliveries()) {
        let mut sorted = reports.clone();
        sorted.sort_by_key(|report| state_of(&report.status).rank());
        let (one, other) = (told(&reports), told(&sorted));
        prop_assert_eq!(&one, &other);
        let furthest = sorted.last().map(|report| state_of(&report.status));
        prop_assert_eq!(Some(one.state), furthest);
        prop_assert_eq!(one.is_settled, one.state.rank() == 4);
    }
}

/// C5: each state is kept under a name that leads back to it.
#[test]
fn each_state_is_read_as_it_was_written() {
    for state in State::ALL {
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
    assert_eq!(State::parse("evaporated"), None);
}
