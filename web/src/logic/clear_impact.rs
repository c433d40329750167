//! What a clearing would stop (K8), read again while its dialog is open: whether it asks for more than the person has agreed
//! to by typing the provider's name. The server compares every id; here are only the counts and names that were on the page.

use crate::api::provider_keys::KeyImpact;

/// Whether everything that stops now was on the page before. Fewer numbers may go on answering: some were detached.
pub(crate) fn is_covered_by(now: &KeyImpact, before: &KeyImpact) -> bool {
    now.agent_count == before.agent_count
        && now.agents == before.agents
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
}
