//! The way of an agent's calls as a line of stops (R6): what was passed over, what is taken, where it ends and who can mend that.
//! The server decides the route and writes its sentences; here it is only put in order. A viewer who may see no account
//! gets the same line without names.

use crate::api::enums::{KeyScope, RouteBlockCode, RouteDoubt, RouteState, RouteStationState};
use crate::api::routes::{Route, RouteStation};
use crate::logic::phone;
use crate::logic::provider_name::provider_name;

/// How a stop is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The call goes over it.
    Taken,
    /// The call goes over it and is likely to be refused.
    Doubted,
    /// The call ends here.
    Blocked,
    /// Looked at and not used.
    PassedOver,
    /// Behind the stop where the call ends.
    NotReached,
}

/// One stop of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    /// How it is drawn.
    pub(crate) mark: Mark,
    /// What it is.
    pub(crate) title: String,
    /// The mask of its key, for those who may see it.
    pub(crate) mask: Option<String>,
    /// Its state in a word or two.
    pub(crate) word: &'static str,
    /// Why, in a sentence; empty where the word says it all.
    pub(crate) text: String,
    /// Whether the call goes on from here to the next stop.
    pub(crate) goes_on: bool,
}

/// Where what blocks a route is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Settings → API keys.
    AgencyKeys,
    /// The API keys of the client with this id.
    ClientKeys(String),
    /// The client with this id.
    Client(String),
}

/// The stops, from the first key that is looked at to the provider.
pub(crate) fn stops(route: &Route) -> Vec<Stop> {
    let block = route.block.as_ref().map(|block| block.code);
    let mut stops = Vec::new();
    if block == Some(RouteBlockCode::ClientArchived) {
        let text = "None of its agents has a route until it is restored.";
        stops.push(stop(Mark::Blocked, client_name(route), "Archived", text));
    }
    let last = route.stations.len().saturating_sub(1);
    for (index, station) in route.stations.iter().enumerate() {
        stops.push(key_stop(route, station, index == last));
    }
    stops.push(account_stop(route, block));
    stops.push(provider_stop(route, block));
    draw_line(&mut stops);
    stops
}

/// Who pays for a call, in a sentence.
pub(crate) fn payer(route: &Route) -> String {
    let provider = provider_name(route.provider);
    if route.state == RouteState::Blocked {
        return match route.payer {
            Some(KeyScope::Client) => {
                "Nothing is dialled, so nobody pays. The agency's key is not used instead."
            }
            _ => "Nothing is dialled, so nobody pays.",
        }
        .to_owned();
    }
    let account = route.account.as_ref().map_or_else(
        || format!("its {provider} account"),
        |account| format!("its {provider} account {}", account.name),
    );
    match doubt_word(route.doubt) {
        Some(_) => {
            format!(
                "The call is tried over {account}, and {provider} is likely to refuse it. No other key is used instead."
            )
        }
        None => whose_account(route),
    }
}

/// Whose account a call would be paid from, in a sentence.
pub(crate) fn whose_account(route: &Route) -> String {
    let provider = provider_name(route.provider);
    let whose = match route.payer {
        Some(KeyScope::Client) => client_name(route),
        _ => "The agency".to_owned(),
    };
    match &route.account {
        Some(account) => format!(
            "{whose} pays, over its {provider} account {}.",
            account.name
        ),
        None => format!("{whose} pays, over its {provider} account."),
    }
}

/// The state of the whole route in a word or two.
pub(crate) fn state_word(state: RouteState) -> &'static str {
    match state {
        RouteState::Ready => "Can call",
        RouteState::Doubtful => "Likely refused",
        RouteState::Blocked => "Cannot call",
        RouteState::Unknown => "Unknown",
    }
}

/// Where to mend what blocks the route or makes it doubtful; `None` when nothing does.
pub(crate) fn place(route: &Route) -> Option<Place> {
    if route.state == RouteState::Ready {
        return None;
    }
    let client = route.client.as_ref().map(|client| client.id.clone());
    let code = route.block.as_ref().map(|block| block.code);
    Some(match (code, route.payer, client) {
        (Some(RouteBlockCode::ClientArchived), _, Some(id)) => Place::Client(id),
        (_, Some(KeyScope::Client), Some(id)) => Place::ClientKeys(id),
        _ => Place::AgencyKeys,
    })
}

