//! Query strings of our own links: percent-encoding and joining. Reading them is the router's work.

/// Percent-encodes a value for a query string; only unreserved characters (RFC 3986, 2.3) stay as they are.
pub(crate) fn encoded(value: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    text
}

/// `path?name=value&…` without the pairs that have no value.
pub(crate) fn joined(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = path.to_owned();
    let mut separator = '?';
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(separator);
        text.push_str(name);
        text.push('=');
        text.push_str(&encoded(value));
        separator = '&';
    }
    text
}

/// A path of this app to return to after log-in; anything that could lead elsewhere becomes `/`.
pub(crate) fn safe_return_path(path: Option<String>) -> String {
    path.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with("/log-in")
            && !path.starts_with("/set-up")
            && !path.contains(['\\', '\t', '\n', '\r'])
    })
    .unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_pairs_are_left_out_and_values_encoded() {
        assert_eq!(joined("/a/x/agents", &[]), "/a/x/agents");
        assert_eq!(
            joined("/a", &[("q", "a b&c"), ("status", ""), ("agent", "1")]),
            "/a?q=a%20b%26c&agent=1"
        );
        assert_eq!(encoded("é"), "%C3%A9");
    }

    /// After log-in a crafted link must not lead to another site.
    #[test]
    fn only_paths_of_this_app_are_returned_to() {
        assert_eq!(
            safe_return_path(Some("/a/north/agents?q=x".to_owned())),
            "/a/north/agents?q=x"
        );
        for path in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/log-in?next=/",
            "",
            "/\t/evil.example",
        ] {
            assert_eq!(safe_return_path(Some(path.to_owned())), "/", "{path:?}");
        }
        assert_eq!(safe_return_path(None), "/");
    }
}
