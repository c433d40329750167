//! The words of a sync: what it reads now and how far it is, what it brought when it ended, and when the live region
//! speaks (checklist 22). It knows nothing of sockets and clocks.

use crate::api::enums::{ErrorCode, SyncChangeField, SyncPhase, SyncState, SyncTrigger};
use crate::api::sync_runs::SyncRun;
use crate::logic::number::{counted, grouped};

/// How far a run is, such as `Agents 3,400 of 10,000`.
pub(crate) fn progress(run: &SyncRun) -> String {
    let noun = match run.phase {
        _ if run.state == SyncState::Queued => return "Waiting to start".to_owned(),
        Some(SyncPhase::Agents) => "Agents",
        Some(SyncPhase::AgentDetails) => "Reading details:",
        Some(SyncPhase::PhoneNumbers) => "Numbers",
        Some(SyncPhase::Voices) => "Voices",
        Some(SyncPhase::MissingAgents) => "Checking agents that were not listed:",
        Some(SyncPhase::Unknown) | None => return "Starting".to_owned(),
    };
    match run.total {
        Some(total) => format!("{noun} {} of {}", grouped(run.done), grouped(total)),
        None => format!("{noun} {}", grouped(run.done)),
    }
}

/// Done of total from 0 to 1; `None` while the total is unknown.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of agents are far below the precision of f64"
)]
pub(crate) fn fraction(run: &SyncRun) -> Option<f64> {
    let total = run.total.filter(|total| *total > 0)?;
    Some((run.done as f64 / total as f64).clamp(0.0, 1.0))
}

/// What the account holds, such as `10,000 agents, 12 numbers, 40 voices`.
pub(crate) fn contents(run: &SyncRun) -> String {
    format!(
        "{}, {}, {}",
        counted(run.agent_count, "agent", "agents"),
        counted(run.phone_number_count, "number", "numbers"),
        counted(run.voice_count, "voice", "voices")
    )
}

/// What the run changed, such as `3 added, 1 no longer there`; `No changes` when nothing did.
pub(crate) fn changes(run: &SyncRun) -> String {
    let parts: Vec<String> = [
        (run.added_count, "added"),
        (run.changed_count, "changed"),
        (run.gone_count, "no longer there"),
        (run.returned_count, "returned"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", grouped(count)))
    .collect();
    if parts.is_empty() {
        "No changes".to_owned()
    } else {
        parts.join(", ")
    }
}

/// What started a run.
pub(crate) fn started_by(trigger: SyncTrigger) -> &'static str {
    match trigger {
        SyncTrigger::KeySaved => "Key saved",
        SyncTrigger::Manual => "Sync now",
        SyncTrigger::Schedule => "Schedule",
        SyncTrigger::Unknown => "Something newer than this page",
    }
}

/// How a run stands or how it ended, in one line.
pub(crate) fn result(run: &SyncRun) -> String {
    match run.state {
        SyncState::Queued | SyncState::Running => progress(run),
        SyncState::Waiting => run
            .waiting_reason
            .clone()
            .unwrap_or_else(|| "Waiting for the provider".to_owned()),
        SyncState::NeedsConfirmation => not_listed(run),
        SyncState::Failed => run
            .error
            .as_ref()
            .map(|error| error.message.clone())
            .unwrap_or_default(),
        SyncState::Succeeded if run.hint.is_some() => found_nothing(run).to_owned(),
        SyncState::Succeeded => changes(run),
        SyncState::Unknown => String::new(),
    }
}

/// What a run that found no agents is called; the server says in its hint what to check.
pub(crate) fn found_nothing(run: &SyncRun) -> &'static str {
    if run.phone_number_count > 0 {
        "Found no agents"
    } else {
        "Found nothing"
    }
}

/// What a run asks about, such as `15 of 40 agents were not listed any more`.
pub(crate) fn not_listed(run: &SyncRun) -> String {
    let missing = run.pending_removal_count;
    let verb = if missing == 1 { "was" } else { "were" };
    format!(
        "{} of {} {verb} not listed any more",
        grouped(missing),
        counted(active_before(run), "agent", "agents"),
    )
}

/// How many agents of the account were active before this run: those that it listed and had not to add or bring back, and those
/// that it did not list.
fn active_before(run: &SyncRun) -> i64 {
    run.agent_count - run.added_count - run.returned_count + run.pending_removal_count
}