fn stop(mark: Mark, title: impl Into<String>, word: &'static str, text: impl Into<String>) -> Stop {
    Stop {
        mark,
        title: title.into(),
        mask: None,
        word,
        text: text.into(),
        goes_on: false,
    }
}

fn client_name(route: &Route) -> String {
    route
        .client
        .as_ref()
        .map_or_else(|| "The client".to_owned(), |client| client.name.clone())
}

/// Whether the block lies behind the key: in its account, or at the agent there.
fn is_behind_the_key(code: RouteBlockCode) -> bool {
    matches!(
        code,
        RouteBlockCode::AccountMismatch | RouteBlockCode::AgentInactive
    )
}

fn key_stop(route: &Route, station: &RouteStation, is_last: bool) -> Stop {
    let provider = provider_name(route.provider);
    let title = match station.scope {
        KeyScope::Client => format!("{}'s own {provider} key", client_name(route)),
        KeyScope::Agency | KeyScope::Unknown => format!("The agency's {provider} key"),
    };
    let code = route.block.as_ref().map(|block| block.code);
    let reason = station.reason.clone();
    let mut stop = match (station.state, code) {
        (RouteStationState::NotStored, Some(RouteBlockCode::NoKey)) if is_last => {
            stop(Mark::Blocked, title, "No key", reason)
        }
        (RouteStationState::NotStored, _) => stop(Mark::PassedOver, title, "None stored", reason),
        (RouteStationState::PassedOver, _) => stop(Mark::PassedOver, title, "Passed over", reason),
        (_, Some(RouteBlockCode::ClientArchived)) => {
            stop(Mark::NotReached, title, "Not reached", "")
        }
        (_, Some(code)) if is_behind_the_key(code) => stop(
            Mark::Taken,
            title,
            "Taken",
            "This key counts for the agent's calls.",
        ),
        (RouteStationState::Blocked, code) => stop(
            Mark::Blocked,
            title,
            blocked_word(code),
            "The call ends here.",
        ),
        _ => match doubt_word(route.doubt) {
            Some(word) => stop(Mark::Doubted, title, word, reason),
            None => stop(Mark::Taken, title, "Taken", reason),
        },
    };
    stop.mask = station.key.as_ref().and_then(|key| key.masked_key.clone());
    stop
}

fn blocked_word(code: Option<RouteBlockCode>) -> &'static str {
    match code {
        Some(RouteBlockCode::KeyUnreadable) => "Cannot be opened",
        Some(RouteBlockCode::BreakerOpen) => "Rejected",
        Some(RouteBlockCode::CannotPlaceCalls) => "May not call",
        _ => "Blocked",
    }
}

fn doubt_word(doubt: Option<RouteDoubt>) -> Option<&'static str> {
    Some(match doubt? {
        RouteDoubt::KeyRefused => "Refused at the last check",
        RouteDoubt::NoFunds => "Out of funds",
        RouteDoubt::RateLimited => "Rate limited",
        RouteDoubt::Unreachable => "No answer at the last check",
        RouteDoubt::Unknown => "Doubtful",
    })
}

fn account_stop(route: &Route, block: Option<RouteBlockCode>) -> Stop {
    let provider = provider_name(route.provider);
    let name = route.account.as_ref().map(|account| account.name.clone());
    let title = name.clone().map_or_else(
        || "The key's account".to_owned(),
        |name| format!("Account {name}"),
    );
    match block {
        None | Some(RouteBlockCode::AgentInactive) => {
            stop(Mark::Taken, title, "Holds the agent", "")
        }
        Some(RouteBlockCode::AccountMismatch) => {
            let homes: Vec<&str> = route
                .other_accounts
                .iter()
                .flatten()
                .map(|account| account.name.as_str())
                .collect();
            let text = match name {
                Some(name) if !homes.is_empty() => format!(
                    "The key opens {name}, and the agent lives in {}.",
                    homes.join(" and in ")
                ),
                _ => format!(
                    "The agent lives in another {provider} account than the one that this key opens."
                ),
            };
            stop(Mark::Blocked, title, "Another account", text)
        }
        Some(_) => stop(Mark::NotReached, title, "Not reached", ""),
    }
}

