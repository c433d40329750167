//! Phone numbers as people and scripts write them, checked against E.164 (ITU-T E.164, 2010): a plus sign, a country code
//! that does not begin with zero, at most fifteen digits. Spaces and the marks that people put between digits are taken out.

use crate::error::{Error, Result};

/// Fewer digits are no number that can be called from abroad.
const FEWEST_DIGITS: usize = 7;
const MOST_DIGITS: usize = 15;

/// The number in E.164; `field` is named where it is none.
pub(crate) fn check(field: &'static str, text: &str) -> Result<String> {
    let wrong = || {
        Error::invalid(
            field,
            "Write the number with its country code, such as +15551234567.",
        )
    };
    let digits = text.trim().strip_prefix('+').ok_or_else(wrong)?;
    let digits: String = digits
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let is_number = (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    if is_number {
        Ok(format!("+{digits}"))
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C2: what is no number in E.164 is refused, and its field is named.
    #[test]
    fn a_number_is_e164() {
        for (text, number) in [
            ("+15551234567", "+15551234567"),
            (" +1 (555) 123-4567 ", "+15551234567"),
            ("+49.30.1234567", "+49301234567"),
        ] {
            assert_eq!(check("phoneNumber", text).unwrap(), number);
        }
        for text in [
            "",
            "+",
            "5551234567",
            "0015551234567",
            "+05551234567",
            "+1555123456789012",
            "+123456",
            "+1555123456x",
            "+1555\u{0661}234567",
            "++15551234567",
        ] {
            let refused = check("phoneNumber", text).unwrap_err();
            assert_eq!(refused.field(), Some("phoneNumber"), "{text:?}");
        }
    }
}
