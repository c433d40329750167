//! Phone numbers as people read them. It only groups the digits of an E.164 number; what is copied and sent stays E.164.

/// Country calling codes of two digits; one digit are 1 and 7, all others have three (ITU-T E.164, list of codes).
const TWO_DIGIT_CODES: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47",
    "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65",
    "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// An E.164 number with its digits grouped, such as `+1 415 555 0123`; anything else comes back as it was.
pub(crate) fn formatted(number: &str) -> String {
    let Some(digits) = number.strip_prefix('+') else {
        return number.to_owned();
    };
    if digits.len() < 7 || digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let code_length = if digits.starts_with('1') || digits.starts_with('7') {
        1
    } else if TWO_DIGIT_CODES.contains(&&digits[..2]) {
        2
    } else {
        3
    };
    let (code, rest) = digits.split_at(code_length);
    format!("+{code} {}", grouped(rest))
}

/// The number in E.164, without the marks that people put between digits; none where it is no number that can be called with
/// its country code. As the server checks it.
pub(crate) fn e164(text: &str) -> Option<String> {
    let digits: String = text
        .trim()
        .strip_prefix('+')?
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let is_number = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    is_number.then(|| format!("+{digits}"))
}

/// Groups of three with a last one of four or fewer, so that no digit stands alone.
fn grouped(digits: &str) -> String {
    let mut groups = Vec::new();
    let mut rest = digits;
    while rest.len() > 4 {
        let size = if rest.len() == 5 { 2 } else { 3 };
        let (group, remainder) = rest.split_at(size);
        groups.push(group);
        rest = remainder;
    }
    groups.push(rest);
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_people_read_them() {
        assert_eq!(formatted("+14155550123"), "+1 415 555 0123");
        assert_eq!(formatted("+442079460958"), "+44 207 946 0958");
        assert_eq!(formatted("+4930123456"), "+49 301 23 456");
        assert_eq!(formatted("+353861234567"), "+353 861 234 567");
    }

    /// C2: what is no number in E.164 is seen before anything is sent, by the server's own rule.
    #[test]
    fn a_number_to_call_is_e164() {
        assert_eq!(e164(" +1 (555) 123-4567 ").as_deref(), Some("+15551234567"));
        assert_eq!(e164("+49.30.1234567").as_deref(), Some("+49301234567"));
        for text in [
            "",
            "+",
            "5551234567",
            "+05551234567",
            "+1555123456789012",
            "+123456",
            "+1555123456x",
            "++15551234567",
        ] {
            assert_eq!(e164(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_e164_is_left_alone() {
        assert_eq!(formatted("sip:front@example.com"), "sip:front@example.com");
        assert_eq!(formatted("4155550123"), "4155550123");
        assert_eq!(formatted("+1415555012x"), "+1415555012x");
    }
}
