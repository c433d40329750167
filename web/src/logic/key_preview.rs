//! The words of a preview (K9): how the account of a key that is not stored relates to the one in use, whose agents stop,
//! return or are new, and where the very same key is stored (K11). It must not promise more than the server has read.

use crate::api::enums::{AccountRelation, KeyHealth};
use crate::api::provider_keys::{KeyPreview, PreviewFate};
use crate::logic::number::{counted, grouped};

/// How many agents of each fate are named.
const NAMED_AGENTS: usize = 5;

/// What stops, in one sentence; it stands first.
pub(crate) fn consequence(preview: &KeyPreview) -> String {
    match preview.becoming_unreachable.count + preview.going_inactive.count {
        0 if preview.returning.count > 0 => format!(
            "Nothing stops, and {} can call again.",
            counted(preview.returning.count, "agent", "agents")
        ),
        0 => "Nothing that works now stops.".to_owned(),
        1 => "1 agent can no longer call.".to_owned(),
        count => format!("{} agents can no longer call.", grouped(count)),
    }
}

/// How the key's account relates to the one in use.
pub(crate) fn account(preview: &KeyPreview, provider: &str) -> String {
    let name = preview
        .account
        .as_ref()
        .map(|account| account.name.as_str());
    match (preview.relation, name) {
        (AccountRelation::Same, Some(name)) => format!("Same account, {name}."),
        (AccountRelation::Same, None) => "Same account as the one in use.".to_owned(),
        (AccountRelation::Other, Some(name)) => {
            format!("Another account: {name}. Only what it holds can be called with this key.")
        }
        (AccountRelation::Other, None) => {
            "Another account than the one in use. Only what it holds can be called with this key."
                .to_owned()
        }
        (AccountRelation::First, Some(name)) => format!("It opens the account {name}."),
        (AccountRelation::First, None) => format!("{provider} names no account for it."),
        (AccountRelation::Unknown, _) => {
            "Nothing proves that it opens the account in use, so it counts as another one."
                .to_owned()
        }
    }
}

/// How many agents the key lists, and how much of its account that is.
pub(crate) fn listed(preview: &KeyPreview) -> String {
    let agents = counted(preview.listed_agent_count, "agent", "agents");
    let new = match (preview.listed_agent_count, preview.new_agent_count) {
        (0, _) => String::new(),
        (_, 0) => ", all of them known here".to_owned(),
        (_, new) => format!(", {} of them new here", grouped(new)),
    };
    if preview.is_complete {
        format!("It lists {agents}{new}.")
    } else {
        format!(
            "It lists {agents}{new}, and not the whole account within 20 seconds. Agents that it did not list count as being there."
        )
    }
}

