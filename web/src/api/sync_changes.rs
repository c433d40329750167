//! What an import found to be different, by name (S8).

use crate::api::enums::{SyncChangeField, SyncChangeKind, SyncChangeSubject};
use crate::api::{ApiError, operation, send};

operation!(
    ListSyncChanges,
    "src/api/sync_changes/list_sync_changes.graphql"
);

pub(crate) use list_sync_changes::{
    ListSyncChangesSyncChanges as SyncChangePage, ListSyncChangesSyncChangesNodes as SyncChange,
};

/// So many are read at a time.
const PAGE_SIZE: i64 = 25;

/// What the changes are narrowed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChangeFilter {
    /// None: any kind.
    pub(crate) kind: Option<SyncChangeKind>,
    /// None: agents and numbers.
    pub(crate) subject: Option<SyncChangeSubject>,
}

/// The changes of a run behind a cursor.
pub(crate) async fn list(
    agency: &str,
    run: String,
    filter: ChangeFilter,
    after: Option<String>,
) -> Result<SyncChangePage, ApiError> {
    let variables = list_sync_changes::Variables {
        run,
        filter: Some(list_sync_changes::SyncChangeFilter {
            kind: filter.kind.map(|kind| vec![kind]),
            subject: filter.subject.map(|subject| vec![subject]),
        }),
        first: Some(PAGE_SIZE),
        after,
        last: None,
        before: None,
    };
    Ok(send::<ListSyncChanges>(agency, variables)
        .await?
        .sync_changes)
}
