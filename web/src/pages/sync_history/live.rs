//! The runs under way on the history page, each watched until it ends. The table and the panel read them from one place, so that no
//! run is watched twice.

use crate::api::sync_runs::{self as api, SyncRun};
use crate::components::notices::{Notices, use_notices};
use crate::logic::provider_name::provider_name;
use crate::logic::sync_words;
use crate::session::AgencyContext;
use futures_util::future::AbortHandle;
use leptos::prelude::*;

/// The watched runs.
#[derive(Clone, Copy)]
pub(super) struct Live {
    agency: AgencyContext,
    runs: RwSignal<Vec<SyncRun>>,
    handles: StoredValue<Vec<(String, AbortHandle)>>,
    notices: Notices,
    on_end: Callback<()>,
}

impl Live {
    /// Watches nothing yet; the watching ends with the page. `on_end` is told when a run ends.
    pub(super) fn start(agency: AgencyContext, on_end: Callback<()>) -> Self {
        let handles = StoredValue::new(Vec::<(String, AbortHandle)>::new());
        on_cleanup(move || {
            handles.try_update_value(|handles| {
                for (_, handle) in handles.drain(..) {
                    handle.abort();
                }
            });
        });
        Self {
            agency,
            runs: RwSignal::new(Vec::new()),
            handles,
            notices: use_notices(),
            on_end,
        }
    }

    /// Watches a run that has not ended, once.
    pub(super) fn follow(self, run: SyncRun) {
        let is_known = self
            .handles
            .with_value(|handles| handles.iter().any(|(id, _)| *id == run.id));
        if api::has_ended(run.state) || is_known {
            return;
        }
        let id = run.id.clone();
        self.put(run);
        let on_run = move |run: SyncRun| {
            if self.runs.is_disposed() {
                return;
            }
            let before = self.find(&run.id);
            let name = provider_name(run.provider);
            if let Some(text) = sync_words::announcement(before.as_ref(), &run, name) {
                self.notices.speak(text);
            }
            let is_over = api::has_ended(run.state);
            self.put(run);
            if is_over {
                self.on_end.try_run(());
            }
        };
        let handle = api::watch(self.agency.slug.get_untracked(), id.clone(), on_run);
        self.handles
            .update_value(|handles| handles.push((id, handle)));
    }

    fn put(self, run: SyncRun) {
        self.runs.update(|runs| {
            runs.retain(|known| known.id != run.id);
            runs.push(run);
        });
    }

    fn find(self, id: &str) -> Option<SyncRun> {
        self.runs
            .with_untracked(|runs| runs.iter().find(|run| run.id == id).cloned())
    }

    /// A run as it stands now: as it was watched last, else as it was loaded.
    pub(super) fn run(self, loaded: SyncRun) -> Memo<SyncRun> {
        Memo::new(move |_| {
            self.runs.with(|runs| {
                runs.iter()
                    .find(|run| run.id == loaded.id)
                    .unwrap_or(&loaded)
                    .clone()
            })
        })
    }
}
