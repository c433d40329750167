//! K13: nothing of a key, and nothing that looks like one, gets from a provider's text to a screen or a log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use secrecy::SecretString;

use super::{scrub, scrub_message};

const KEY: &str = "sk-ab12CD34ef56GH78-ij90/wxyz";
const UUID_KEY: &str = "8f14e45f-ceea-467f-a8d2-1b7c0e2a9d31";

fn each_byte(text: &str, write: fn(u8) -> String) -> String {
    text.bytes().map(write).collect::<Vec<_>>().concat()
}

fn scrubbed(text: &str) -> String {
    scrub(text, &SecretString::from(KEY))
}

/// K13
#[test]
fn ordinary_words_stay_as_they_are() {
    for text in [
        "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.",
        "Rate limit exceeded",
        "property customer should not exist; name must be shorter than or equal to 40 characters",
        "Billing Limits Exceeded: see https://dashboard.vapi.ai/org/billing, or wait… until 2026-11-21T09:15:00.000Z.",
        "call.start.error-subscription-wallet-does-not-exist",
        "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`.",
        "The number +14155550123 is not yours (code 21210).",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

/// K13
#[test]
fn the_key_itself_is_masked() {
    assert_eq!(
        scrubbed(&format!("Incorrect API key provided: {KEY}.")),
        "Incorrect API key provided: ••••."
    );
    assert_eq!(
        scrubbed(&format!("{{\"key\":\"{KEY}\"}}")),
        "{\"key\":\"••••\"}"
    );
    assert_eq!(scrubbed(&KEY.to_uppercase()), "••••");
}

/// K13
#[test]
fn a_shortened_key_is_masked_whole() {
    for echoed in [
        "sk-ab***wxyz",
        "sk-ab12...wxyz",
        "sk-ab…wxyz",
        "...wxyz",
        "…wxyz",
        "sk-a…",
        "****wxyz",
        "••••wxyz",
        "wxyz",
        "WXYZ",
        "sk-ab12",
        "j90/wxyz",
    ] {
        let text = format!("Key {echoed} is not known.");
        let expected = "Key •••• is not known.";
        assert_eq!(scrubbed(&text), expected, "for {echoed}");
    }
}

/// K13
#[test]
fn an_encoded_key_is_masked() {
    let percent = each_byte(KEY, |byte| format!("%{byte:02x}"));
    let twice = percent.replace('%', "%25");
    let hex = each_byte(KEY, |byte| format!("{byte:02X}"));
    let encoded = [
        KEY.replace('/', "%2F"),
        percent,
        twice,
        hex,
        STANDARD.encode(KEY),
        STANDARD.encode(format!("Bearer {KEY}")),
        STANDARD.encode(format!("user:{KEY}")),
        STANDARD.encode(format!("x{KEY}")),
        URL_SAFE.encode(format!("xy{KEY}")),
    ];
    for echoed in encoded {
        assert_eq!(
            scrubbed(&format!("GET /keys?{echoed}")),
            "GET /keys?••••",
            "for {echoed}"
        );
    }
}

/// K13
#[test]
fn somebody_elses_key_is_masked_too() {
    for other in [
        UUID_KEY,
        "key_0123456789abcdef",
        "sk-1234",
        "bvai_sk_0aB3",
        "AC0123456789abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJvcmdJZCI6IjEyMzQ1Njc4OTAifQ",
        "12345678901234567890",
    ] {
        let text = scrubbed(&format!("Key {other} was used."));
        assert!(
            text.starts_with("Key ••••") && text.ends_with("was used."),
            "{text}"
        );
        assert!(!text.contains(&other[..5]), "{text}");
    }
}

/// K13
#[test]
fn invisible_characters_do_not_hide_a_key() {
    let spaced: String = KEY
        .chars()
        .flat_map(|character| [character, '\u{200b}', '\u{7}'])
        .collect();
    assert_eq!(
        scrubbed(&format!("Key\n\t{spaced}\u{202e} is wrong")),
        "Key •••• is wrong"
    );
}

/// K13
#[test]
fn a_long_text_is_cut_and_stays_on_one_line() {
    let text = scrubbed(&"all the words\n".repeat(10_000));
    assert_eq!(text.chars().count(), 300);
    assert!(text.ends_with('…') && !text.contains('\n'));
}

/// K13
#[test]
fn a_text_of_nothing_but_a_key_is_no_message() {
    let key = SecretString::from(KEY);
    assert_eq!(scrub_message(KEY, &key), None);
    assert_eq!(scrub_message(" \n ", &key), None);
    assert_eq!(
        scrub_message("Forbidden resource", &key).as_deref(),
        Some("Forbidden resource")
    );
}

/// How a provider may write the key, or a piece of it.
fn written(key: &str, from: usize, length: usize, style: usize) -> String {
    let chars: Vec<char> = key.chars().collect();
    let from = from % chars.len();
    let piece: String = chars.iter().skip(from).take(length.max(1)).collect();
    match style {
        0 => key.to_owned(),
        1 => piece,
        2 => format!("{piece}****{}", chars.iter().skip(from).collect::<String>()),
        3 => each_byte(&piece, |byte| format!("%{byte:02X}")),
        4 => STANDARD.encode(format!("Bearer {key}")),
        5 => STANDARD.encode(&piece),
        6 => key
            .chars()
            .flat_map(|character| [character, '\u{200d}'])
            .collect(),
        _ => format!("{piece} {piece}\u{0}{piece}"),
    }
}

/// Undoes what a reader could undo: percent-encoding, and base64 of a whole word.
fn readings(text: &str) -> Vec<String> {
    let mut readings = vec![text.to_owned()];
    let decoded: Vec<u8> =
        url::form_urlencoded::parse(text.replace('+', "%2B").replace(['&', '='], " ").as_bytes())
            .flat_map(|(name, value)| format!("{name}{value}").into_bytes())
            .collect();
    readings.push(String::from_utf8_lossy(&decoded).into_owned());
    for word in text
        .split(|character: char| !character.is_ascii_alphanumeric() && !"+/=".contains(character))
    {
        if word.len() >= 8
            && let Ok(bytes) = STANDARD.decode(word)
        {
            readings.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    readings
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// K13: whatever the provider wraps around it, and however it writes it, no five characters in a row of the key are
    /// left. White space and mask characters cannot stand in a key (K2).
    #[test]
    fn no_five_characters_of_the_key_survive(
        key in "[!-~]{5,60}",
        before in any::<String>(),
        between in "[ -~]{0,12}",
        after in "[\\x00-~•…]{0,40}",
        from in 0usize..60,
        length in 1usize..60,
        style in 0usize..8,
    ) {
        let text = format!("{before}{}{between}{key}{after}", written(&key, from, length, style));
        let result = scrub(&text, &SecretString::from(key.as_str()));
        prop_assert!(result.chars().count() <= 300);
        prop_assert!(!result.chars().any(char::is_control));
        let key: Vec<char> = key.chars().collect();
        for reading in readings(&result) {
            for window in key.windows(5) {
                let window: String = window.iter().collect();
                prop_assert!(!reading.contains(&window), "{window:?} of the key is left in {result:?}");
            }
        }
    }
}
