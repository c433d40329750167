//! Light, dark or as the system says. The choice lives in this browser; the script in `index.html` applies it before the
//! first paint, this module when it is changed.

use leptos::prelude::*;

/// Where the choice is kept; `index.html` reads the same name.
const STORAGE_KEY: &str = "ringfence.theme";

/// The choice of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says, and changing with it.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All choices in the order of the menu.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the menu.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    fn value(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The choice that is in force.
pub(crate) fn current() -> Theme {
    let stored = window()
        .local_storage()
        .ok()
        .flatten()
        .and_then(|storage| storage.get_item(STORAGE_KEY).ok().flatten());
    match stored.as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// Applies a choice and keeps it. A browser that refuses storage keeps it until the page is left.
pub(crate) fn choose(theme: Theme) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Storage may be full or blocked; the choice then holds for this page.
        let _ = storage.set_item(STORAGE_KEY, theme.value());
    }
    let Some(root) = document().document_element() else {
        return;
    };
    // Neither call can fail on <html>.
    let _ = match theme {
        Theme::System => root.remove_attribute("data-theme"),
        Theme::Light | Theme::Dark => root.set_attribute("data-theme", theme.value()),
    };
}
