//! The sandbox's sample keys, in the demo only: each with what the sandbox answers to it. A click puts one into the field of
//! its provider; saving stays the person's own act.

use crate::components::icons::{Icon, icon};
use crate::logic::provider_name::provider_name;
use crate::pages::api_keys::PageContext;
use crate::session::use_session;
use leptos::prelude::*;

/// The panel; nothing outside the demo.
#[component]
pub(super) fn SampleKeys() -> impl IntoView {
    let page: PageContext = expect_context();
    let session = use_session();
    let keys = session
        .instance()
        .and_then(|instance| instance.demo)
        .map(|demo| demo.sample_keys)
        .unwrap_or_default();
    if keys.is_empty() {
        return ().into_any();
    }
    let rows = keys
        .into_iter()
        .map(|sample| {
            let name = provider_name(sample.provider);
            let (provider, key) = (sample.provider, sample.key.clone());
            view! {
                <li>
                    <button type="button" class="sample" on:click=move |_| page.sample.set(Some((provider, key.clone())))>
                        <span class="sample-outcome"><span class="visually-hidden">"Put into the field: "</span> {name} ": " {sample.outcome}</span>
                        <code>{sample.key}</code>
                    </button>
                </li>
            }.into_any()
        })
        .collect::<Vec<_>>();
    view! {
        <section class="samples" aria-label="Sandbox keys">
            <h2>{icon(Icon::Flask)} "Sandbox keys"</h2>
            <p class="quiet">"The demo talks to a sandbox on this machine, not to the providers. Click a key to put it into the field, then save it."</p>
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}
