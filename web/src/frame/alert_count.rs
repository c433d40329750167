//! How many alerts are open: asked when an agency is entered, every quarter of a minute while the page is visible, and after one
//! was put aside. The sidebar's badge and the inbox read it. A question that fails leaves the count as it was.

use crate::api::alerts;
use crate::api::enums::Permission;
use crate::erased::{effect, spawn};
use crate::session::AgencyContext;
use leptos::prelude::*;
use std::time::Duration;

const INTERVAL: Duration = Duration::from_secs(15);

/// The count, once it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlertCount {
    /// Open alerts of the agency of this page.
    pub(crate) open: RwSignal<Option<i64>>,
    agency: AgencyContext,
}

impl AlertCount {
    /// Looks now and goes on looking until the frame is left.
    pub(super) fn provide(agency: AgencyContext) -> Self {
        let count = Self {
            open: RwSignal::new(None),
            agency,
        };
        effect(move || {
            agency.slug.track();
            count.open.set(None);
            count.look();
        });
        let look = move || {
            if !document().hidden() {
                count.look();
            }
        };
        if let Ok(handle) = set_interval_with_handle(look, INTERVAL) {
            on_cleanup(move || handle.clear());
        }
        provide_context(count);
        count
    }

    /// Asks now.
    pub(crate) fn look(self) {
        if !untrack(|| self.agency.may(Permission::ViewAlerts)) {
            return;
        }
        let slug = self.agency.slug.get_untracked();
        spawn(async move {
            if let Ok(count) = alerts::open_count(&slug).await
                && self.agency.slug.try_get_untracked().as_deref() == Some(slug.as_str())
            {
                self.open.try_set(Some(count));
            }
        });
    }
}
