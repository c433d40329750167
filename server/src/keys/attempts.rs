//! Validation is no oracle for stolen keys (K16): attempts are counted per person and per agency, and a refused one is
//! audited.

use crate::{
    access::{Viewer, throttle::attempt_all},
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::AgencyId,
    providers::ProviderKind,
};

/// Counts a validation, or refuses it.
pub(crate) async fn count(
    app: &App,
    viewer: &Viewer,
    agency: &AgencyId,
    provider: ProviderKind,
) -> Result<()> {
    let now = app.clock.now();
    let throttles = &app.throttles;
    let mut counters = vec![(&throttles.validations_by_person, viewer.user_id.as_str())];
    let mut limits = vec!["You have checked 10 keys in a minute"];
    // What a client's people try uses up their client's turns and those of all portals together, and none of the agency's own.
    if let Some(client) = viewer.client() {
        counters.push((&throttles.validations_by_agency, client.as_str()));
        limits.push("30 keys were checked here in an hour");
        counters.push((&throttles.validations_by_portals, agency.as_str()));
        limits.push("The clients of this agency have handed in 120 keys in an hour");
    } else {
        counters.push((&throttles.validations_by_agency, agency.as_str()));
        limits.push("This agency has checked 30 keys in an hour");
    }
    let Err((refused, retry_after)) = attempt_all(&counters, now) else {
        return Ok(());
    };
    let what = limits[refused];
    let mut tx = app.db.begin().await?;
    let entry = Entry {
        agency: Some(agency),
        actor: Actor::Person(viewer),
        action: Action::KeyThrottled,
        subject: agency.as_str(),
        provider: Some(provider),
        summary: format!("{what}; another check was refused."),
    };
    app.audit.append(&mut tx, entry, now).await?;
    tx.commit().await?;
    Err(Error::TooManyAttempts {
        message: format!(
            "{what}. Nothing was sent to {}; try again in {}.",
            provider.display_name(),
            super::words::wait(retry_after)
        ),
        retry_after,
    })
}
