//! Reading what providers send. A nested part with an unexpected shape reads as absent, because one odd agent must not
//! hide ten thousand others; ids and the lists themselves stay strict. It knows no provider.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a part that may be absent, null or of another shape.
pub(super) fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}
