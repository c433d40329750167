//! Tells whoever watches that a run has moved. In memory: a watcher also looks at the row each second, so that nothing
//! is missed when another process does the work.

use crate::{app::App, id::SyncRunId};

/// The run has moved.
pub(crate) fn publish(app: &App, run: &SyncRunId) {
    // Nobody watching is no fault.
    drop(app.sync_events.send(run.clone()));
}
