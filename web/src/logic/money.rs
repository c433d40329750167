//! Amounts of money as people read them. The server sends decimal numbers as text, so that no cent is lost on the way; they are
//! kept in millionths here.

/// Millionths of an amount such as `0.0715`; none where the text is no such number.
pub(crate) fn micros(amount: &str) -> Option<i64> {
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    if part.len() > 6 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    Some(whole * 1_000_000 + part)
}

/// An amount in whole cents, such as `$1.23`; what is less than a cent and more than nothing says so.
pub(crate) fn short(micros: i64, currency: &str) -> String {
    if (1..5_000).contains(&micros) {
        return format!("< {}", with_unit("0.01", currency));
    }
    let cents = (micros + 5_000) / 10_000;
    let whole = crate::logic::number::grouped(cents / 100);
    with_unit(&format!("{whole}.{:02}", cents % 100), currency)
}

/// An amount to its last digit, with two decimals at least, such as `$0.0715`.
pub(crate) fn exact(micros: i64, currency: &str) -> String {
    let whole = crate::logic::number::grouped(micros / 1_000_000);
    let part = format!("{:06}", micros % 1_000_000);
    let part = part.trim_end_matches('0');
    with_unit(&format!("{whole}.{part:0<2}"), currency)
}

fn with_unit(number: &str, currency: &str) -> String {
    if currency == "USD" {
        format!("${number}")
    } else {
        format!("{number} {currency}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_their_last_digit() {
        assert_eq!(micros("0.0715"), Some(71_500));
        assert_eq!(micros("12"), Some(12_000_000));
        assert_eq!(micros("0"), Some(0));
        assert_eq!(micros("0.000001"), Some(1));
        for wrong in ["", "x", "1.2345678", "1.-2"] {
            assert_eq!(micros(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn amounts_read_as_money() {
        assert_eq!(short(1_234_567_000, "USD"), "$1,234.57");
        assert_eq!(short(71_500, "USD"), "$0.07");
        assert_eq!(short(4_999, "USD"), "< $0.01");
        assert_eq!(short(0, "USD"), "$0.00");
        assert_eq!(exact(71_500, "USD"), "$0.0715");
        assert_eq!(exact(500_000, "EUR"), "0.50 EUR");
        assert_eq!(exact(2_000_000, "USD"), "$2.00");
    }
}
