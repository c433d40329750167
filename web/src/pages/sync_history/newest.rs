//! Runs that begin while the history page is open, such as those of the schedule or of another person: every few seconds the page
//! asks for the id of the newest run alone, and reads its list anew when that is another one. A hidden page asks nothing.

use crate::api::sync_runs::{self as api, SyncRunPage};
use crate::erased::spawn;
use crate::loader::Loader;
use crate::session::AgencyContext;
use leptos::prelude::*;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(4);

/// Looks until the page is left.
pub(super) fn look_for(agency: AgencyContext, page: Loader<SyncRunPage>) {
    let known = StoredValue::new(None::<String>);
    let is_asking = StoredValue::new(false);
    let look = move || {
        if document().hidden() || is_asking.try_get_value() != Some(false) {
            return;
        }
        is_asking.set_value(true);
        let slug = agency.slug.get_untracked();
        spawn(async move {
            let answer = api::newest(&slug).await;
            // The page is gone.
            if is_asking.try_set_value(false).is_some() {
                return;
            }
            // The list itself says when the server cannot be asked.
            if let Ok(Some(newest)) = answer {
                let is_listed = page.data.with_untracked(|page| {
                    let mut runs = page.iter().flat_map(|page| page.nodes.iter());
                    runs.any(|run| run.id == newest)
                });
                let is_known = known.with_value(|known| known.as_deref() == Some(newest.as_str()));
                known.set_value(Some(newest));
                if !is_listed && !is_known {
                    page.reload();
                }
            }
        });
    };
    if let Ok(handle) = set_interval_with_handle(look, INTERVAL) {
        on_cleanup(move || handle.clear());
    }
}
