//! The calls that move while a page shows them: one subscription for the page, whose events the rows, the panel and the test
//! call read. A call that the page does not list lets it read its first page again, and so does a gap in the listening.

use crate::api::calls::{self as api, Call, CallPage, News};
use crate::api::enums::Permission;
use crate::loader::Loader;
use crate::logic::list_state::ListState;
use crate::pages::listing::Listing;
use crate::session::AgencyContext;
use leptos::prelude::*;
use std::time::Duration;

/// Calls that begin together are read together.
const PAUSE: Duration = Duration::from_millis(400);
/// Events that are kept; older ones are in what was loaded since.
const KEPT: usize = 200;

/// Watches the viewer's calls for as long as the caller's part of the page lives. Untracked reads only.
pub(crate) fn watch_calls(agency: AgencyContext, tell: impl Fn(News) + 'static) {
    let (slug, costs) = untrack(|| (agency.slug.get(), agency.may(Permission::ViewCallCosts)));
    let handle = StoredValue::new(api::watch(slug, costs, tell));
    on_cleanup(move || {
        handle.try_update_value(|handle| handle.abort());
    });
}

/// Lets `run` follow a moment after the first of several calls of what this returns, once for all of them.
pub(crate) fn soon(run: impl Fn() + Copy + 'static) -> impl Fn() + Copy + 'static {
    let is_due = StoredValue::new(false);
    move || {
        // Until it has run, further calls change nothing; a page that is gone runs nothing.
        if is_due.try_get_value() == Some(false) {
            is_due.set_value(true);
            set_timeout(
                move || {
                    if is_due.try_set_value(false).is_none() {
                        run();
                    }
                },
                PAUSE,
            );
        }
    }
}

/// The calls that have moved since the page was opened.
#[derive(Clone, Copy)]
pub(super) struct Live {
    /// Whether the viewer may see what calls cost.
    pub(super) has_costs: bool,
    calls: RwSignal<Vec<Call>>,
}

impl Live {
    /// Follows the calls of a list; on its first page new ones appear.
    pub(super) fn start(listing: Listing, page: Loader<CallPage>, has_costs: bool) -> Self {
        let live = Self {
            has_costs,
            calls: RwSignal::new(Vec::new()),
        };
        let read_again = soon(move || page.reload());
        watch_calls(listing.agency, move |news| match news {
            News::Missed => read_again(),
            News::Moved(call) => {
                let is_listed = page.data.try_with_untracked(|page| {
                    let mut calls = page.iter().flat_map(|page| page.nodes.iter());
                    calls.any(|listed| listed.id == call.id)
                });
                let Some(is_listed) = is_listed else {
                    return; // The page is gone.
                };
                let (is_first, is_filtered) = listing.listed.with_untracked(|state| {
                    (state.position.index == 0, ListState::is_filtered(state))
                });
                live.put(*call);
                if is_first && (!is_listed || is_filtered) {
                    read_again();
                }
            }
        });
        live
    }

    fn put(self, call: Call) {
        self.calls.update(|calls| {
            calls.retain(|known| known.id != call.id);
            if calls.len() >= KEPT {
                calls.remove(0);
            }
            calls.push(call);
        });
    }

    /// A call as it stands now: as it was told last, else as it was loaded.
    pub(super) fn call(self, loaded: Call) -> Memo<Call> {
        Memo::new(move |_| {
            self.calls.with(|calls| {
                let told = calls.iter().find(|call| call.id == loaded.id);
                told.unwrap_or(&loaded).clone()
            })
        })
    }

    /// What was told of a call since the page was opened.
    pub(super) fn told(self, id: String) -> Memo<Option<Call>> {
        Memo::new(move |_| {
            self.calls
                .with(|calls| calls.iter().find(|call| call.id == id).cloned())
        })
    }
}