/// What becomes of agents: the sentence, and the names of the first.
pub(crate) fn fates(preview: &KeyPreview) -> Vec<(String, String)> {
    let told = |fate: &PreviewFate, one: &str, many: &str| {
        (fate.count > 0).then(|| {
            let sentence = if fate.count == 1 {
                one.to_owned()
            } else {
                format!("{} {many}", grouped(fate.count))
            };
            (sentence, names(fate))
        })
    };
    [
        told(
            &preview.becoming_unreachable,
            "1 agent is not in this account and cannot be called with this key.",
            "agents are not in this account and cannot be called with this key.",
        ),
        told(
            &preview.going_inactive,
            "1 agent is not listed by this key and becomes inactive.",
            "agents are not listed by this key and become inactive.",
        ),
        told(
            &preview.returning,
            "1 agent can call again.",
            "agents can call again.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn names(fate: &PreviewFate) -> String {
    let names: Vec<&str> = fate
        .agents
        .iter()
        .take(NAMED_AGENTS)
        .map(|agent| agent.name.as_str())
        .collect();
    let rest = fate.count - i64::try_from(names.len()).unwrap_or(i64::MAX);
    match rest {
        ..=0 => names.join(", "),
        rest => format!("{} and {} more", names.join(", "), grouped(rest)),
    }
}

/// Where the very same key is stored too (K11); `None` when it is stored nowhere else. A place is a client's name, or none for
/// the agency.
pub(crate) fn same_key<'a>(places: impl Iterator<Item = Option<&'a str>>) -> Option<String> {
    let places: Vec<String> = places
        .map(|client| {
            client.map_or_else(|| "the agency's own".to_owned(), |name| format!("{name}'s"))
        })
        .collect();
    (!places.is_empty()).then(|| {
        format!(
            "The very same key is stored as {} too.",
            places.join(" and ")
        )
    })
}

/// What the key lacks although it is accepted; `None` when it works.
pub(crate) fn health(health: KeyHealth, provider: &str) -> Option<String> {
    match health {
        KeyHealth::NoFunds => Some(format!(
            "{provider} accepts the key, and its account has no funds."
        )),
        KeyHealth::Limited => Some(format!(
            "{provider} accepts the key, and it lacks a permission."
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn preview(relation: &str, unreachable: i64, more: &serde_json::Value) -> KeyPreview {
        let agents: Vec<_> = (0..unreachable.min(20))
            .map(|number| json!({ "name": format!("Agent {number}") }))
            .collect();
        let mut text = json!({
            "health": "VALID", "maskedKey": "…x4Rm", "relation": relation, "account": { "name": "Two" }, "isComplete": true,
            "listedAgentCount": 12, "newAgentCount": 12, "becomingUnreachable": { "count": unreachable, "agents": agents },
            "goingInactive": { "count": 0, "agents": [] }, "returning": { "count": 0, "agents": [] },
            "stopsAnything": unreachable > 0, "sameKeys": [],
        });
        for (name, value) in more.as_object().expect("an object") {
            text[name] = value.clone();
        }
        serde_json::from_value(text).expect("the fields of the document")
    }

    /// K9: another account says which, how many agents stop, and names the first of them.
    #[test]
    fn another_account_names_what_stops() {
        let preview = preview("OTHER", 40, &json!({}));
        assert_eq!(consequence(&preview), "40 agents can no longer call.");
        assert_eq!(
            account(&preview, "Vapi"),
            "Another account: Two. Only what it holds can be called with this key."
        );
        assert_eq!(
            fates(&preview),
            [(
                "40 agents are not in this account and cannot be called with this key.".to_owned(),
                "Agent 0, Agent 1, Agent 2, Agent 3, Agent 4 and 35 more".to_owned()
            )]
        );
    }

    /// K9: what is not proven is not said, and a list that was cut short says so.
    #[test]
    fn nothing_is_said_that_was_not_read() {
        let same = preview("SAME", 0, &json!({ "newAgentCount": 0 }));
        assert_eq!(consequence(&same), "Nothing that works now stops.");
        assert_eq!(account(&same, "Vapi"), "Same account, Two.");
        assert_eq!(listed(&same), "It lists 12 agents, all of them known here.");
        let cut = preview(
            "UNKNOWN",
            0,
            &json!({ "isComplete": false, "account": null }),
        );
        assert!(account(&cut, "Bland").starts_with("Nothing proves"));
        assert!(
            listed(&cut).contains("not the whole account"),
            "{}",
            listed(&cut)
        );
    }

    /// K9: agents that come back are good news.
    #[test]
    fn agents_that_return_are_told() {
        let returning = json!({ "returning": { "count": 1, "agents": [{ "name": "Ada" }] } });
        let preview = preview("OTHER", 0, &returning);
        assert_eq!(
            consequence(&preview),
            "Nothing stops, and 1 agent can call again."
        );
        assert_eq!(fates(&preview)[0].1, "Ada");
    }

    /// K11: the same key in two places is pointed out by whose it is.
    #[test]
    fn the_same_key_elsewhere_is_pointed_out() {
        assert_eq!(same_key([].into_iter()), None);
        assert_eq!(
            same_key([None, Some("Dental")].into_iter()).as_deref(),
            Some("The very same key is stored as the agency's own and Dental's too.")
        );
    }
}
