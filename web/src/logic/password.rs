//! What is said about a new password before the server has to: how long it must be. It keeps no password.

/// The server refuses shorter ones.
const SHORTEST: usize = 12;

/// The hint below the field of a new password.
pub(crate) fn hint() -> String {
    format!("At least {SHORTEST} characters. A sentence of a few words is easy to keep.")
}

/// What is wrong with a new password.
pub(crate) fn problem(password: &str) -> Option<String> {
    (password.chars().count() < SHORTEST)
        .then(|| format!("Choose a password of at least {SHORTEST} characters."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H2: the page asks for as many characters as the server does, counted as people count them.
    #[test]
    fn a_new_password_is_as_long_as_the_server_wants_it() {
        let server = include_str!("../../../server/src/access/password.rs");
        assert!(
            server.contains(&format!("MIN_LENGTH: usize = {SHORTEST};")),
            "the server's shortest password has changed: change the page's with it"
        );
        assert_eq!(problem("zwölf Bäume "), None);
        assert!(problem("zwölf Bäume").is_some());
    }
}
