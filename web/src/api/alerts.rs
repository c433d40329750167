//! Alerts: the inbox, a page at a time, the count on its badge, and putting one aside.

use crate::api::enums::{AlertKind, AlertState, Provider};
use crate::api::{ApiError, DateTime, Window, operation, send};
use crate::logic::list_state::PagePosition;

operation!(ListAlerts, "src/api/alerts/list_alerts.graphql");
operation!(CountAlerts, "src/api/alerts/count_alerts.graphql");
operation!(DismissAlert, "src/api/alerts/dismiss_alert.graphql");

pub(crate) use list_alerts::{ListAlertsAlerts as AlertPage, ListAlertsAlertsNodes as Alert};

/// One page of the inbox: what is open, or everything.
pub(crate) async fn list(
    agency: &str,
    is_everything: bool,
    position: PagePosition,
) -> Result<AlertPage, ApiError> {
    let window = Window::of_page(&position);
    let variables = list_alerts::Variables {
        filter: (!is_everything).then(|| list_alerts::AlertFilter {
            state: Some(vec![AlertState::Open]),
            kind: None,
        }),
        first: window.first,
        after: window.after,
        last: window.last,
        before: window.before,
    };
    Ok(send::<ListAlerts>(agency, variables).await?.alerts)
}

/// How many alerts are open.
pub(crate) async fn open_count(agency: &str) -> Result<i64, ApiError> {
    let answer = send::<CountAlerts>(agency, count_alerts::Variables {}).await?;
    Ok(answer.alert_summary.open_count)
}

/// Puts an alert aside.
pub(crate) async fn dismiss(agency: &str, alert_id: String) -> Result<(), ApiError> {
    let input = dismiss_alert::DismissAlertInput { alert_id };
    send::<DismissAlert>(agency, dismiss_alert::Variables { input }).await?;
    Ok(())
}
