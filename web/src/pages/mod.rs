//! The screens, one file or folder each. A page puts pieces of `components` together, loads through `loader`, asks through
//! `api` and takes its words from `logic`; it writes no fetch and no error decoding.

pub(crate) mod agents;
pub(crate) mod alerts;
pub(crate) mod api_keys;
pub(crate) mod assign;
pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod home;
pub(crate) mod integrations;
pub(crate) mod listing;
pub(crate) mod log_in;
pub(crate) mod not_found;
pub(crate) mod numbers;
pub(crate) mod overview;
pub(crate) mod portal;
pub(crate) mod set_up;
pub(crate) mod sync_history;
pub(crate) mod sync_review;
pub(crate) mod sync_strip;
pub(crate) mod test_call;
pub(crate) mod webhooks;
pub(crate) mod welcome;
