//! From what a provider answered to harmless requests to what is known of a key (K3, K4). Pure, and the same for every
//! provider: which requests those are is the business of the provider's own folder.

use super::{
    Capability, CapabilityState, ProviderError, RemoteAccount, Validation, ValidationOutcome,
};

/// Whether an answer proves that the provider accepts the key: it gave what was asked for, or knows that there is nothing
/// left to pay it with.
pub(super) fn is_accepted<'a>(
    results: impl IntoIterator<Item = &'a Result<(), ProviderError>>,
) -> bool {
    results
        .into_iter()
        .any(|result| matches!(result, Ok(()) | Err(ProviderError::NoFunds { .. })))
}

/// What the probes of an accepted key say together. A probe that could not be asked leaves its capability unknown; a key
/// that works elsewhere is not rejected by a refusal, it may not do this. Nothing without side effects tells whether a key
/// may place calls.
pub(super) fn summarise(
    account: Option<RemoteAccount>,
    probes: impl IntoIterator<Item = (Capability, Result<(), ProviderError>)>,
) -> Validation {
    let mut capabilities = Vec::new();
    let mut lacking = None;
    let mut unfunded = None;
    for (capability, result) in probes {
        let state = match result {
            Ok(()) => CapabilityState::Yes,
            Err(
                ProviderError::MissingPermission { message, .. }
                | ProviderError::InvalidKey { message },
            ) => {
                lacking = lacking.or(Some(message));
                CapabilityState::No
            }
            Err(ProviderError::NoFunds { message }) => {
                unfunded = unfunded.or(Some(message));
                CapabilityState::Unknown
            }
            Err(_) => CapabilityState::Unknown,
        };
        capabilities.push((capability, state));
    }
    capabilities.push((Capability::PlaceCalls, CapabilityState::Unknown));
    let (outcome, message) = match (unfunded, lacking) {
        (Some(message), _) => (ValidationOutcome::NoFunds, message),
        (None, Some(message)) => (ValidationOutcome::LacksPermission, message),
        (None, None) => (ValidationOutcome::Works, None),
    };
    Validation {
        account,
        capabilities,
        outcome,
        message,
    }
}
