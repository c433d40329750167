//! The Ringfence web app, in reading order: `app` (routes), `session` (who is here), `frame` (sidebar and menus), `pages` (one
//! file per screen), `components` (the design system that every page uses), `api` (the only fetch, typed operations against
//! `schema.graphql`), `logic` (pure rules, tested natively). A page writes no fetch, no error decoding and no CSS.

// Large `view!` trees nest types deeper than the default limit.
#![recursion_limit = "512"]
#![expect(
    unreachable_pub,
    reason = "the component macro writes `pub` for each component, whatever its own visibility"
)]

mod api;
mod app;
mod clock;
mod components;
mod download;
mod erased;
mod frame;
mod loader;
mod logic;
mod pages;
mod session;
mod theme;

/// Mounts the app into the page; `index.html` shows its first paint until then.
pub fn start() {
    if cfg!(debug_assertions) {
        console_error_panic_hook::set_once();
    }
    leptos::mount::mount_to_body(app::App);
}
