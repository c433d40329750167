//! Signatures as Standard Webhooks has them: `v1,` and the Base64 of HMAC-SHA256 over id, timestamp and body, under the bytes
//! that the secret's Base64 stands for. The secret's plain text exists for one signature (E2).

use aws_lc_rs::{hmac, rand};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    clock::Timestamp,
    error::{Error, Result},
};

/// What a signing secret begins with.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A new signing secret.
pub(super) fn new_secret() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    rand::fill(&mut bytes[..]).map_err(Error::internal)?;
    let encoded = Zeroizing::new(STANDARD.encode(&bytes[..]));
    Ok(SecretString::from([PREFIX, encoded.as_str()].concat()))
}

/// The seconds that the header says and the signature covers.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// The `webhook-signature` header.
pub(super) fn signature(
    secret: &SecretString,
    id: &str,
    seconds: i64,
    body: &str,
) -> Result<String> {
    let text = secret.expose_secret();
    let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
    let bytes = STANDARD
        .decode(encoded)
        .map(Zeroizing::new)
        .map_err(|_| Error::KeyUnreadable)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H5: the example of the Standard Webhooks specification gives the signature that stands there.
    #[test]
    fn the_specifications_example_gives_its_signature() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signed.expect("signed"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    /// H5: secrets are random, and as long as the specification asks for.
    #[test]
    fn a_secret_is_random_and_long_enough() {
        let [one, other] = [(); 2].map(|()| new_secret().expect("a secret"));
        assert_ne!(one.expose_secret(), other.expose_secret());
        let encoded = one.expose_secret().strip_prefix(PREFIX).expect("prefix");
        assert_eq!(
            STANDARD.decode(encoded).expect("base64").len(),
            SECRET_BYTES
        );
    }
}