fn provider_stop(route: &Route, block: Option<RouteBlockCode>) -> Stop {
    let provider = provider_name(route.provider);
    match block {
        None => {
            let number = route.from_number.as_ref().and_then(|number| {
                let number = number.number.as_deref().map(phone::formatted);
                number.or_else(|| route.from_number.as_ref()?.sip_uri.clone())
            });
            let text = number.map_or_else(
                || "From the number that the call names; the agent answers none here.".to_owned(),
                |number| format!("From {number}, unless the call names another number."),
            );
            stop(Mark::Taken, provider, "Places the call", text)
        }
        Some(RouteBlockCode::AgentInactive) => stop(
            Mark::Blocked,
            provider,
            "Agent not there",
            "The call ends here.",
        ),
        Some(_) => stop(Mark::NotReached, provider, "Not reached", ""),
    }
}

/// The line is drawn through from the first stop that the call is at to the last.
fn draw_line(stops: &mut [Stop]) {
    let is_on_the_way =
        |stop: &Stop| matches!(stop.mark, Mark::Taken | Mark::Doubted | Mark::Blocked);
    let first = stops.iter().position(is_on_the_way).unwrap_or(usize::MAX);
    let last = stops.iter().rposition(is_on_the_way).unwrap_or(0);
    for (index, stop) in stops.iter_mut().enumerate() {
        stop.goes_on = index >= first && index < last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn station(scope: &str, state: &str, mask: Option<&str>) -> Value {
        let key = mask.map(|mask| {
            json!({ "health": "VALID", "isReadable": true, "isBreakerOpen": false, "maskedKey": mask })
        });
        json!({ "scope": scope, "state": state, "reason": "Because.", "key": key })
    }

    fn route(state: &str, stations: &[Value], more: &Value) -> Route {
        let mut route = json!({
            "state": state, "provider": "VAPI", "payer": null, "stations": stations, "block": null, "doubt": null,
            "client": { "id": "c1", "name": "Dental" }, "account": null, "otherAccounts": null, "fromNumber": null,
        });
        for (name, value) in more.as_object().expect("an object") {
            route[name] = value.clone();
        }
        serde_json::from_value(route).expect("the fields of the document")
    }

    fn marks(route: &Route) -> Vec<(Mark, bool)> {
        stops(route)
            .iter()
            .map(|stop| (stop.mark, stop.goes_on))
            .collect()
    }

    /// R1, R6: what is passed over is hollow, and the line goes through it to the account of the key that counts.
    #[test]
    fn the_line_leads_past_a_key_that_is_passed_over() {
        let stations = [
            station("CLIENT", "TAKEN", Some("…x4Rm")),
            station("AGENCY", "PASSED_OVER", Some("…k7Qd")),
        ];
        let route = route(
            "READY",
            &stations,
            &json!({ "payer": "CLIENT", "account": { "name": "Two" } }),
        );
        assert_eq!(
            marks(&route),
            [
                (Mark::Taken, true),
                (Mark::PassedOver, true),
                (Mark::Taken, true),
                (Mark::Taken, false)
            ]
        );
        assert_eq!(payer(&route), "Dental pays, over its Vapi account Two.");
        assert_eq!(place(&route), None);
    }

    /// R3, R6: where the client has no key, the line begins at the agency's.
    #[test]
    fn the_line_begins_at_the_key_that_counts() {
        let stations = [
            station("CLIENT", "NOT_STORED", None),
            station("AGENCY", "TAKEN", None),
        ];
        let route = route("READY", &stations, &json!({ "payer": "AGENCY" }));
        assert_eq!(
            marks(&route)[..2],
            [(Mark::PassedOver, false), (Mark::Taken, true)]
        );
        assert_eq!(payer(&route), "The agency pays, over its Vapi account.");
    }

    /// R5: a mismatch is drawn at the account and names both; without the right to see them it names none.
    #[test]
    fn a_mismatch_names_both_accounts_to_those_who_may_see_them() {
        let stations = [
            station("CLIENT", "BLOCKED", None),
            station("AGENCY", "PASSED_OVER", None),
        ];
        let block =
            json!({ "code": "ACCOUNT_MISMATCH", "message": "It does not.", "fix": "Do it." });
        let named = json!({
            "payer": "CLIENT", "block": block, "account": { "name": "Two" }, "otherAccounts": [{ "name": "One" }]
        });
        let named = route("BLOCKED", &stations, &named);
        assert_eq!(
            marks(&named),
            [
                (Mark::Taken, true),
                (Mark::PassedOver, true),
                (Mark::Blocked, false),
                (Mark::NotReached, false)
            ]
        );
        assert_eq!(
            stops(&named)[2].text,
            "The key opens Two, and the agent lives in One."
        );
        assert_eq!(place(&named), Some(Place::ClientKeys("c1".to_owned())));
        let unnamed = route(
            "BLOCKED",
            &stations,
            &json!({ "payer": "CLIENT", "block": block }),
        );
        assert_eq!(
            stops(&unnamed)[2].text,
            "The agent lives in another Vapi account than the one that this key opens."
        );
    }

    /// R2, R8: a refused key ends the line at the key itself, and nobody pays.
    #[test]
    fn a_refused_key_ends_the_line() {
        let stations = [
            station("CLIENT", "BLOCKED", None),
            station("AGENCY", "PASSED_OVER", None),
        ];
        let block = json!({ "code": "BREAKER_OPEN", "message": "Refused.", "fix": "Replace it." });
        let route = route(
            "BLOCKED",
            &stations,
            &json!({ "payer": "CLIENT", "block": block }),
        );
        assert_eq!(
            marks(&route),
            [
                (Mark::Blocked, false),
                (Mark::PassedOver, false),
                (Mark::NotReached, false),
                (Mark::NotReached, false)
            ]
        );
        assert_eq!(
            payer(&route),
            "Nothing is dialled, so nobody pays. The agency's key is not used instead."
        );
    }

    /// R6: a doubt is amber at the key, and the call is tried over it alone.
    #[test]
    fn a_doubt_stands_at_the_key() {
        let stations = [station("AGENCY", "TAKEN", None)];
        let route = route(
            "DOUBTFUL",
            &stations,
            &json!({ "payer": "AGENCY", "doubt": "NO_FUNDS", "client": null }),
        );
        let first = &stops(&route)[0];
        assert_eq!((first.mark, first.word), (Mark::Doubted, "Out of funds"));
        assert_eq!(place(&route), Some(Place::AgencyKeys));
    }

    /// R6: an archived client stands before its keys, and no key at all is red at the last one that was asked.
    #[test]
    fn an_archived_client_and_a_missing_key_are_where_the_line_ends() {
        let stations = [
            station("CLIENT", "NOT_STORED", None),
            station("AGENCY", "NOT_STORED", None),
        ];
        let missing =
            json!({ "block": { "code": "NO_KEY", "message": "None.", "fix": "Save one." } });
        let missing = route("BLOCKED", &stations, &missing);
        assert_eq!(
            marks(&missing)[..3],
            [
                (Mark::PassedOver, false),
                (Mark::Blocked, false),
                (Mark::NotReached, false)
            ]
        );
        let archived = [
            station("CLIENT", "NOT_STORED", None),
            station("AGENCY", "BLOCKED", None),
        ];
        let block = json!({ "code": "CLIENT_ARCHIVED", "message": "Archived.", "fix": "Restore." });
        let archived = route(
            "BLOCKED",
            &archived,
            &json!({ "payer": "AGENCY", "block": block }),
        );
        assert_eq!(
            marks(&archived)[..3],
            [
                (Mark::Blocked, false),
                (Mark::PassedOver, false),
                (Mark::NotReached, false)
            ]
        );
        assert_eq!(place(&archived), Some(Place::Client("c1".to_owned())));
    }
}
