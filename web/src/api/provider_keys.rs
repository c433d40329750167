//! Provider keys: the catalogue with the stored keys, and save, test and clear. A typed key passes through `save` and is
//! dropped with its variables; nothing here keeps it.

use crate::api::enums::{
    AccountRelation, Capability, CapabilityState, Cipher, ErrorCode, KeyHealth, KeyVersionState,
    Provider, Region, SyncPhase, SyncState, SyncTrigger,
};
use crate::api::{ApiError, DateTime, operation, send, send_within};

/// How long a preview is waited for: the server tries the key for ten seconds, then lists its account for twenty.
const PREVIEW_TIMEOUT_MS: u32 = 60_000;
/// How long a clearing is waited for: the server takes up to a minute over detaching the numbers.
const CLEAR_TIMEOUT_MS: u32 = 90_000;

operation!(
    /// The catalogue and the stored keys. What only some roles may see is asked for only with `$details`.
    ListProviderKeys, "src/api/provider_keys/list_provider_keys.graphql"
);
operation!(
    GetClearImpact,
    "src/api/provider_keys/get_clear_impact.graphql"
);
operation!(
    SaveProviderKey,
    "src/api/provider_keys/save_provider_key.graphql"
);
operation!(
    TestProviderKey,
    "src/api/provider_keys/test_provider_key.graphql"
);
operation!(
    ClearProviderKey,
    "src/api/provider_keys/clear_provider_key.graphql"
);
operation!(
    PreviewProviderKey,
    "src/api/provider_keys/preview_provider_key.graphql"
);
operation!(ListVersions, "src/api/provider_keys/list_versions.graphql");
operation!(
    RollBackProviderKey,
    "src/api/provider_keys/roll_back_provider_key.graphql"
);

pub(crate) use clear_provider_key::{
    ClearProviderKeyClearProviderKey as Cleared, ClearProviderKeyInput,
};
pub(crate) use get_clear_impact::{
    GetClearImpactProviderKeysNodesClearImpact as KeyImpact,
    GetClearImpactProviderKeysNodesClearImpactAnsweringNumbers as AnsweringNumber,
};
pub(crate) use list_provider_keys::{
    ListProviderKeysAgencyKeysNodes as AgencyKey, ListProviderKeysProviderKeysNodes as ProviderKey,
    ListProviderKeysProviderKeysNodesSameKeys as SameKey,
    ListProviderKeysProviders as ProviderInfo, ResponseData as KeysPage, SyncRunFields,
};
pub(crate) use list_versions::ListVersionsProviderKeyVersions as KeyVersion;
pub(crate) use preview_provider_key::{
    PreviewFate, PreviewProviderKeyInput, PreviewProviderKeyPreviewProviderKeyPreview as KeyPreview,
};
pub(crate) use roll_back_provider_key::RollBackProviderKeyInput;
pub(crate) use save_provider_key::SaveProviderKeyInput;

/// A key that is to be cleared, with what stops and the version that was read with it (K8).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClearPreview {
    /// Which key.
    pub(crate) provider_key_id: String,
    /// The version that the impact belongs to.
    pub(crate) version: i64,
    /// What stops.
    pub(crate) impact: KeyImpact,
}

/// What a save did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Saved {
    /// What the provider said about the key.
    pub(crate) health: KeyHealth,
    /// Whether an import started (K5).
    pub(crate) has_sync_run: bool,
}

/// The catalogue and the keys of an agency, or of one of its clients with those of the agency that it may be using.
pub(crate) async fn list(
    agency: &str,
    client_id: Option<String>,
    details: bool,
) -> Result<KeysPage, ApiError> {
    let variables = list_provider_keys::Variables { client_id, details };
    send::<ListProviderKeys>(agency, variables).await
}

/// What stops when the key of a provider is cleared, read now; `None` when there is no key any more.
pub(crate) async fn clear_preview(
    agency: &str,
    provider: Provider,
    client_id: Option<String>,
) -> Result<Option<ClearPreview>, ApiError> {
    let variables = get_clear_impact::Variables {
        provider,
        client_id,
    };
    let data = send::<GetClearImpact>(agency, variables).await?;
    Ok(data
        .provider_keys
        .nodes
        .into_iter()
        .next()
        .and_then(|node| {
            Some(ClearPreview {
                provider_key_id: node.id?,
                version: node.version,
                impact: node.clear_impact?,
            })
        }))
}

/// Validates a key at its provider and stores it (K3).
pub(crate) async fn save(agency: &str, input: SaveProviderKeyInput) -> Result<Saved, ApiError> {
    let payload = send::<SaveProviderKey>(agency, save_provider_key::Variables { input })
        .await?
        .save_provider_key;
    Ok(Saved {
        health: payload.provider_key.health,
        has_sync_run: payload.sync_run.is_some(),
    })
}

/// Tries a key and says what would change if it were put in use; nothing is stored (K9).
pub(crate) async fn preview(
    agency: &str,
    input: PreviewProviderKeyInput,
) -> Result<KeyPreview, ApiError> {
    let variables = preview_provider_key::Variables { input };
    Ok(
        send_within::<PreviewProviderKey>(agency, variables, PREVIEW_TIMEOUT_MS)
            .await?
            .preview_provider_key
            .preview,
    )
}

/// The versions of a key, the newest first; also of one that was cleared (K10).
pub(crate) async fn versions(
    agency: &str,
    provider: Provider,
    client_id: Option<String>,
) -> Result<Vec<KeyVersion>, ApiError> {
    let variables = list_versions::Variables {
        provider,
        client_id,
    };
    Ok(send::<ListVersions>(agency, variables)
        .await?
        .provider_key_versions)
}

/// Puts a retired version in use again (K10).
pub(crate) async fn roll_back(
    agency: &str,
    input: RollBackProviderKeyInput,
) -> Result<Saved, ApiError> {
    let payload = send::<RollBackProviderKey>(agency, roll_back_provider_key::Variables { input })
        .await?
        .roll_back_provider_key;
    Ok(Saved {
        health: payload.provider_key.health,
        has_sync_run: payload.sync_run.is_some(),
    })
}

/// Validates the stored key again (K15).
pub(crate) async fn test(agency: &str, provider_key_id: String) -> Result<KeyHealth, ApiError> {
    let input = test_provider_key::TestProviderKeyInput { provider_key_id };
    let payload = send::<TestProviderKey>(agency, test_provider_key::Variables { input }).await?;
    Ok(payload.test_provider_key.provider_key.health)
}

/// Clears a key whose impact has been read (K8).
pub(crate) async fn clear(agency: &str, input: ClearProviderKeyInput) -> Result<Cleared, ApiError> {
    Ok(send_within::<ClearProviderKey>(
        agency,
        clear_provider_key::Variables { input },
        CLEAR_TIMEOUT_MS,
    )
    .await?
    .clear_provider_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ANSWER_TIMEOUT_MS;

    /// K8: a clearing that detaches is not given up while the server is still at it.
    #[test]
    fn a_clearing_is_waited_for_longer_than_the_server_detaches() {
        let server = include_str!("../../../server/src/keys/clear.rs");
        assert!(
            server.contains("const DETACH_TIME: Duration = Duration::from_mins(1);"),
            "the server's time for detaching has changed: change the page's with it"
        );
        assert!(CLEAR_TIMEOUT_MS >= 60_000 + ANSWER_TIMEOUT_MS);
    }
}
