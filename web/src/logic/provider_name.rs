//! The providers' own spelling of their names and their slugs in query strings. Everything else about a provider comes
//! from the server's catalogue.

use crate::api::enums::Provider;
use crate::logic::list_state::ListState;

/// As the provider writes itself.
pub(crate) fn provider_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Vapi => "Vapi",
        Provider::Retell => "Retell",
        Provider::Bland => "Bland",
        Provider::Unknown => "the provider",
    }
}

/// The value in a query string, such as `?provider=vapi`.
pub(crate) fn slug(provider: Provider) -> &'static str {
    match provider {
        Provider::Vapi => "vapi",
        Provider::Retell => "retell",
        Provider::Bland => "bland",
        Provider::Unknown => "",
    }
}

/// The provider of a query string's value; `None` for anything else.
pub(crate) fn from_slug(text: &str) -> Option<Provider> {
    [Provider::Vapi, Provider::Retell, Provider::Bland]
        .into_iter()
        .find(|provider| slug(*provider) == text)
}

/// The names of all providers in query strings, for the filter of a list.
pub(crate) const SLUGS: [&str; 3] = ["vapi", "retell", "bland"];

/// The provider that a list is narrowed to.
pub(crate) fn filtered(state: &ListState) -> Option<Vec<Provider>> {
    state
        .value("provider")
        .and_then(from_slug)
        .map(|provider| vec![provider])
}
