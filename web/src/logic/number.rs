//! Texts of counts: thousands separators and the singular or plural of a noun. It must not round or abbreviate, because
//! people compare these figures with those of their provider.

/// A whole number with thousands separators, such as `10,000`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun, such as `1 agent` or `1,200 agents`.
pub(crate) fn counted(number: i64, singular: &str, plural: &str) -> String {
    let noun = if number == 1 { singular } else { plural };
    format!("{} {noun}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(10_000), "10,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-1_234), "-1,234");
    }

    #[test]
    fn nouns_follow_their_count() {
        assert_eq!(counted(1, "agent", "agents"), "1 agent");
        assert_eq!(counted(0, "agent", "agents"), "0 agents");
        assert_eq!(counted(1_200, "agent", "agents"), "1,200 agents");
    }
}
