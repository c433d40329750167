//! What a clearing would stop (K8), read again while its dialog is open: whether it asks for more than the person has agreed
//! to by typing the provider's name. The server compares every id; here are only the counts and names that were on the page.

use crate::api::provider_keys::KeyImpact;
use crate::logic::number::counted;

/// Whether anything would stop, so that a name is typed first. Agents that go over to another key do not stop.
pub(crate) fn stops_anything(impact: &KeyImpact) -> bool {
    impact.agent_count > 0 || impact.phone_number_count > 0
}

/// What clearing the key does, in a sentence or two; `agency_mask` is the mask of the key that a client goes over to.
pub(crate) fn consequence(
    impact: &KeyImpact,
    provider: &str,
    is_of_client: bool,
    agency_mask: Option<&str>,
) -> String {
    let numbers = counted(impact.phone_number_count, "number", "numbers");
    let stops = match (impact.agent_count, impact.phone_number_count) {
        (0, 0) if impact.moving_agent_count > 0 => String::new(),
        (0, 0) => format!(
            "Nothing uses this key. Clearing it stops nothing; {provider} can be connected again at any time."
        ),
        (0, _) => format!(
            "{numbers} can no longer be used from here until a {provider} key of the account is saved again."
        ),
        (count, 0) => format!(
            "{} being reachable until a {provider} key of the account is saved again.",
            counted(count, "agent stops", "agents stop")
        ),
        (1, _) => format!(
            "1 agent stops being reachable, and {numbers} with it, until a {provider} key is saved again."
        ),
        (count, _) => format!(
            "{} stop being reachable, and {numbers} with them, until a {provider} key is saved again.",
            counted(count, "agent", "agents")
        ),
    };
    let moves = (is_of_client && impact.moving_agent_count > 0).then(|| {
        let agents = match impact.moving_agent_count {
            1 => "Its 1 agent goes".to_owned(),
            count => format!("Its {} go", counted(count, "agent", "agents")),
        };
        let mask = agency_mask.map_or_else(String::new, |mask| format!(" {mask}"));
        format!("{agents} over to the agency's key{mask}, which pays from then on.")
    });
    [moves.unwrap_or_default(), stops]
        .into_iter()
        .filter(|sentence| !sentence.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether everything that stops now was on the page before. Fewer numbers may go on answering: some were detached.
pub(crate) fn is_covered_by(now: &KeyImpact, before: &KeyImpact) -> bool {
    now.agent_count == before.agent_count
        && now.agents == before.agents
        && now.moving_agent_count == before.moving_agent_count
        && now.clients == before.clients
        && now.phone_number_count == before.phone_number_count
        && now.answering_number_count <= before.answering_number_count
        && (before.answering_number_count > count(before)
            || now
                .answering_numbers
                .iter()
                .all(|number| before.answering_numbers.contains(number)))
}

/// How many of the answering numbers are listed; the rest is only counted.
fn count(impact: &KeyImpact) -> i64 {
    i64::try_from(impact.answering_numbers.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impact(agents: i64, first_agent: &str, numbers: &[&str]) -> KeyImpact {
        let answering: Vec<_> = numbers
            .iter()
            .map(|id| serde_json::json!({ "id": id, "number": null, "sipUri": null, "name": id, "agent": null }))
            .collect();
        let text = serde_json::json!({
            "agentCount": agents, "agents": [{ "id": first_agent, "name": first_agent }], "phoneNumberCount": 3,
            "movingAgentCount": 0, "clientCount": 0, "clients": [],
            "answeringNumbers": answering, "answeringNumberCount": numbers.len(), "acknowledgement": "differs each time"
        });
        serde_json::from_value(text).expect("the fields of the document")
    }

    /// K8: what a failed detach leaves asks for nothing new; anything else does.
    #[test]
    fn only_fewer_numbers_need_no_new_confirmation() {
        let before = impact(40, "a", &["x", "y"]);
        assert!(is_covered_by(&before, &before));
        assert!(is_covered_by(&impact(40, "a", &["y"]), &before));
        assert!(is_covered_by(&impact(40, "a", &[]), &before));
        for (what, now) in [
            ("more agents", impact(43, "a", &["y"])),
            ("fewer agents", impact(39, "a", &["y"])),
            ("another agent", impact(40, "b", &["y"])),
            ("another number", impact(40, "a", &["z"])),
            ("more numbers", impact(40, "a", &["x", "y", "z"])),
        ] {
            assert!(!is_covered_by(&now, &before), "{what}");
        }
    }

    /// R3, K8: a client's agents that the agency's account holds go over to its key; the others stop.
    #[test]
    fn a_client_goes_over_to_the_agencys_key() {
        let mut impact = impact(0, "a", &[]);
        (impact.moving_agent_count, impact.phone_number_count) = (8, 0);
        assert_eq!(
            consequence(&impact, "Vapi", true, Some("…k7Qd")),
            "Its 8 agents go over to the agency's key …k7Qd, which pays from then on."
        );
        assert!(!stops_anything(&impact));
        impact.agent_count = 2;
        assert_eq!(
            consequence(&impact, "Vapi", true, None),
            "Its 8 agents go over to the agency's key, which pays from then on. 2 agents stop being reachable until a Vapi key of the account is saved again."
        );
        assert!(stops_anything(&impact));
    }
}
