//! Language models in few words: the vendor is left out where the model's own name tells it, because a column has room for one of
//! them. The whole text stands in the panel and in what is copied.

/// Names that are one vendor's alone, by how they begin.
const FAMILIES: &[(&str, &[&str])] = &[
    ("anthropic", &["claude"]),
    ("deepseek", &["deepseek"]),
    ("google", &["gemini"]),
    ("openai", &["gpt", "chatgpt", "o1", "o3", "o4"]),
    ("xai", &["grok"]),
];

/// Vendor and name, such as `openai gpt-4.1`.
pub(crate) fn whole(vendor: &str, name: &str) -> String {
    format!("{vendor} {name}")
}

/// The name alone where it tells its vendor, such as `gpt-4.1`; otherwise both, such as `groq gpt-oss-120b`.
pub(crate) fn short(vendor: &str, name: &str) -> String {
    let tells = FAMILIES.iter().any(|(by, begins)| {
        *by == vendor && begins.iter().any(|beginning| name.starts_with(beginning))
    });
    if tells {
        name.to_owned()
    } else {
        whole(vendor, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// look.md: table. A vendor that only runs another's model is not left out.
    #[test]
    fn a_vendor_is_left_out_where_the_name_tells_it() {
        assert_eq!(
            short("anthropic", "claude-sonnet-4-20250514"),
            "claude-sonnet-4-20250514"
        );
        assert_eq!(short("openai", "gpt-4.1"), "gpt-4.1");
        assert_eq!(short("azure-openai", "gpt-4.1"), "azure-openai gpt-4.1");
        assert_eq!(short("groq", "llama-3.3-70b"), "groq llama-3.3-70b");
    }
}
