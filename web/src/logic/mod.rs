//! Pure rules of the screens: texts of times, numbers and phone numbers, what a pasted key may look like, the words
//! for each outcome, the state of a list in its URL. Nothing here touches the browser or the server, so that all of it
//! is tested natively.

pub(crate) mod api_key_words;
pub(crate) mod breaker_words;
pub(crate) mod call_figures;
pub(crate) mod call_filter;
pub(crate) mod call_words;
pub(crate) mod carrier;
pub(crate) mod chart;
pub(crate) mod clear_impact;
pub(crate) mod client_words;
pub(crate) mod csv;
pub(crate) mod empty_words;
pub(crate) mod first_call;
pub(crate) mod hand_in_words;
pub(crate) mod key_preview;
pub(crate) mod key_text;
pub(crate) mod list_state;
pub(crate) mod model_name;
pub(crate) mod money;
pub(crate) mod number;
pub(crate) mod outcome;
pub(crate) mod password;
pub(crate) mod people_words;
pub(crate) mod phone;
pub(crate) mod placement_words;
pub(crate) mod portal_words;
pub(crate) mod provider_name;
pub(crate) mod query_string;
pub(crate) mod route_line;
pub(crate) mod selection;
pub(crate) mod sync_words;
pub(crate) mod test_call_words;
pub(crate) mod time;
pub(crate) mod webhook_words;
