//! Why a list of what was imported holds nothing, and what to check (S2): no key, an import under way, one that failed, a key
//! that may not list these things, or an account without any. It reads what the server says of the keys and their last imports.

use crate::api::enums::{Capability, CapabilityState, Provider, SyncState};
use crate::api::standing::Standing;
use crate::logic::provider_name::provider_name;

/// The texts of one list.
#[derive(Debug)]
pub(crate) struct EmptyList {
    /// Before anything is connected.
    pub(crate) title: &'static str,
    /// What will be here, and why.
    pub(crate) lead: &'static str,
    /// What the list holds.
    pub(crate) noun: &'static str,
    /// What a key needs to bring them.
    pub(crate) capability: Capability,
    /// What to do where the account holds none.
    pub(crate) advice: &'static str,
}

/// Where the one action of the empty page leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Save the first key.
    Connect,
    /// Look at the keys.
    ApiKeys,
    /// Look at what the imports did.
    SyncHistory,
}

/// What an empty page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmptyWords {
    /// What is so.
    pub(crate) title: String,
    /// Why, and what to check.
    pub(crate) text: String,
    /// What to do.
    pub(crate) next: NextStep,
    /// An import is under way, so that the list is worth asking for again.
    pub(crate) is_filling: bool,
}

/// The words for an empty list.
pub(crate) fn why_empty(standing: &Standing, list: &EmptyList) -> EmptyWords {
    let noun = list.noun;
    let words = |title: String, text: String, next| EmptyWords {
        title,
        text,
        next,
        is_filling: false,
    };
    let keys = &standing.provider_keys.nodes;
    let Some(first) = keys.first() else {
        return words(
            list.title.to_owned(),
            list.lead.to_owned(),
            NextStep::Connect,
        );
    };
    let with_state = |wanted: &[SyncState]| {
        keys.iter().find(|key| {
            key.latest_sync_run
                .as_ref()
                .is_some_and(|run| wanted.contains(&run.state))
        })
    };
    let underway = [SyncState::Queued, SyncState::Running, SyncState::Waiting];
    if let Some(key) = with_state(&underway) {
        let name = provider_name(key.provider);
        return EmptyWords {
            is_filling: true,
            ..words(
                format!("{name} is being read"),
                format!("The {noun} appear here as they are read. You can leave this page."),
                NextStep::SyncHistory,
            )
        };
    }
    let may_not = keys.iter().find(|key| {
        key.capabilities
            .iter()
            .any(|c| c.capability == list.capability && c.state == CapabilityState::No)
    });
    if let Some(key) = may_not {
        let name = provider_name(key.provider);
        return words(
            format!("The {name} key may not list {noun}"),
            format!(
                "Give the key that right at {name}, or replace it with one that has it, then sync again."
            ),
            NextStep::ApiKeys,
        );
    }
    if let Some(key) = with_state(&[SyncState::Failed]) {
        return words(
            format!("The last {} sync failed", provider_name(key.provider)),
            format!("No {noun} were imported. The sync history says what happened and what to do."),
            NextStep::SyncHistory,
        );
    }
    let hint = keys
        .iter()
        .find_map(|key| key.latest_sync_run.as_ref()?.hint.clone());
    let name = account_of(first.provider, keys.len());
    words(
        format!("The last sync found no {noun}"),
        hint.unwrap_or_else(|| format!("{name} holds no {noun}. {}", list.advice)),
        NextStep::ApiKeys,
    )
}

fn account_of(provider: Provider, keys: usize) -> String {
    if keys == 1 {
        format!("The {} account", provider_name(provider))
    } else {
        "None of the connected accounts".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: EmptyList = EmptyList {
        title: "No numbers yet",
        lead: "Lead.",
        noun: "numbers",
        capability: Capability::ListNumbers,
        advice: "Buy one.",
    };

    fn standing(keys: &serde_json::Value) -> Standing {
        let data = serde_json::json!({ "providers": [], "providerKeys": { "nodes": keys } });
        serde_json::from_value(data).expect("the fields of the document")
    }

    fn key(state: &str, may: &str, hint: Option<&str>) -> serde_json::Value {
        serde_json::json!({
            "provider": "VAPI", "capabilities": [{ "capability": "LIST_NUMBERS", "state": may }],
            "latestSyncRun": { "id": "r", "state": state, "hint": hint }
        })
    }

    fn title(keys: &serde_json::Value) -> (String, NextStep) {
        let words = why_empty(&standing(keys), &NUMBERS);
        (words.title, words.next)
    }

    /// S2: an empty result says what to check.
    #[test]
    fn an_empty_list_says_why_and_what_to_do() {
        let told = title(&serde_json::json!([]));
        assert_eq!(told, ("No numbers yet".to_owned(), NextStep::Connect));
        let told = title(&serde_json::json!([key("RUNNING", "YES", None)]));
        assert_eq!(
            told,
            ("Vapi is being read".to_owned(), NextStep::SyncHistory)
        );
        let told = title(&serde_json::json!([key("SUCCEEDED", "NO", None)]));
        assert_eq!(
            told,
            (
                "The Vapi key may not list numbers".to_owned(),
                NextStep::ApiKeys
            )
        );
        let told = title(&serde_json::json!([key("FAILED", "YES", None)]));
        assert_eq!(
            told,
            (
                "The last Vapi sync failed".to_owned(),
                NextStep::SyncHistory
            )
        );
    }

    #[test]
    fn the_servers_hint_wins_over_our_own() {
        let hinted = serde_json::json!([key("SUCCEEDED", "YES", Some("Check the organisation."))]);
        let words = why_empty(&standing(&hinted), &NUMBERS);
        assert_eq!(words.text, "Check the organisation.");
        let plain = serde_json::json!([key("SUCCEEDED", "YES", None)]);
        let words = why_empty(&standing(&plain), &NUMBERS);
        assert_eq!(words.text, "The Vapi account holds no numbers. Buy one.");
        assert_eq!(words.title, "The last sync found no numbers");
    }
}
