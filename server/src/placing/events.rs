//! Says that a run has moved, to whoever watches it in this process. The row is what counts: a watcher looks each second
//! anyway, so that nothing is lost when another process does the work.

use crate::{app::App, id::PlacementRunId};

/// Announces that a run was written. Nobody listening is no error.
pub(crate) fn publish(app: &App, run: &PlacementRunId) {
    drop(app.placement_events.send(run.clone()));
}
