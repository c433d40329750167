//! How webhooks prove where they come from: an HMAC over the body, or a token in a header, compared in constant time. It
//! knows no provider; which header and which bytes are signed is the business of each provider's folder. An empty secret
//! proves nothing, whatever is signed with it.

use aws_lc_rs::{constant_time, hmac};
use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::WebhookRefused;
use super::http::replace_zero_characters;

/// The one value of a header; two are as good as none, because nothing says which of them counts.
pub(super) fn only_header<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<&'a [u8], WebhookRefused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        _ => Err(WebhookRefused::Unsigned),
    }
}

/// Checks an HMAC-SHA256 over the parts in this order, written as 64 hex digits.
pub(super) fn check_hmac(
    secret: &SecretString,
    parts: &[&[u8]],
    hex: &[u8],
) -> Result<(), WebhookRefused> {
    let told = unhex(hex).ok_or(WebhookRefused::BadSignature)?;
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(WebhookRefused::BadSignature);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    constant_time::verify_slices_are_equal(context.sign().as_ref(), &told)
        .map_err(|_| WebhookRefused::BadSignature)
}

/// Checks a token that is sent as it is.
pub(super) fn check_token(secret: &SecretString, told: &[u8]) -> Result<(), WebhookRefused> {
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(WebhookRefused::BadSignature);
    }
    constant_time::verify_slices_are_equal(secret.as_bytes(), told)
        .map_err(|_| WebhookRefused::BadSignature)
}

fn unhex(hex: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

/// Reads the body of a webhook whose origin is proven: an object.
pub(super) fn read_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, WebhookRefused> {
    let malformed = |what| WebhookRefused::Malformed { what };
    // Serde would read the items of a list as the fields of a struct, one by one.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(malformed("it is no JSON object"));
    }
    let mut body = Zeroizing::new(body.to_vec());
    replace_zero_characters(&mut body);
    serde_json::from_slice(&body).map_err(|_| malformed("it has another shape than it should"))
}
