//! What Bland's lists are asked for: page and limit, clamped as Bland does, never refused.

use url::form_urlencoded;

/// The value of a parameter between its bounds, or the usual one where it is absent or no number.
pub(super) fn number(query: Option<&str>, name: &str, usual: usize, most: usize) -> usize {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(known, _)| known == name)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(usual)
        .clamp(1, most)
}