/// In what something is different, such as `Prompt, Voice`.
pub(crate) fn fields(fields: &[SyncChangeField]) -> String {
    let words: Vec<&str> = fields
        .iter()
        .map(|field| match field {
            SyncChangeField::Name => "Name",
            SyncChangeField::Prompt => "Prompt",
            SyncChangeField::FirstMessage => "First message",
            SyncChangeField::Voice => "Voice",
            SyncChangeField::Language => "Language",
            SyncChangeField::Model => "Model",
            SyncChangeField::Number => "Number",
            SyncChangeField::SipUri => "SIP address",
            SyncChangeField::Carrier => "Carrier",
            SyncChangeField::Status => "Status",
            SyncChangeField::Agent => "Answered by",
            SyncChangeField::Unknown => "Something else",
        })
        .collect();
    words.join(", ")
}

/// The agents whose details could not be read; `None` when all could.
pub(crate) fn unread_details(run: &SyncRun) -> Option<String> {
    (run.unread_detail_count > 0).then(|| {
        format!(
            "The details of {} could not be read. They keep what was known; the next sync tries again.",
            counted(run.unread_detail_count, "agent", "agents")
        )
    })
}

/// What a failed run means for the key and for what was imported before; the server's sentence says what failed.
pub(crate) fn after_failure(code: Option<ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::KeyRejected) => {
            "What was imported before stays, but its agents are out of reach until then."
        }
        Some(ErrorCode::NoFunds) => {
            "The key stays in use, and what was imported before stays. Its agents cannot call until then."
        }
        Some(ErrorCode::MissingPermission) => {
            "The key stays in use, and what was imported before stays."
        }
        // The key was replaced or cleared, or does not open.
        Some(ErrorCode::Conflict | ErrorCode::KeyUnreadable) => "What was imported before stays.",
        _ => "The key is not affected, and what was imported before stays.",
    }
}

/// What the live region says when a run goes from one state to the next: at the start, at each quarter, when it waits,
/// asks or ends; `None` in between.
pub(crate) fn announcement(
    before: Option<&SyncRun>,
    now: &SyncRun,
    provider: &str,
) -> Option<String> {
    let state_changed =
        before.is_none_or(|before| before.state != now.state || before.id != now.id);
    match now.state {
        SyncState::Succeeded if state_changed => {
            Some(format!("{provider} sync ended. {}.", contents(now)))
        }
        SyncState::Failed if state_changed => Some(format!("{provider} sync failed.")),
        SyncState::NeedsConfirmation if state_changed => {
            Some(format!("{provider} sync asks: {}.", not_listed(now)))
        }
        SyncState::Waiting if state_changed => Some(format!("{provider} sync is waiting.")),
        SyncState::Queued | SyncState::Running
            if before.is_none_or(|before| before.id != now.id) =>
        {
            Some(format!("{provider} sync started."))
        }
        SyncState::Running => {
            let quarter = quarter(now);
            let is_new = before
                .is_none_or(|before| before.phase != now.phase || self::quarter(before) != quarter);
            (is_new && quarter > 0).then(|| progress(now))
        }
        _ => None,
    }
}

