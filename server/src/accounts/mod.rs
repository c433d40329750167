//! People and agencies: set-up of the first owner, log-in, log-out, and what the operator does from the command line.

pub mod admin;
pub(crate) mod log_in;
pub mod set_up;

use crate::error::{Error, Result};

/// A name as people typed it, trimmed.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid(field, "Enter a name."));
    }
    if name.chars().count() > 100 || name.chars().any(is_unseen) {
        return Err(Error::invalid(
            field,
            "Use at most 100 characters, without line breaks and invisible characters.",
        ));
    }
    Ok(name.to_owned())
}

/// Characters that nobody sees, or that turn the order of what is seen (Unicode's controls and format characters): two names
/// must not look the same. The joiners stay, which some scripts and emoji are written with.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Longest email address that is taken, in bytes (RFC 5321).
pub(crate) const MAX_EMAIL_LENGTH: usize = 254;

/// An email address as people typed it, trimmed. Only its form is looked at: mail to it proves the rest.
pub(crate) fn check_email(field: &'static str, email: &str) -> Result<String> {
    let email = email.trim();
    let is_plausible = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    let is_plain = email.len() <= MAX_EMAIL_LENGTH
        && !email.chars().any(|c| c.is_whitespace() || is_unseen(c));
    if is_plausible && is_plain {
        return Ok(email.to_owned());
    }
    Err(Error::invalid(
        field,
        "Enter an email address such as ann@example.com.",
    ))
}

/// A slug from a name: lower-case letters and digits with hyphens between, at most 40 characters.
pub(crate) fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "agency".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_letters_and_digits() {
        assert_eq!(slug_of("  Northside Voice, Inc. "), "northside-voice-inc");
        assert_eq!(slug_of("日本"), "agency");
        assert!(slug_of(&"long name ".repeat(20)).len() <= 40);
    }

    #[test]
    fn an_email_needs_a_domain() {
        assert!(check_email("email", " ann@example.com ").is_ok());
        for bad in [
            "",
            "ann",
            "ann@",
            "ann@example",
            "an n@example.com",
            "@example.com",
        ] {
            assert_eq!(
                check_email("email", bad).expect_err(bad).field(),
                Some("email")
            );
        }
    }
}
