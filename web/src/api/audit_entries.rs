//! The audit log, newest first, a page at a time.

use crate::api::enums::Provider;
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::PagePosition;

operation!(
    ListAuditEntries,
    "src/api/audit_entries/list_audit_entries.graphql"
);

pub(crate) use list_audit_entries::{
    ListAuditEntriesAuditEntries as AuditPage, ListAuditEntriesAuditEntriesNodes as AuditEntry,
};

/// One page of the log, of one provider or of all.
pub(crate) async fn list(
    agency: &str,
    provider: Option<Provider>,
    position: PagePosition,
) -> Result<AuditPage, ApiError> {
    let window = Window::of_page(&position);
    let variables = list_audit_entries::Variables {
        filter: provider.map(|provider| list_audit_entries::AuditEntryFilter {
            provider: Some(vec![provider]),
        }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListAuditEntries>(agency, variables)
        .await?
        .audit_entries)
}
