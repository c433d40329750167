//! The way to the first call: connect a provider, import its agents, have a number that an agent answers, call it. Each step has
//! its true state, derived from what the server says; nothing is ticked off by hand.

/// What the server says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The stored keys.
    pub(crate) key: KeyStanding,
    /// The last sync.
    pub(crate) sync: SyncStanding,
    /// Agents of any status.
    pub(crate) agent_count: i64,
    /// There is an active number that an agent answers.
    pub(crate) has_answered_number: bool,
}

/// How the stored keys stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum KeyStanding {
    /// None is stored.
    #[default]
    Missing,
    /// None of them can be opened and is accepted.
    Broken,
    /// At least one is good for something.
    Working,
}

/// How the last sync stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SyncStanding {
    /// None is under way, and the last one did not fail.
    #[default]
    Quiet,
    /// It runs, waits or asks.
    Underway,
    /// It failed.
    Failed,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Connect a voice provider.
    Connect,
    /// Its agents are imported.
    Import,
    /// A number that an agent answers.
    Number,
    /// Call it.
    Call,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepState {
    /// It is so.
    Done,
    /// It goes on by itself.
    Underway,
    /// It is the person's turn.
    Next,
    /// Something that was done stopped working.
    Blocked,
    /// Another step comes first.
    Later,
}

/// The steps in order with their states.
pub(crate) fn steps(facts: Facts) -> [(Step, StepState); 4] {
    let connect = match facts.key {
        KeyStanding::Working => StepState::Done,
        KeyStanding::Broken => StepState::Blocked,
        KeyStanding::Missing => StepState::Next,
    };
    let import = match facts.sync {
        _ if facts.agent_count > 0 => StepState::Done,
        _ if connect != StepState::Done => StepState::Later,
        SyncStanding::Underway => StepState::Underway,
        SyncStanding::Failed => StepState::Blocked,
        SyncStanding::Quiet => StepState::Next,
    };
    let number = match facts.sync {
        _ if facts.has_answered_number => StepState::Done,
        _ if import != StepState::Done || connect != StepState::Done => StepState::Later,
        SyncStanding::Underway => StepState::Underway,
        SyncStanding::Failed | SyncStanding::Quiet => StepState::Next,
    };
    let is_ready = [connect, import, number]
        .iter()
        .all(|state| *state == StepState::Done);
    let call = if is_ready {
        StepState::Next
    } else {
        StepState::Later
    };
    [
        (Step::Connect, connect),
        (Step::Import, import),
        (Step::Number, number),
        (Step::Call, call),
    ]
}

/// True when everything is in place and only the call itself is left.
pub(crate) fn is_ready(facts: Facts) -> bool {
    steps(facts)[3].1 == StepState::Next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(facts: Facts) -> [StepState; 4] {
        steps(facts).map(|(_, state)| state)
    }

    #[test]
    fn a_fresh_agency_starts_with_its_provider() {
        assert_eq!(
            states(Facts::default()),
            [
                StepState::Next,
                StepState::Later,
                StepState::Later,
                StepState::Later
            ]
        );
    }

    #[test]
    fn a_sync_under_way_needs_nobody() {
        let facts = Facts {
            key: KeyStanding::Working,
            sync: SyncStanding::Underway,
            ..Facts::default()
        };
        assert_eq!(
            states(facts),
            [
                StepState::Done,
                StepState::Underway,
                StepState::Later,
                StepState::Later
            ]
        );
    }

    #[test]
    fn a_failed_or_empty_sync_is_the_persons_turn() {
        let connected = Facts {
            key: KeyStanding::Working,
            ..Facts::default()
        };
        assert_eq!(states(connected)[1], StepState::Next);
        assert_eq!(
            states(Facts {
                sync: SyncStanding::Failed,
                ..connected
            })[1],
            StepState::Blocked
        );
    }

    #[test]
    fn a_rejected_key_opens_the_checklist_again() {
        let facts = Facts {
            key: KeyStanding::Broken,
            agent_count: 12,
            has_answered_number: true,
            ..Facts::default()
        };
        assert_eq!(
            states(facts),
            [
                StepState::Blocked,
                StepState::Done,
                StepState::Done,
                StepState::Later
            ]
        );
        assert!(!is_ready(facts));
    }

    #[test]
    fn with_everything_in_place_only_the_call_is_left() {
        let facts = Facts {
            key: KeyStanding::Working,
            agent_count: 12,
            has_answered_number: true,
            ..Facts::default()
        };
        assert_eq!(
            states(facts),
            [
                StepState::Done,
                StepState::Done,
                StepState::Done,
                StepState::Next
            ]
        );
        assert!(is_ready(facts));
    }
}
