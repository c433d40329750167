//! The agency's own API keys and the switch for all of them. A key itself comes with the one answer that made it and is kept
//! nowhere.

use crate::api::enums::{ApiKeyScope, ApiKeyState};
use crate::api::{ApiError, DateTime, operation, send};

/// A day in UTC, such as `2026-11-21`.
type Date = String;

operation!(ListApiKeys, "src/api/api_keys/list_api_keys.graphql");
operation!(GenerateApiKey, "src/api/api_keys/generate_api_key.graphql");
operation!(RotateApiKey, "src/api/api_keys/rotate_api_key.graphql");
operation!(RevokeApiKey, "src/api/api_keys/revoke_api_key.graphql");
operation!(
    UpdateApiAccess,
    "src/api/api_keys/update_api_access.graphql"
);

pub(crate) use generate_api_key::GenerateApiKeyInput;
pub(crate) use list_api_keys::{
    ListApiKeysApiAccess as Access, ListApiKeysApiKeys as ApiKey, ResponseData as KeysAndAccess,
};

/// A key that was made, as the one answer shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MadeKey {
    pub(crate) secret: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<ApiKeyScope>,
    /// Until when the key that it replaced works beside it.
    pub(crate) overlap_ends_at: Option<DateTime>,
}

/// All keys, those in use first, and whether scripts get in with them.
pub(crate) async fn list(agency: &str) -> Result<KeysAndAccess, ApiError> {
    send::<ListApiKeys>(agency, list_api_keys::Variables {}).await
}

/// Makes a key; one in use of its name is refused from then on.
pub(crate) async fn generate(
    agency: &str,
    input: GenerateApiKeyInput,
) -> Result<MadeKey, ApiError> {
    let answer = send::<GenerateApiKey>(agency, generate_api_key::Variables { input }).await?;
    let made = answer.generate_api_key;
    Ok(MadeKey {
        secret: made.secret,
        name: made.api_key.name,
        scopes: made.api_key.scopes,
        overlap_ends_at: None,
    })
}

/// Puts another key in the place of one in use, which works on for so many hours.
pub(crate) async fn rotate(
    agency: &str,
    id: String,
    overlap_hours: i64,
) -> Result<MadeKey, ApiError> {
    let input = rotate_api_key::RotateApiKeyInput {
        api_key_id: id,
        overlap_hours: Some(overlap_hours),
    };
    let answer = send::<RotateApiKey>(agency, rotate_api_key::Variables { input }).await?;
    let made = answer.rotate_api_key;
    Ok(MadeKey {
        secret: made.secret,
        name: made.api_key.name,
        scopes: made.api_key.scopes,
        overlap_ends_at: made.previous_api_key.ends_at,
    })
}

/// Revokes a key.
pub(crate) async fn revoke(agency: &str, id: String) -> Result<(), ApiError> {
    let input = revoke_api_key::RevokeApiKeyInput { api_key_id: id };
    send::<RevokeApiKey>(agency, revoke_api_key::Variables { input }).await?;
    Ok(())
}

/// Lets scripts in, or keeps them all out.
pub(crate) async fn switch(agency: &str, is_on: bool) -> Result<(), ApiError> {
    let input = update_api_access::UpdateApiAccessInput { is_on };
    send::<UpdateApiAccess>(agency, update_api_access::Variables { input }).await?;
    Ok(())
}