fn quarter(run: &SyncRun) -> u8 {
    match fraction(run) {
        Some(part) if part >= 1.0 => 4,
        Some(part) if part >= 0.75 => 3,
        Some(part) if part >= 0.5 => 2,
        Some(part) if part >= 0.25 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: &str, done: i64, total: Option<i64>) -> SyncRun {
        let text = serde_json::json!({
            "id": "r1", "provider": "VAPI", "trigger": "MANUAL", "state": state, "phase": "AGENTS", "done": done, "total": total,
            "agentCount": 10_000, "phoneNumberCount": 1, "voiceCount": 40, "addedCount": 3, "changedCount": 0, "goneCount": 1,
            "returnedCount": 0, "pendingRemovalCount": 60, "unreadDetailCount": 0, "createdAt": "2026-11-21T09:15:00.000Z"
        });
        serde_json::from_value(text).expect("the fields of the fragment")
    }

    /// S2: phase, done of total.
    #[test]
    fn progress_reads_as_done_of_total() {
        assert_eq!(
            progress(&run("RUNNING", 3_400, Some(10_000))),
            "Agents 3,400 of 10,000"
        );
        assert_eq!(progress(&run("RUNNING", 3_400, None)), "Agents 3,400");
        assert_eq!(progress(&run("QUEUED", 0, None)), "Waiting to start");
        assert_eq!(fraction(&run("RUNNING", 5, Some(10))), Some(0.5));
        assert_eq!(fraction(&run("RUNNING", 0, Some(0))), None);
    }

    /// S8: what a run changed.
    #[test]
    fn an_ended_run_says_what_it_brought() {
        let run = run("SUCCEEDED", 0, None);
        assert_eq!(contents(&run), "10,000 agents, 1 number, 40 voices");
        assert_eq!(changes(&run), "3 added, 1 no longer there");
    }

    /// S3: the question says how many of how many.
    #[test]
    fn a_question_counts_what_is_missing_of_what_was_there() {
        let asks = SyncRun {
            agent_count: 28,
            ..run("NEEDS_CONFIRMATION", 0, None)
        };
        // 28 listed, of which 3 are new; 60 are missing.
        assert_eq!(result(&asks), "60 of 85 agents were not listed any more");
    }

    /// S8: a changed agent says in what.
    #[test]
    fn a_change_names_its_fields() {
        let changed = [SyncChangeField::Prompt, SyncChangeField::FirstMessage];
        assert_eq!(fields(&changed), "Prompt, First message");
        let unread = SyncRun {
            unread_detail_count: 2,
            ..run("SUCCEEDED", 0, None)
        };
        assert!(
            unread_details(&unread).is_some_and(|text| text.starts_with("The details of 2 agents"))
        );
        assert_eq!(unread_details(&run("SUCCEEDED", 0, None)), None);
    }

    #[test]
    fn a_run_reads_as_one_line() {
        assert_eq!(result(&run("RUNNING", 5, Some(10))), "Agents 5 of 10");
        assert_eq!(
            result(&run("SUCCEEDED", 0, None)),
            "3 added, 1 no longer there"
        );
        let mut empty = SyncRun {
            hint: Some("Check the key.".to_owned()),
            ..run("SUCCEEDED", 0, None)
        };
        assert_eq!(result(&empty), "Found no agents");
        empty.phone_number_count = 0;
        assert_eq!(result(&empty), "Found nothing");
    }

    /// S5, R7: a failed sync undoes no key, but a provider that refuses the key has changed its health.
    #[test]
    fn a_failure_says_what_it_means_for_the_key() {
        use ErrorCode::{
            Conflict, KeyRejected, KeyUnreadable, MissingPermission, NoFunds, ProviderUnreachable,
        };
        for code in [
            KeyRejected,
            NoFunds,
            MissingPermission,
            Conflict,
            KeyUnreadable,
        ] {
            let text = after_failure(Some(code));
            assert!(!text.contains("not affected"), "{code:?}: {text}");
            assert!(text.contains("imported before stays"), "{code:?}: {text}");
        }
        assert!(after_failure(Some(KeyRejected)).contains("out of reach"));
        for code in [Some(ProviderUnreachable), None] {
            assert!(after_failure(code).starts_with("The key is not affected"));
        }
    }

    /// Checklist 22: the live region speaks at the start, at each quarter and at the end, and not in between.
    #[test]
    fn the_live_region_speaks_at_quarters_only() {
        let at = |done| run("RUNNING", done, Some(100));
        assert_eq!(
            announcement(None, &at(0), "Vapi").as_deref(),
            Some("Vapi sync started.")
        );
        assert_eq!(announcement(Some(&at(0)), &at(10), "Vapi"), None);
        assert_eq!(
            announcement(Some(&at(10)), &at(26), "Vapi").as_deref(),
            Some("Agents 26 of 100")
        );
        assert_eq!(announcement(Some(&at(26)), &at(49), "Vapi"), None);
        assert_eq!(
            announcement(Some(&at(99)), &at(100), "Vapi").as_deref(),
            Some("Agents 100 of 100")
        );
        let asks = run("NEEDS_CONFIRMATION", 0, None);
        assert_eq!(
            announcement(Some(&at(100)), &asks, "Vapi").as_deref(),
            Some("Vapi sync asks: 60 of 10,057 agents were not listed any more.")
        );
        let ended = run("SUCCEEDED", 0, None);
        assert!(
            announcement(Some(&at(100)), &ended, "Vapi")
                .is_some_and(|text| text.starts_with("Vapi sync ended."))
        );
        assert_eq!(announcement(Some(&ended), &ended, "Vapi"), None);
    }
}
