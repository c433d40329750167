//! Says that a call has moved, to whoever watches the agency's calls in this process. The row is what counts: a watcher looks
//! each few seconds anyway, so that nothing is lost when another process writes it.

use crate::{app::App, store::calls::CallRow};

/// Announces that a call was written. Nobody listening is no error.
pub(crate) fn publish(app: &App, row: &CallRow) {
    let event = (row.agency_id.clone(), row.id.clone());
    drop(app.call_events.send(event));
}
