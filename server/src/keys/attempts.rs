//! Validation is no oracle for stolen keys (K16): attempts are counted per person and per agency, and a refused one is
//! audited.

use crate::{
    access::Viewer,
    app::App,
    audit::{Action, Actor, Entry},
    error::{Error, Result},
    id::{AgencyId, ClientId},
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
    // What a client's people try uses up their client's turns, and none of the agency's own.
    let whose = viewer.client().map_or(agency.as_str(), ClientId::as_str);
    let refused = throttles
        .validations_by_person
        .attempt(viewer.user_id.as_str(), now)
        .map_err(|wait| (wait, "You have checked 10 keys in a minute"))
        .and_then(|()| {
            throttles
                .validations_by_agency
                .attempt(whose, now)
                .map_err(|wait| {
                    throttles
                        .validations_by_person
                        .take_back(viewer.user_id.as_str(), now);
                    let what = if viewer.client().is_some() {
                        "30 keys were checked here in an hour"
                    } else {
                        "This agency has checked 30 keys in an hour"
                    };
                    (wait, what)
                })
        });
    let Err((retry_after, what)) = refused else {
        return Ok(());
    };
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
