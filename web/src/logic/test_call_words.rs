//! The words before a call is placed by hand: who pays, about how much, from which number, and what stands in the way. The
//! route is the server's; that a provider dials from a number of the account only is known of each.

use crate::api::calls::CallStats;
use crate::api::enums::{Permission, Provider, RouteState};
use crate::api::routes::Route;
use crate::logic::call_figures::tenths;
use crate::logic::money;
use crate::logic::outcome::Words;
use crate::logic::phone;
use crate::logic::provider_name::provider_name;

/// Tenths of minutes that a price is judged by, at the least.
const ENOUGH: i64 = 10;

/// What may be done with calls by a viewer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights {
    /// Sees how calls go.
    pub(crate) sees_calls: bool,
    /// Sees what they cost.
    pub(crate) sees_costs: bool,
    /// Sees the way of a call before it is placed.
    pub(crate) sees_route: bool,
}

impl Rights {
    /// Of whoever has these permissions.
    pub(crate) fn of(may: impl Fn(Permission) -> bool) -> Self {
        Self {
            sees_calls: may(Permission::ViewCalls),
            sees_costs: may(Permission::ViewCallCosts),
            sees_route: may(Permission::UseAgents),
        }
    }
}

/// What calls cost a minute, by those that were placed, such as `about $0.12 a minute`; none where that is not known.
pub(crate) fn per_minute(stats: &CallStats) -> Option<String> {
    let cost = stats.cost.as_ref()?;
    let (micros, tenths) = (money::micros(&cost.amount)?, tenths(stats.minutes));
    // What short calls cost says nothing about a minute: providers round up.
    if micros <= 0 || tenths < ENOUGH {
        return None;
    }
    let minute = micros.saturating_mul(10) / tenths;
    Some(format!(
        "about {} a minute",
        money::short(minute, &cost.currency)
    ))
}

/// The number that the call comes from, as people read it.
pub(crate) fn from_number(route: &Route) -> String {
    let number = route.from_number.as_ref();
    let text = number.and_then(|it| {
        it.number
            .as_deref()
            .map(phone::formatted)
            .or_else(|| it.sip_uri.clone())
    });
    text.unwrap_or_else(|| match route.provider {
        Provider::Bland => "a number that Bland lends".to_owned(),
        _ => "none".to_owned(),
    })
}

/// Why nothing would be dialled, and how to mend it.
pub(crate) fn obstacle(route: &Route) -> Option<Words> {
    if let Some(block) = &route.block {
        return Some(Words::new(&*block.message, &*block.fix));
    }
    let provider = provider_name(route.provider);
    let needs_number = matches!(route.provider, Provider::Vapi | Provider::Retell);
    (route.state != RouteState::Blocked && needs_number && route.from_number.is_none()).then(|| {
        Words::new(
            "There is no number to call from",
            format!("{provider} dials only from a number of the account. Attach one to this agent at {provider}, then sync."),
        )
    })
}

/// The button that places the call.
pub(crate) fn button(price: Option<&str>) -> String {
    match price {
        Some(price) => format!("Place call · {price}"),
        None => "Place call · costs money".to_owned(),
    }
}

/// What is wrong with a number before it is sent.
pub(crate) fn number_error(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("Enter the number to call.".to_owned());
    }
    phone::e164(text)
        .is_none()
        .then(|| "Write the number with its country code, such as +1 555 123 4567.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(more: &serde_json::Value) -> Route {
        let mut route = serde_json::json!({
            "state": "READY", "provider": "VAPI", "payer": "AGENCY", "stations": [], "block": null, "doubt": null, "client": null,
            "account": null, "otherAccounts": null, "fromNumber": { "number": "+14155550123", "sipUri": null }
        });
        let (Some(fields), Some(more)) = (route.as_object_mut(), more.as_object()) else {
            panic!("both are objects");
        };
        fields.extend(more.clone());
        serde_json::from_value(route).expect("the fields of the document")
    }

    fn stats(minutes: f64, amount: &str) -> CallStats {
        let stats = serde_json::json!({
            "count": 1, "minutes": minutes, "cost": { "amount": amount, "currency": "USD" },
            "statuses": [], "days": [], "payers": [], "failures": []
        });
        serde_json::from_value(stats).expect("the fields of the document")
    }

    #[test]
    fn the_price_is_what_calls_have_cost() {
        assert_eq!(
            per_minute(&stats(10.0, "1.2")).as_deref(),
            Some("about $0.12 a minute")
        );
        assert_eq!(per_minute(&stats(0.9, "1.2")), None);
        assert_eq!(per_minute(&stats(10.0, "0")), None);
        assert_eq!(button(None), "Place call · costs money");
    }

    /// R6: what blocks a call is said with its fix, and so is a number that lacks.
    #[test]
    fn what_stands_in_the_way_is_said_with_its_fix() {
        assert_eq!(obstacle(&route(&serde_json::json!({}))), None);
        assert_eq!(
            from_number(&route(&serde_json::json!({}))),
            "+1 415 555 0123"
        );
        let without = route(&serde_json::json!({ "fromNumber": null }));
        let words = obstacle(&without).expect("Vapi needs a number");
        assert!(words.text.contains("Attach one"));
        let lent = route(&serde_json::json!({ "fromNumber": null, "provider": "BLAND" }));
        assert_eq!(obstacle(&lent), None);
        assert_eq!(from_number(&lent), "a number that Bland lends");
        let blocked = route(&serde_json::json!({
            "state": "BLOCKED", "block": { "code": "NO_KEY", "message": "No key.", "fix": "Save one." }
        }));
        assert_eq!(obstacle(&blocked), Some(Words::new("No key.", "Save one.")));
    }

    /// C2: a number without its country code is seen before anything is sent.
    #[test]
    fn a_wrong_number_is_seen_before_it_is_sent() {
        assert!(number_error("").is_some() && number_error("555 123").is_some());
        assert_eq!(number_error("+1 (555) 123-4567"), None);
    }
}
