//! Letting a request with an API key in, in this order: the key is known and lives (401), its window has room (429), the
//! agency has the API (403), and is the one that the request names (404). The rows are read at each request, so that no
//! cache outlives a revocation (A8). From the moment that the key is known to live, the request is counted.

use super::{Access, State, usage};
use crate::{
    access::{
        Role, Scope, Viewer,
        api_key::ApiKeySecret,
        viewer::{ApiKeyCredential, Credential, Membership},
    },
    app::App,
    clock::Timestamp,
    error::{Error, Result},
    limits::{Counter, Standing, Taken},
    store::{self, api_keys::CallerRow},
};

/// Of a key that none has, or that nobody may use any more because of who made it.
const UNKNOWN: &str =
    "This API key is unknown or revoked. Send one that is in use: Authorization: Bearer bvai_sk_…";

/// A request with an API key that was let in.
pub(crate) struct Admitted {
    /// The key, as the person who made it, in the key's agency.
    pub(crate) viewer: Viewer,
    /// How the key stands with its limits, this request counted.
    pub(crate) standing: Standing,
}

/// A request with an API key that was not let in.
pub(crate) struct Refused {
    /// Why.
    pub(crate) error: Error,
    /// How the key stands with its limits; none of a key that does not live.
    pub(crate) standing: Option<Standing>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            standing: None,
        }
    }
}

/// Who has this key, and whether they get in.
struct Caller {
    viewer: Viewer,
    access: Access,
}

/// Lets a request in, or says why not. `agency` is the slug that the request names, where it names one.
pub(crate) async fn admit(
    app: &App,
    secret: &ApiKeySecret,
    agency: Option<&str>,
) -> Result<Admitted, Refused> {
    let now = app.clock.now();
    let mut conn = app.db.read().await?;
    let row = store::api_keys::find_caller(&mut conn, &secret.hash()).await?;
    drop(conn);
    let caller = caller(app, row, now)?;
    usage::note_request(app, &caller.viewer);
    let taken = take_of(app, &caller, now).await?;
    let standing = Some(taken.standing);
    let is_named = |slug: &str| {
        let membership = caller.viewer.membership.as_ref();
        membership.is_some_and(|membership| membership.slug == slug)
    };
    let refusal = if !taken.is_allowed {
        Some(Error::RateLimited {
            retry_after: taken.standing.reset_after,
        })
    } else if let Err(error) = caller.access.check() {
        Some(error)
    } else {
        agency
            .is_some_and(|slug| !is_named(slug))
            .then_some(Error::NotFound)
    };
    match refusal {
        None => Ok(Admitted {
            viewer: caller.viewer,
            standing: taken.standing,
        }),
        Some(error) => {
            usage::note_error(app, &caller.viewer);
            Err(Refused { error, standing })
        }
    }
}

/// An API key's viewer as the rows are now; the error says what has ended.
pub(crate) async fn recognise_again(app: &App, viewer: &Viewer) -> Result<Viewer> {
    let (Some(key), Some(membership)) = (viewer.api_key(), &viewer.membership) else {
        return Err(Error::Unauthenticated);
    };
    let mut conn = app.db.read().await?;
    let row = store::api_keys::find_caller_again(&mut conn, &membership.agency_id, &key.id).await?;
    drop(conn);
    let caller = caller(app, row, app.clock.now())?;
    caller.access.check()?;
    Ok(caller.viewer)
}

/// Counts one request more of a viewer that was let in before, such as a subscription on an open socket. `RateLimited` when
/// there is no room; a person who is logged in is not counted.
pub(crate) async fn take(app: &App, viewer: &Viewer) -> Result<()> {
    let (Some(_), Some(membership)) = (viewer.api_key(), &viewer.membership) else {
        return Ok(());
    };
    let access = super::access(app, &membership.agency_id).await?;
    let caller = Caller {
        viewer: viewer.clone(),
        access,
    };
    usage::note_request(app, viewer);
    let taken = take_of(app, &caller, app.clock.now()).await?;
    if taken.is_allowed {
        return Ok(());
    }
    usage::note_error(app, viewer);
    Err(Error::RateLimited {
        retry_after: taken.standing.reset_after,
    })
}

async fn take_of(app: &App, caller: &Caller, now: Timestamp) -> Result<Taken> {
    let limits = app.config.api_limits.of(caller.access.plan);
    let mut counters = Vec::with_capacity(2);
    if let Some(key) = caller.viewer.api_key() {
        counters.push(Counter {
            who: format!("key {}", key.lineage),
            limit: limits.per_key,
        });
    }
    if let Some(membership) = &caller.viewer.membership {
        counters.push(Counter {
            who: format!("agency {}", membership.agency_id),
            limit: limits.per_agency,
        });
    }
    app.limits.take(&counters, now).await
}

impl Access {
    /// Whether scripts get in at all.
    pub(crate) fn check(self) -> Result<()> {
        if !self.plan.has_api() {
            return Err(Error::PlanWithoutApi);
        }
        if !self.is_on {
            return Err(Error::ApiSwitchedOff);
        }
        Ok(())
    }
}

/// Whoever has the key of this row, when it lives. A creator who left the agency, is suspended or has become a client's
/// person has no key any more.
fn caller(app: &App, row: Option<CallerRow>, now: Timestamp) -> Result<Caller> {
    let refused = |why| Err(Error::ApiKeyRefused(why));
    let Some(row) = row else {
        return refused(UNKNOWN);
    };
    match State::of(&row.key, now) {
        State::Active | State::Ending => {}
        State::Replaced => {
            return refused("This API key was replaced by a newer one of its name. Send that one.");
        }
        State::Expired => {
            return refused("This API key has expired. An owner or an admin can make another.");
        }
        State::Suspended | State::Revoked | State::Exposed => return refused(UNKNOWN),
    }
    let Some(role) = row.role.as_deref().and_then(Role::parse) else {
        return refused(UNKNOWN);
    };
    let membership = Membership {
        agency_id: row.key.agency_id,
        slug: row.slug,
        role,
        client: None,
        portal: Vec::new(),
    };
    let credential = Credential::ApiKey(ApiKeyCredential {
        id: row.key.id,
        lineage: row.key.lineage_id,
        name: row.key.name,
        scopes: Scope::of_row(&row.key.scopes),
    });
    let access = store::api_keys::AccessRow {
        plan: row.plan,
        is_api_on: row.is_api_on,
    };
    Ok(Caller {
        viewer: Viewer::new(
            row.key.created_by,
            row.user_name,
            row.email,
            credential,
            Some(membership),
            app.guard_alarm.clone(),
        ),
        access: access.try_into()?,
    })
}
