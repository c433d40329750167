//! The texts about clients: what is wrong with a name, what archiving stops, and what became of agents that were given to one.
//! Each says whose agents, what is so now, and what to do next; the counts come from the server.

use crate::logic::number::{counted, grouped};
use crate::logic::outcome::Words;

/// So many characters a client's name may have; the server holds the same limit.
pub(crate) const LONGEST_NAME: usize = 120;

/// What is wrong with a name as it was typed.
pub(crate) fn name_error(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("Enter a name.".to_owned())
    } else if name.chars().count() > LONGEST_NAME {
        Some(format!("Use at most {LONGEST_NAME} characters."))
    } else {
        None
    }
}

/// What being archived means for the agents of a client.
pub(crate) fn archived(agents: i64) -> String {
    match agents {
        0 => "It has no agents. Nothing is deleted.".to_owned(),
        1 => "Its agent has no route until it is restored. Nothing is deleted.".to_owned(),
        agents => format!(
            "Its {} agents have no route until it is restored. Nothing is deleted.",
            grouped(agents)
        ),
    }
}

/// What became of agents that were given to a client, or back to the agency.
pub(crate) fn assigned(count: i64, client: Option<&str>) -> String {
    let (agents, verb) = (
        counted(count, "agent", "agents"),
        if count == 1 { "works" } else { "work" },
    );
    match client {
        Some(name) => format!("{agents} {verb} for {name} now."),
        None => format!("{agents} {verb} for the agency itself now."),
    }
}

/// Why some of the assigned agents cannot call, and what to do; `None` when all of them can.
pub(crate) fn cannot_call(unreachable: i64, assigned: i64, client: Option<&str>) -> Option<Words> {
    if unreachable == 0 {
        return None;
    }
    let title = match (unreachable, assigned) {
        (1, 1) => "It cannot call".to_owned(),
        (some, all) if some == all => "None of them can call".to_owned(),
        (some, all) => format!("{} of the {} cannot call", grouped(some), grouped(all)),
    };
    let text = match client {
        Some(name) => format!(
            "{name}'s own key for their provider was refused or opens an account that does not hold them, or there is no key at all. Save a key of the account that they live in."
        ),
        None => "The agency's key for their provider was refused or opens an account that does not hold them, or there is none. Save a key of the account that they live in.".to_owned(),
    };
    Some(Words::new(title, text))
}

/// What to do next for a client, as its overview says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// It is archived: restore it.
    Restore,
    /// It has no agents.
    AssignAgents,
    /// Some of its agents cannot call.
    LookAtAgents,
    /// It has no key of its own.
    SaveKey,
    /// Nothing is left to do.
    Nothing,
}

/// The next step of a client with so many agents, so many of which cannot call, and so many keys of its own.
pub(crate) fn next_step(
    is_archived: bool,
    agents: i64,
    unreachable: i64,
    own_keys: usize,
) -> NextStep {
    if is_archived {
        NextStep::Restore
    } else if agents == 0 {
        NextStep::AssignAgents
    } else if unreachable > 0 {
        NextStep::LookAtAgents
    } else if own_keys == 0 {
        NextStep::SaveKey
    } else {
        NextStep::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P1: a name is refused with its reason before it is sent.
    #[test]
    fn a_name_is_refused_with_its_reason() {
        assert_eq!(name_error("Northside Dental"), None);
        assert_eq!(name_error(&"é".repeat(LONGEST_NAME)), None);
        assert_eq!(name_error("").as_deref(), Some("Enter a name."));
        assert!(name_error(&"x".repeat(LONGEST_NAME + 1)).is_some());
    }

    /// P1: archiving says how many agents stop.
    #[test]
    fn archiving_says_how_many_agents_stop() {
        assert_eq!(
            archived(1_200),
            "Its 1,200 agents have no route until it is restored. Nothing is deleted."
        );
        assert!(archived(1).starts_with("Its agent has no route"));
        assert!(archived(0).starts_with("It has no agents"));
    }

    /// R5: what cannot call is told with its count, never passed over.
    #[test]
    fn what_cannot_call_is_told_with_its_count() {
        assert_eq!(cannot_call(0, 12, None), None);
        let title = |some, all| cannot_call(some, all, Some("X")).map(|words| words.title);
        assert_eq!(title(3, 12).as_deref(), Some("3 of the 12 cannot call"));
        assert_eq!(title(12, 12).as_deref(), Some("None of them can call"));
        assert_eq!(title(1, 1).as_deref(), Some("It cannot call"));
        assert_eq!(assigned(1, Some("X")), "1 agent works for X now.");
        assert_eq!(
            assigned(1_200, None),
            "1,200 agents work for the agency itself now."
        );
    }

    /// R1: the overview leads from no agents over broken routes to a key of the client's own.
    #[test]
    fn the_next_step_follows_what_is_missing() {
        assert_eq!(next_step(true, 0, 0, 0), NextStep::Restore);
        assert_eq!(next_step(false, 0, 0, 1), NextStep::AssignAgents);
        assert_eq!(next_step(false, 5, 1, 0), NextStep::LookAtAgents);
        assert_eq!(next_step(false, 5, 0, 0), NextStep::SaveKey);
        assert_eq!(next_step(false, 5, 0, 1), NextStep::Nothing);
    }
}
